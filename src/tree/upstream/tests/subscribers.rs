//! What sessions want to hear beside answers, and what the server is told of it.

use serde_json::json;

use super::talk::{AGAIN, TIMEOUT, Talk, Todo, answer, refusal, request};
use super::{Desk, Heard, interest, owner};
use crate::protocol::mcp::logging::Level;

/// Ready, with these capabilities and no list.
fn server(capabilities: &str) -> Talk {
    let (mut talk, todo) = Talk::open().initialized_as(capabilities);
    let asked = todo.iter().filter(|todo| matches!(todo, Todo::Write(_)));
    for (id, _) in (1..).zip(asked) {
        talk.hears(&refusal(id).replace("-32603", "-32601"));
    }
    assert!(talk.dialogue.is_ready());
    talk
}

fn logging() -> Talk {
    server(r#"{"logging":{}}"#)
}

/// The lists of resources had the ids 1 and 2.
fn resources() -> Talk {
    server(r#"{"resources":{"subscribe":true}}"#)
}

fn level(id: u64, level: &str) -> Todo {
    request(id, "logging/setLevel", json!({"level": level}))
}

fn subscribe(id: u64, uri: &str) -> Todo {
    request(id, "resources/subscribe", json!({"uri": uri}))
}

fn unsubscribe(id: u64, uri: &str) -> Todo {
    request(id, "resources/unsubscribe", json!({"uri": uri}))
}

fn wants(level: Level) -> crate::tree::client::Interest {
    interest(Some(level), &[])
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_server_is_told_the_most_verbose_level_of_all() {
    let (mut talk, a, b) = (logging(), Desk::of(1, 1), Desk::of(2, 1));
    assert_eq!(talk.interested(&a, interest(None, &NOTHING)), []);
    assert_eq!(
        talk.interested(&a, wants(Level::Warning)),
        [level(1, "warning")]
    );
    assert_eq!(
        talk.interested(&b, wants(Level::Debug)),
        [],
        "one at a time"
    );
    assert_eq!(talk.hears(&answer(1, "{}")), [level(2, "debug")]);
    assert_eq!(talk.hears(&answer(2, "{}")), []);
    assert_eq!(talk.interested(&a, wants(Level::Error)), []);
    assert_eq!(
        talk.interested(&b, interest(None, &[])),
        [level(3, "error")]
    );
    assert_eq!(talk.interested(&a, interest(None, &[])), []);
    // An error changes nothing: it is not told the same again.
    assert_eq!(talk.hears(&refusal(3)), [level(4, "info")], "quiet again");
    assert_eq!(talk.hears(&refusal(4)), []);
    assert_eq!(talk.dialogue.counters().dropped_answers, 0);
}

#[test]
fn a_level_that_is_never_answered_does_not_block_the_next() {
    let (mut talk, a) = (logging(), Desk::new(1));
    assert_eq!(
        talk.interested(&a, wants(Level::Error)),
        [level(1, "error")]
    );
    talk.interested(&a, wants(Level::Alert));
    assert_eq!(talk.dialogue.next_deadline(), Some(talk.now + TIMEOUT));
    talk.now += TIMEOUT;
    assert_eq!(talk.expires(), [level(2, "alert")]);
}

#[test]
fn a_server_is_not_asked_for_what_it_did_not_declare() {
    let (mut talk, desk) = (server(r#"{"resources":{}}"#), Desk::new(1));
    let all = interest(Some(Level::Debug), &["u"]);
    assert_eq!(talk.interested(&desk, all), []);
}

#[test]
fn messages_go_to_who_calls_or_set_a_level_and_once() {
    let mut talk = logging();
    let [mut caller, mut levelled, mut both, mut other] = [1, 2, 3, 4].map(|id| Desk::of(id, 9));
    talk.sends(&mut caller);
    talk.sends(&mut caller);
    let said = r#"{"level":"notice","logger":"db","data":1.10}"#;
    let heard = |is_amplified| {
        let params = r#"{"level":"notice","logger":"s/db","data":1.10}"#.to_owned();
        [Heard::Logged(Some(Level::Notice), is_amplified, params)]
    };
    talk.told("notifications/message", said);
    assert_eq!(caller.hear(), heard(false));

    talk.interested(&levelled, wants(Level::Alert));
    talk.interested(&both, wants(Level::Debug));
    talk.interested(&other, interest(None, &["u"]));
    let id = talk.sends(&mut both);
    talk.told("notifications/message", said);
    for desk in [&mut caller, &mut levelled, &mut both] {
        assert_eq!(desk.hear(), heard(true), "filtered by the session");
    }
    talk.hears(&answer(id, "1"));
    both.hear();
    talk.interested(&both, interest(None, &[]));
    talk.told("notifications/message", r#"{"level":"loud","data":0}"#);
    let odd = r#"{"logger":"s","level":"loud","data":0}"#.to_owned();
    assert_eq!(caller.hear(), [Heard::Logged(None, true, odd)]);
    talk.told("notifications/message", "[]");
    assert_eq!((both.hear(), other.hear()), (vec![], vec![]));
    assert_eq!(caller.hear(), []);
}

#[test]
fn the_owner_of_an_instance_always_hears_it() {
    let mut desk = Desk::new(1);
    let owner = Some(owner(&desk, 0));
    let (mut talk, _) = Talk::open_with(&[], owner).initialized_as("{}");
    talk.sends(&mut desk);
    talk.told("notifications/message", r#"{"level":"info"}"#);
    let params = r#"{"logger":"s","level":"info"}"#.to_owned();
    assert_eq!(
        desk.hear(),
        [Heard::Logged(Some(Level::Info), false, params)]
    );
}

#[test]
fn after_a_restart_a_few_resources_are_asked_for_at_a_time() {
    let (mut talk, a) = (resources(), Desk::new(1));
    let all = ["u", "v", "w", "x", "y"];
    assert_eq!(
        talk.interested(&a, interest(None, &all)),
        [subscribe(3, "u"), subscribe(4, "v")]
    );
    assert_eq!(talk.hears(&answer(4, "{}")), [subscribe(5, "w")]);
    assert_eq!(talk.hears(&refusal(3)), [subscribe(6, "x")]);
    // What waits and is not wanted any more is left out.
    talk.interested(&a, interest(None, &["u", "v", "w", "x"]));
    assert_eq!(talk.hears(&answer(5, "{}")), []);
    assert_eq!(talk.hears(&answer(6, "{}")), []);
    let left = talk.interested(&a, interest(None, &[]));
    assert_eq!(left, [unsubscribe(7, "v"), unsubscribe(8, "w")]);
    assert_eq!(talk.hears(&answer(7, "{}")), [unsubscribe(9, "x")]);
}

#[test]
fn a_resource_is_subscribed_to_once_and_until_the_last_has_gone() {
    let (mut talk, mut a, mut b) = (resources(), Desk::of(1, 9), Desk::of(2, 9));
    let sent = talk.takes(a.wish("u", true)).unwrap();
    assert_eq!(Todo::Write(sent), subscribe(3, "u"));
    assert_eq!(a.hear(), []);
    assert_eq!(talk.hears(&answer(3, r#"{"x":1}"#)), []);
    assert_eq!(a.hear(), [Heard::Result(1, r#"{"x":1}"#.into())]);

    assert_eq!(talk.takes(b.wish("u", true)), None);
    assert_eq!(b.hear(), [Heard::Result(1, "{}".into())]);
    assert_eq!(b.permits.free(), 9);

    let said = r#"{"uri":"u","title":1.10}"#;
    talk.told("notifications/resources/updated", said);
    talk.told("notifications/resources/updated", r#"{"uri":"u/part"}"#);
    talk.told("notifications/resources/updated", r#"{"url":"u"}"#);
    for desk in [&mut a, &mut b] {
        assert_eq!(desk.hear(), [Heard::Updated(said.into())]);
    }

    assert_eq!(talk.takes(a.wish("u", false)), None);
    assert_eq!(a.hear(), [Heard::Result(2, "{}".into())]);
    talk.now += AGAIN;
    talk.told("notifications/resources/updated", said);
    assert_eq!((a.hear(), b.hear().len()), (vec![], 1));
    let sent = talk.takes(b.wish("u", false)).unwrap();
    assert_eq!(Todo::Write(sent), unsubscribe(4, "u"));
    assert_eq!(talk.hears(&answer(4, "{}")), []);
    talk.now += AGAIN;
    talk.told("notifications/resources/updated", said);
    assert_eq!(b.hear(), [Heard::Result(2, "{}".into())]);
}

#[test]
fn a_resource_that_changes_again_and_again_is_told_of_from_time_to_time_and_at_last() {
    let (mut talk, mut a, mut b) = (resources(), Desk::of(1, 9), Desk::of(2, 9));
    for (desk, uri) in [(&a, "u"), (&b, "v")] {
        let asked = talk.interested(desk, interest(None, &[uri]));
        assert_eq!(asked.len(), 1);
    }
    let quiet = talk.dialogue.next_deadline();
    let told = |talk: &mut Talk, uri: &str, n: u32| {
        let params = format!(r#"{{"uri":"{uri}","n":{n}}}"#);
        talk.told("notifications/resources/updated", &params)
    };
    assert_eq!(told(&mut talk, "u", 0), []);
    assert_eq!(talk.dialogue.next_deadline(), quiet);
    assert_eq!(told(&mut talk, "u", 1), [Todo::Watch]);
    for n in 2..100 {
        assert_eq!(told(&mut talk, "u", n), []);
        assert_eq!(told(&mut talk, "nobodys", n), []);
    }
    assert_eq!(a.hear(), [Heard::Updated(r#"{"uri":"u","n":0}"#.into())]);
    // Nobody else waits for it.
    assert_eq!(told(&mut talk, "v", 0), []);
    assert_eq!(b.hear().len(), 1);
    assert_eq!(talk.dialogue.next_deadline(), Some(talk.now + AGAIN));
    talk.now += AGAIN;
    assert_eq!(talk.expires(), []);
    assert_eq!(a.hear(), [Heard::Updated(r#"{"uri":"u","n":99}"#.into())]);
    assert_eq!((b.hear(), talk.dialogue.next_deadline()), (vec![], quiet));
}

#[test]
fn of_a_flood_of_log_messages_some_are_left_out() {
    let (mut talk, mut a) = (resources(), Desk::new(9));
    talk.interested(&a, interest(Some(Level::Info), &[]));
    for _ in 0..30_000 {
        talk.told("notifications/message", r#"{"level":"info","data":0}"#);
    }
    let heard = a.hear().len();
    assert!((20_000..20_100).contains(&heard), "{heard}");
    talk.now += AGAIN;
    talk.told("notifications/message", r#"{"level":"info","data":0}"#);
    assert_eq!(a.hear().len(), 1);
}

#[test]
fn a_refused_wish_is_the_clients_to_know_and_counts_for_nothing() {
    let (mut talk, mut a) = (resources(), Desk::new(9));
    talk.takes(a.wish("u", true)).unwrap();
    assert_eq!(talk.hears(&refusal(3)), []);
    assert!(matches!(a.hear()[..], [Heard::Error(1, _)]));
    talk.told("notifications/resources/updated", r#"{"uri":"u"}"#);
    assert_eq!(a.hear(), []);
    // Nor does it stand in the way of the next one.
    assert!(talk.takes(a.wish("u", true)).is_some());
    talk.hears(&answer(4, "{}"));
    talk.takes(a.wish("u", false)).unwrap();
    assert_eq!(talk.hears(&refusal(5)), [], "it is still so");
    a.hear();
    talk.now += AGAIN;
    talk.told("notifications/resources/updated", r#"{"uri":"u"}"#);
    assert_eq!(a.hear().len(), 1);
}

#[test]
fn a_session_that_ends_leaves_no_subscription_behind() {
    let (mut talk, mut a, b) = (resources(), Desk::of(1, 9), Desk::of(2, 9));
    talk.takes(a.wish("u", true)).unwrap();
    talk.hears(&answer(3, "{}"));
    assert_eq!(
        talk.interested(&b, interest(None, &["v"])),
        [subscribe(4, "v")]
    );
    talk.hears(&answer(4, "{}"));
    assert_eq!(
        talk.interested(&a, interest(None, &[])),
        [unsubscribe(5, "u")]
    );
    // One that ends while it still waits is not a subscriber when the answer comes.
    talk.takes(a.wish("w", true)).unwrap();
    talk.dialogue.calls().cancel(talk.now, Desk::id(2), None);
    assert_eq!(talk.hears(&answer(6, "{}")), [unsubscribe(7, "w")]);
    talk.told("notifications/resources/updated", r#"{"uri":"w"}"#);
    assert!(
        !a.hear()
            .iter()
            .any(|heard| matches!(heard, Heard::Updated(_)))
    );
}

#[test]
fn what_sessions_say_again_after_a_restart_is_asked_for_once() {
    let (mut talk, a, b) = (resources(), Desk::of(1, 9), Desk::of(2, 9));
    let todo = talk.interested(&a, interest(None, &["u", "v"]));
    assert_eq!(todo, [subscribe(3, "u"), subscribe(4, "v")]);
    assert_eq!(talk.interested(&b, interest(None, &["u"])), []);
    assert_eq!(talk.hears(&answer(3, "{}")), []);
    // Refused: not asked again for the same wish, but for a new one.
    assert_eq!(talk.hears(&refusal(4)), []);
    assert_eq!(talk.interested(&a, interest(None, &["u", "v"])), []);
    let todo = talk.interested(&b, interest(None, &["u", "v"]));
    assert_eq!(todo, [subscribe(5, "v")]);
}

#[test]
fn a_wish_that_crosses_its_opposite_is_seen_to_when_both_are_answered() {
    let (mut talk, mut a, b) = (resources(), Desk::of(1, 9), Desk::of(2, 9));
    talk.takes(a.wish("u", true)).unwrap();
    talk.hears(&answer(3, "{}"));
    talk.takes(a.wish("u", false)).unwrap();
    assert_eq!(talk.interested(&b, interest(None, &["u"])), []);
    assert_eq!(talk.hears(&answer(4, "{}")), [subscribe(5, "u")]);
    // A request that crosses one of the gateway's own goes to the server, which knows.
    assert!(talk.takes(a.wish("u", true)).is_some());
    assert_eq!(talk.hears(&answer(6, "{}")), []);
    assert_eq!(talk.hears(&answer(5, "{}")), []);
    assert_eq!(talk.takes(a.wish("u", true)), None);
}

#[test]
fn nobody_is_promised_what_is_about_to_end() {
    let (mut talk, mut a, mut b) = (resources(), Desk::of(1, 9), Desk::of(2, 9));
    talk.takes(a.wish("u", true)).unwrap();
    talk.hears(&answer(3, "{}"));
    talk.takes(a.wish("u", false)).unwrap();
    assert!(talk.takes(b.wish("u", true)).is_some());
    assert_eq!(b.hear(), [], "the server has the word");
    talk.hears(&answer(4, "{}"));
    talk.hears(&refusal(5));
    assert!(matches!(b.hear()[..], [Heard::Error(1, _)]));
}

#[test]
fn a_subscription_that_is_never_answered_is_given_up() {
    let (mut talk, a) = (resources(), Desk::new(9));
    talk.interested(&a, interest(None, &["u"]));
    assert_eq!(talk.dialogue.next_deadline(), Some(talk.now + TIMEOUT));
    talk.now += TIMEOUT;
    assert_eq!(talk.expires(), []);
    assert_eq!(talk.dialogue.next_deadline(), None);
    assert_eq!(talk.interested(&a, interest(None, &[])), []);
}

#[test]
fn of_a_large_update_nothing_but_the_uri_is_passed_on() {
    let (mut talk, mut a) = (resources(), Desk::of(1, 1));
    assert_eq!(
        talk.interested(&a, interest(None, &["u"])),
        [subscribe(3, "u")]
    );
    let padding = "x".repeat(70_000);
    let said = format!(r#"{{"uri":"u","x":"{padding}"}}"#);
    talk.told("notifications/resources/updated", &said);
    assert_eq!(a.hear(), [Heard::Updated(r#"{"uri":"u"}"#.into())]);
}
