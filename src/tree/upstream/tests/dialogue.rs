//! The conversation: the handshake, the catalogue, odd lines, requests of the server's own.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Desk, Heard};
use crate::supervise::FailureKind;
use crate::tree::testing::name;
use crate::tree::upstream::dialogue::{Dialogue, Effect};

const TIMEOUT: Duration = Duration::from_secs(300);

/// What is to be done, in a form that can be compared.
#[derive(Debug, PartialEq)]
enum Todo {
    Write(Value),
    Initialized,
    /// These tools; `None` if the server failed to say.
    Listed(Option<Vec<String>>),
    ListChanged,
    Broken(FailureKind, String),
}

fn read(effect: Effect) -> Todo {
    match effect {
        Effect::Write(line) => Todo::Write(serde_json::from_slice(&line).unwrap()),
        Effect::Initialized => Todo::Initialized,
        Effect::Listed(known) => Todo::Listed(known.map(|catalogue| {
            let names = catalogue.tools.iter().map(|tool| tool.name().to_owned());
            names.collect()
        })),
        Effect::ListChanged => Todo::ListChanged,
        Effect::Broken(kind, why) => Todo::Broken(kind, why),
    }
}

struct Talk {
    dialogue: Dialogue,
    now: Instant,
}

impl Talk {
    fn open() -> Self {
        let (dialogue, hello) = Dialogue::open(name("s"), TIMEOUT);
        let hello: Value = serde_json::from_slice(&hello).unwrap();
        assert_eq!(
            (&hello["id"], &hello["method"]),
            (&json!(0), &json!("initialize"))
        );
        assert_eq!(hello["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(hello["params"]["capabilities"], json!({}));
        let now = Instant::now();
        Self { dialogue, now }
    }

    /// Past the handshake; its list has been asked for under id 1.
    fn initialized() -> Self {
        let mut talk = Self::open();
        let todo = talk.hears(&answer(0, &capable("2025-06-18")));
        assert_eq!(
            todo,
            [
                Todo::Write(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})),
                Todo::Initialized,
                asks(1, None)
            ]
        );
        assert!(!talk.dialogue.is_ready());
        talk
    }

    /// Ready, with one tool.
    fn ready() -> Self {
        let mut talk = Self::initialized();
        assert_eq!(talk.hears(&answer(1, &tools(&["t"]))), [listed(&["t"])]);
        assert!(talk.dialogue.is_ready());
        talk
    }

    fn hears(&mut self, line: &str) -> Vec<Todo> {
        let line = Bytes::from(line.to_owned());
        let effects = self.dialogue.on_line(self.now, &line);
        effects.into_iter().map(read).collect()
    }

    /// A call is sent; gives its id.
    fn sends(&mut self, desk: &mut Desk) -> u64 {
        let mut id = None;
        let ticket = desk.plain();
        self.dialogue.calls().send(self.now, ticket, |line| {
            let line: Value = serde_json::from_slice(&line).unwrap();
            id = line["id"].as_u64();
            true
        });
        id.unwrap()
    }

    fn relists(&mut self) -> Vec<Todo> {
        let effects = self.dialogue.list(self.now);
        effects.into_iter().map(read).collect()
    }
}

fn answer(id: u64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn refusal(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"no\nway"}}}}"#)
}

fn capable(version: &str) -> String {
    format!(r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{}}}}}}"#)
}

fn tools(names: &[&str]) -> String {
    let tools: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"tools": tools}).to_string()
}

fn asks(id: u64, cursor: Option<&str>) -> Todo {
    let mut line = json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"});
    if let Some(cursor) = cursor {
        line["params"] = json!({"cursor": cursor});
    }
    Todo::Write(line)
}

fn listed(names: &[&str]) -> Todo {
    Todo::Listed(Some(names.iter().map(|&name| name.to_owned()).collect()))
}

const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

#[test]
fn every_revision_with_a_handshake_is_accepted() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut talk = Talk::open();
        assert_eq!(talk.dialogue.waits_for(), "it did not answer 'initialize'");
        assert_eq!(
            talk.hears(&answer(0, &capable(version))).len(),
            3,
            "{version}"
        );
        assert_eq!(talk.dialogue.waits_for(), "it did not answer 'tools/list'");
    }
}

#[test]
fn a_handshake_that_cannot_hold_says_why() {
    for (line, why) in [
        (answer(0, &capable("2026-07-28")), "2026-07-28"),
        (answer(0, "{}"), "protocolVersion"),
        (refusal(0), "refused 'initialize': {\"code\":-32603"),
        (
            r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":oops}}"#.into(),
            "can't be used",
        ),
    ] {
        let todo = Talk::open().hears(&line);
        let [Todo::Broken(FailureKind::Exited, text)] = &todo[..] else {
            panic!("{line}: {todo:?}");
        };
        let text = text.replace("\\\"", "\"");
        assert!(text.starts_with("failed the handshake: "), "{text}");
        let is_said = text.contains(why) || text.contains("is not a JSON-RPC message");
        assert!(is_said, "{text}");
    }
}

#[test]
fn a_server_without_tools_is_ready_at_once_and_offers_none() {
    let mut talk = Talk::open();
    let todo = talk.hears(&answer(
        0,
        r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#,
    ));
    assert_eq!(todo.last(), Some(&listed(&[])));
    assert!(talk.dialogue.is_ready());
    assert_eq!(talk.hears(CHANGED), []);
}

#[test]
fn noise_before_the_handshake_is_skipped_and_ids_may_be_strings() {
    let mut talk = Talk::open();
    assert_eq!(talk.hears("Server listening on stdio"), []);
    assert_eq!(talk.hears(r#"{"level":"info"}"#), []);
    let hello = answer(0, &capable("2025-06-18")).replace(r#""id":0"#, r#""id":"0""#);
    assert_eq!(talk.hears(&hello).len(), 3);
    let list = answer(1, &tools(&["t"])).replace(r#""id":1"#, r#""id":"1""#);
    assert_eq!(talk.hears(&list), [listed(&["t"])]);
    assert_eq!(talk.dialogue.counters().junk, 2);
}

#[test]
fn all_pages_are_drained() {
    let mut talk = Talk::initialized();
    let page = |name: &str, cursor: &str| {
        format!(r#"{{"tools":[{{"name":"{name}"}}],"nextCursor":"{cursor}"}}"#)
    };
    assert_eq!(talk.hears(&answer(1, &page("a", ""))), [asks(2, Some(""))]);
    assert_eq!(
        talk.hears(&answer(1, &page("x", "x"))),
        [],
        "a second answer"
    );
    assert_eq!(
        talk.hears(&answer(2, &page("b", "p3"))),
        [asks(3, Some("p3"))]
    );
    let last = r#"{"tools":[{"name":"c"}],"nextCursor":null}"#;
    assert_eq!(talk.hears(&answer(3, last)), [listed(&["a", "b", "c"])]);
    assert_eq!(talk.dialogue.counters().dropped_answers, 1);
}

#[test]
fn a_change_during_a_listing_is_listed_after_it() {
    let mut talk = Talk::ready();
    assert_eq!(talk.hears(CHANGED), [Todo::ListChanged]);
    assert_eq!(talk.relists(), [asks(2, None)]);
    assert_eq!(talk.relists(), []);
    assert_eq!(talk.relists(), []);
    let todo = talk.hears(&answer(2, &tools(&["u"])));
    assert_eq!(todo, [listed(&["u"]), asks(3, None)]);
    assert_eq!(talk.hears(&answer(3, &tools(&["v"]))), [listed(&["v"])]);
}

#[test]
fn a_server_that_cannot_list_is_ready_and_keeps_what_it_offered() {
    for bad in [
        refusal(1),
        answer(1, "{}"),
        answer(1, r#"{"tools":[],"nextCursor":7}"#),
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[}}"#.into(),
    ] {
        let mut talk = Talk::initialized();
        assert_eq!(talk.hears(&bad), [Todo::Listed(None)], "{bad}");
        assert!(talk.dialogue.is_ready());
        // It may do better the next time.
        assert_eq!(talk.relists(), [asks(2, None)]);
        assert_eq!(talk.hears(&refusal(2)), []);
        assert_eq!(talk.relists(), [asks(3, None)]);
        assert_eq!(talk.hears(&answer(3, &tools(&["t"]))), [listed(&["t"])]);
    }
}

#[test]
fn a_list_asked_for_again_that_never_comes_is_given_up() {
    let mut talk = Talk::ready();
    assert_eq!(talk.dialogue.next_deadline(), None);
    talk.relists();
    talk.relists();
    let due = talk.now + TIMEOUT;
    assert_eq!(talk.dialogue.next_deadline(), Some(due));
    let todo: Vec<Todo> = talk.dialogue.expire(due).into_iter().map(read).collect();
    assert_eq!(todo, [asks(3, None)], "the next one that was wanted");
    assert_eq!(talk.hears(&answer(2, &tools(&["late"]))), []);
    assert_eq!(talk.hears(&answer(3, &tools(&["t"]))), [listed(&["t"])]);
    assert_eq!(talk.dialogue.next_deadline(), None);
}

#[test]
fn the_first_list_is_for_the_start_deadline() {
    let mut talk = Talk::initialized();
    assert_eq!(talk.dialogue.next_deadline(), None);
    assert!(talk.dialogue.expire(talk.now + TIMEOUT * 9).is_empty());
}

#[test]
fn a_server_may_only_ask_for_a_sign_of_life() {
    let mut talk = Talk::initialized();
    let ping = r#"{"jsonrpc":"2.0","id":"p\n1","method":"ping"}"#;
    let reply = json!({"jsonrpc": "2.0", "id": "p\n1", "result": {}});
    assert_eq!(talk.hears(ping), [Todo::Write(reply)]);
    for method in [
        "roots/list",
        "sampling/createMessage",
        "elicitation/create",
        "what",
    ] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{}}}}"#);
        let todo = talk.hears(&line);
        let [Todo::Write(said)] = &todo[..] else {
            panic!("{method}: {todo:?}");
        };
        assert_eq!(
            (&said["id"], &said["error"]["code"]),
            (&json!(1), &json!(-32601))
        );
    }
    // Its own ids are not ours: the list is still awaited.
    assert_eq!(talk.hears(&answer(1, &tools(&["t"]))), [listed(&["t"])]);
}

#[test]
fn answers_reach_their_calls_byte_for_byte() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    let (one, two) = (talk.sends(&mut desk), talk.sends(&mut desk));
    talk.hears(&answer(two, r#"{"x":1.10,"y":12345678901234567890}"#));
    talk.hears(&refusal(one).replace(&format!("\"id\":{one}"), &format!("\"id\":\"{one}\"")));
    assert_eq!(
        desk.hear(),
        [
            Heard::Result(2, r#"{"x":1.10,"y":12345678901234567890}"#.into()),
            Heard::Error(1, r#"{"code":-32603,"message":"no\nway"}"#.into())
        ]
    );
    for line in [answer(two, "1"), answer(77, "1"), answer(0, "{}")] {
        assert_eq!(talk.hears(&line), []);
    }
    assert_eq!(
        talk.hears(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#),
        []
    );
    assert_eq!(talk.dialogue.counters().dropped_answers, 4);
}

#[test]
fn an_answer_that_cannot_be_used_is_an_error_for_its_call_and_nobody_elses() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    let (one, two) = (talk.sends(&mut desk), talk.sends(&mut desk));
    talk.hears(&answer(one, r#"{"x":NaN}"#));
    let heard = desk.hear();
    assert!(
        matches!(&heard[..], [Heard::Failed(1, text)] if text.contains("'s'") && text.contains("is not a JSON-RPC message")),
        "{heard:?}"
    );
    let start = format!(r#"{{"jsonrpc":"2.0","id":{two},"result":{{"x":"#);
    let effects =
        talk.dialogue
            .on_unusable(talk.now, start.as_bytes(), b"}}", "is too long (9 bytes)");
    assert!(effects.is_empty());
    let heard = desk.hear();
    assert!(
        matches!(&heard[..], [Heard::Failed(2, text)] if text.contains("it is too long")),
        "{heard:?}"
    );
    assert_eq!(talk.dialogue.counters().junk, 2);
}

#[test]
fn a_line_cut_off_by_the_end_leaves_its_call_to_the_end() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    let id = talk.sends(&mut desk);
    let head = answer(id, "1");
    talk.dialogue
        .on_fragment(talk.now, head.as_bytes(), "ends without a newline");
    assert!(desk.hear().is_empty());
    assert_eq!(talk.dialogue.counters().junk, 1);
}

#[test]
fn three_timeouts_in_silence_end_it_and_a_word_on_any_pipe_does_not() {
    for has_life in [false, true] {
        let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
        let mut todo = Vec::new();
        for _ in 0..3 {
            talk.sends(&mut desk);
            talk.now += TIMEOUT;
            todo = talk
                .dialogue
                .expire(talk.now)
                .into_iter()
                .map(read)
                .collect();
            if has_life {
                talk.dialogue.on_sign_of_life(talk.now);
            }
        }
        let is_hung = matches!(&todo[..], [Todo::Broken(FailureKind::Hung, _)]);
        assert_eq!(is_hung, !has_life, "{todo:?}");
        assert_eq!(desk.hear().len(), 3);
    }
}
