//! Lists that a server has although it did not declare them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::talk::{
    TIMEOUT, Talk, Todo, answer, asks, listed, listed_but, read, refusal, request, tools,
};
use super::{Desk, spec};
use crate::config::model::Limits;
use crate::protocol::mcp::item::Kind;
use crate::tree::registry::Lessons;
use crate::tree::upstream::Past;
use crate::tree::upstream::dialogue::{Dialogue, Effect};
use crate::tree::upstream::listing::Room;
use crate::tree::upstream::undeclared::{QUIET, RUSH};

const NOTHING: [&str; 4] = ["{}", "null", "[]", r#"{"logging":{},"tools":null}"#];

fn unknown(id: u64) -> String {
    refusal(id).replace("-32603", "-32601")
}

fn list(id: u64, kind: Kind) -> Todo {
    request(id, kind.method(), Value::Null)
}

/// A call has had time to come first.
fn later(talk: &mut Talk) -> Vec<Todo> {
    talk.now += QUIET;
    talk.expires()
}

/// Clients that have heard of a list have had time to call.
fn much_later(talk: &mut Talk) -> Vec<Todo> {
    talk.now += RUSH;
    talk.expires()
}

#[test]
fn all_lists_are_asked_for_one_at_a_time_if_nothing_was_declared() {
    for capabilities in NOTHING {
        let (mut talk, todo) = Talk::first().initialized_as(capabilities);
        assert_eq!(todo, [listed_but(&[], &Kind::ALL)]);
        assert!(talk.dialogue.is_ready(), "before they come");
        assert_eq!(later(&mut talk), [list(1, Kind::Tools)]);
        let todo = talk.hears(&answer(1, &tools(&["t"])));
        assert_eq!(todo, [listed_but(&["t"], &Kind::ALL[1..])]);
        assert_eq!(later(&mut talk), []);
        assert_eq!(much_later(&mut talk), [list(2, Kind::Prompts)]);
        let todo = talk.hears(&unknown(2));
        assert_eq!(todo, [listed_but(&["t"], &Kind::ALL[2..])]);
        assert_eq!(later(&mut talk), [list(3, Kind::Resources)]);
        let todo = talk.hears(&answer(3, "{}"));
        assert_eq!(todo, [listed_but(&["t"], &Kind::ALL[3..])]);
        assert_eq!(much_later(&mut talk), [list(4, Kind::Templates)]);
        assert_eq!(talk.hears(&unknown(4)), [listed(&["t"])]);
        assert_eq!(talk.dialogue.next_deadline(), None);
        // What was found is followed like any other.
        assert_eq!(talk.relists(), [asks(5, None)]);
    }
}

#[test]
fn tools_are_asked_for_after_what_was_declared() {
    let (mut talk, todo) = Talk::first().initialized_as(r#"{"prompts":{}}"#);
    assert_eq!(todo, [list(1, Kind::Prompts)]);
    let todo = talk.hears(&answer(1, r#"{"prompts":[{"name":"p"}]}"#));
    assert_eq!(todo, [listed_but(&["p"], &[Kind::Tools])]);
    assert_eq!(later(&mut talk), [list(2, Kind::Tools)]);
    assert_eq!(
        talk.hears(&answer(2, &tools(&["t"]))),
        [listed(&["t", "p"])]
    );
}

#[test]
fn a_list_that_ends_at_an_empty_cursor_is_followed_like_any_other() {
    let (mut talk, _) = Talk::first().initialized_as("{}");
    later(&mut talk);
    let page = r#"{"tools":[{"name":"t","inputSchema":{"type":"object"}}],"nextCursor":""}"#;
    talk.hears(&answer(1, page));
    let todo = talk.hears(&refusal(2));
    assert_eq!(todo, [listed_but(&["t"], &Kind::ALL[1..])]);
    assert_eq!(talk.relists(), [asks(3, None)]);
}

/// It declares prompts, and is asked for its tools.
fn asked_for_tools() -> Talk {
    let (mut talk, _) = Talk::first().initialized_as(r#"{"prompts":{}}"#);
    talk.hears(&answer(1, r#"{"prompts":[{"name":"p"}]}"#));
    assert_eq!(later(&mut talk), [list(2, Kind::Tools)]);
    talk
}

#[test]
fn silence_is_none_after_a_while_and_the_answer_counts_all_the_same() {
    let mut talk = asked_for_tools();
    assert_eq!(talk.expires(), []);
    talk.now += Duration::from_secs(5);
    assert_eq!(talk.dialogue.next_deadline(), Some(talk.now));
    assert_eq!(talk.expires(), [listed_but(&["p"], &[Kind::Tools])]);
    assert_eq!(talk.dialogue.next_deadline(), None);
    let tried = talk.dialogue.looked_further_for();
    assert_eq!(tried, Some(Kind::Tools), "its end may still be of that");
    let todo = talk.hears(&answer(2, &tools(&["t"])));
    assert_eq!(todo, [listed(&["t", "p"])]);
    assert_eq!(talk.dialogue.looked_further_for(), None);
    assert_eq!(talk.dialogue.counters().dropped_answers, 0);
}

#[test]
fn who_was_silent_is_left_alone_for_a_while() {
    let (mut talk, _) = Talk::first().initialized_as("{}");
    assert_eq!(later(&mut talk), [list(1, Kind::Tools)]);
    talk.now += Duration::from_secs(5);
    assert_eq!(talk.expires(), [listed_but(&[], &Kind::ALL)]);
    assert_eq!(later(&mut talk), []);
    talk.now = talk.dialogue.next_deadline().unwrap();
    assert_eq!(talk.expires(), [list(2, Kind::Prompts)]);
    // What it says at last to the first question counts beside the second one.
    let todo = talk.hears(&answer(1, &tools(&["t"])));
    assert_eq!(todo, [listed_but(&["t"], &Kind::ALL[1..])]);
}

#[test]
fn a_call_comes_first() {
    let (mut talk, _) = Talk::first().initialized_as("{}");
    let (mut desk, mut ids) = (Desk::new(9), Vec::new());
    talk.now += QUIET / 2;
    ids.push(talk.sends(&mut desk));
    for _ in 0..3 {
        talk.now = talk.dialogue.next_deadline().unwrap();
        assert_eq!(talk.expires(), [], "it is at a call");
    }
    talk.hears(&answer(ids[0], "{}"));
    talk.now = talk.dialogue.next_deadline().unwrap();
    assert_eq!(talk.expires(), [list(2, Kind::Tools)]);
    talk.hears(&answer(2, &tools(&["t"])));
    ids.push(talk.sends(&mut desk));
    talk.hears(&answer(ids[1], "{}"));
    assert_eq!(later(&mut talk), [], "a list has just come");
    assert_eq!(much_later(&mut talk), [list(4, Kind::Prompts)]);
}

/// One life of a server that declares prompts, and what it is asked when a call could have come.
fn life(past: &Arc<Past>) -> (Dialogue, Vec<Todo>) {
    let room = Room::of(&Limits::default());
    let mut dialogue = Dialogue::open(&spec("", TIMEOUT), None, room, Arc::clone(past));
    dialogue.begin();
    let hello = answer(
        0,
        r#"{"protocolVersion":"2025-06-18","capabilities":{"prompts":{}}}"#,
    );
    let now = tokio::time::Instant::now();
    dialogue.on_line(now, &Bytes::from(hello));
    dialogue.on_line(now, &Bytes::from(answer(1, r#"{"prompts":[]}"#)));
    let todo = dialogue.expire(now + QUIET).into_iter().map(read).collect();
    (dialogue, todo)
}

fn past() -> Arc<Past> {
    let past = Arc::<Past>::default();
    past.remember(Lessons::default());
    past
}

#[test]
fn what_two_lives_died_of_is_not_asked_for_again() {
    let past = past();
    for is_again in [false, true] {
        let (dialogue, todo) = life(&past);
        assert_eq!(todo, [list(2, Kind::Tools)]);
        let died_at = dialogue.looks_further_for().unwrap();
        assert_eq!(past.learn_end(died_at), is_again);
    }
    let (_, todo) = life(&past);
    assert_eq!(todo, [], "it is known to die of it");
    let next = Arc::<Past>::default();
    next.remember(past.lessons());
    assert_eq!(life(&next).1, [], "by the next gateway, too");
}

#[test]
fn what_it_has_is_asked_for_whatever_lives_die_of() {
    let past = past();
    let (mut first, _) = life(&past);
    let answer = Bytes::from(answer(2, &tools(&["t"])));
    first.on_line(tokio::time::Instant::now(), &answer);
    for _ in 0..3 {
        let (dialogue, todo) = life(&past);
        assert_eq!(todo, [list(2, Kind::Tools)], "it has them");
        assert_eq!(dialogue.looks_further_for(), None, "it is no excuse");
    }
}

#[test]
fn only_a_plain_no_is_remembered() {
    let now = tokio::time::Instant::now();
    let asked_again = |said: Option<String>| {
        let past = past();
        let (mut dialogue, _) = life(&past);
        match said {
            Some(said) => drop(dialogue.on_line(now, &Bytes::from(said))),
            None => drop(dialogue.expire(now + Duration::from_secs(60))),
        }
        assert_eq!(dialogue.looks_further_for(), None);
        !life(&past).1.is_empty()
    };
    assert!(asked_again(None), "it may have been busy");
    assert!(asked_again(Some(refusal(2))), "so may this");
    assert!(asked_again(Some(answer(2, r#"{"tools":7}"#))));
    assert!(!asked_again(Some(unknown(2))));
}

#[test]
fn nothing_undeclared_is_asked_for_before_it_is_known_what_former_lives_died_of() {
    let past = Arc::<Past>::default();
    let room = Room::of(&Limits::default());
    let mut dialogue = Dialogue::open(&spec("", TIMEOUT), None, room, Arc::clone(&past));
    dialogue.begin();
    let now = tokio::time::Instant::now();
    let read = |effects: Vec<Effect>| effects.into_iter().map(read).collect::<Vec<Todo>>();
    let hello = r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#;
    let todo = read(dialogue.on_line(now, &Bytes::from(answer(0, hello))));
    assert_eq!(todo[2..], [listed_but(&[], &Kind::ALL)]);
    assert_eq!(read(dialogue.expire(now + QUIET)), []);
    let mut desk = Desk::new(9);
    dialogue.send(now, desk.plain(), |_| Ok(()));
    let due = dialogue.next_deadline();
    assert_eq!(due, Some(now + TIMEOUT), "a call makes it none earlier");
    dialogue.on_line(now, &Bytes::from(answer(1, "{}")));
    let lessons = Lessons {
        lacks: 0b1011,
        ..Lessons::default()
    };
    assert_eq!(read(dialogue.on_remember(now, lessons)), [Todo::Watch]);
    let todo = read(dialogue.expire(now + QUIET));
    assert_eq!(todo, [list(2, Kind::Resources)]);
    let asked = dialogue.looks_further_for();
    assert_eq!(asked, Some(Kind::Resources), "an end is no fault now");
    let todo = read(dialogue.on_line(now, &Bytes::from(unknown(2))));
    assert_eq!(todo, [listed(&[])]);
    assert!(past.offers_nothing() && dialogue.looks_further_for().is_none());
    assert_eq!(past.lessons().lacks, 0b1111);
    // The registry answers to each catalogue.
    assert!(dialogue.on_remember(now, lessons).is_empty());
    assert_eq!(past.lessons().lacks, 0b1111);
}
