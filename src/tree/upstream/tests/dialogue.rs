//! The conversation: the handshake, the catalogue, odd lines, requests of the server's own.

use std::sync::Arc;

use serde_json::json;

use super::talk::{TIMEOUT, Talk, Todo, answer, asks, listed, listed_but, refusal, tools};
use super::{Desk, Heard, apps};
use crate::protocol::mcp::item::Kind;
use crate::supervise::FailureKind;
use crate::tree::upstream::Past;
use crate::tree::upstream::dialogue::Effect;

fn capable(version: &str) -> String {
    format!(r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{}}}}}}"#)
}

#[test]
fn the_conversation_begins_with_the_newest_handshake_and_no_promise_but_of_apps() {
    let hello = Talk::open().hello;
    assert_eq!(
        (&hello["id"], &hello["method"]),
        (&json!(0), &json!("initialize"))
    );
    assert_eq!(hello["params"]["protocolVersion"], "2025-11-25");
    assert_eq!(
        hello["params"]["capabilities"],
        json!({ "extensions": apps() })
    );
}

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

fn refused(id: u64, data: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32602,"message":"no","data":{data}}}}}"#
    )
}

#[test]
fn a_revision_that_the_refusal_names_is_tried_once() {
    for (data, wanted) in [
        (
            r#"{"supported":["2024-11-05","2025-06-18","2026-07-28"]}"#,
            "2025-06-18",
        ),
        (
            r#"{"supported":["2024-10-07"],"requested":"2025-11-25"}"#,
            "2024-10-07",
        ),
    ] {
        let mut talk = Talk::open();
        let todo = talk.hears(&refused(0, data));
        let [Todo::Write(again)] = &todo[..] else {
            panic!("{todo:?}");
        };
        assert_eq!(again["method"], "initialize");
        assert_eq!(again["params"]["protocolVersion"], wanted);
        let id = again["id"].as_u64().unwrap();
        assert_ne!(id, 0, "an id is used once");
        assert_eq!(talk.hears(&answer(id, &capable("2024-11-05"))).len(), 3);

        let mut talk = Talk::open();
        talk.hears(&refused(0, data));
        let todo = talk.hears(&refused(id, data));
        assert!(matches!(&todo[..], [Todo::Broken(..)]), "{todo:?}");
    }
    for data in [
        "null",
        "{}",
        r#"{"supported":"2025-06-18"}"#,
        r#"{"supported":["1.0","2025-11-25"]}"#,
    ] {
        let todo = Talk::open().hears(&refused(0, data));
        let [Todo::Broken(_, text)] = &todo[..] else {
            panic!("{todo:?}");
        };
        assert!(
            text.contains("2025-11-25"),
            "the revision asked for: {text}"
        );
    }
}

#[test]
fn the_next_life_begins_with_the_revision_that_was_named_last() {
    let past = Arc::new(Past::default());
    let mut asked = Vec::new();
    for named in ["2025-06-18", "2024-11-05", "2025-11-25"] {
        let mut talk = Talk::next(&past);
        asked.push(talk.hello["params"]["protocolVersion"].clone());
        let data = format!(r#"{{"supported":["{named}"]}}"#);
        let todo = talk.hears(&refused(0, &data));
        let [Todo::Write(again)] = &todo[..] else {
            panic!("{todo:?}");
        };
        assert_eq!(again["params"]["protocolVersion"], named);
    }
    assert_eq!(asked, ["2025-11-25", "2025-06-18", "2024-11-05"]);
}

#[test]
fn noise_before_the_handshake_is_skipped_and_ids_may_be_strings() {
    let mut talk = Talk::open();
    assert_eq!(talk.hears("Server listening on stdio"), []);
    assert_eq!(talk.hears(r#"{"level":"info"}"#), [Todo::Watch]);
    let hello = answer(0, &capable("2025-06-18")).replace(r#""id":0"#, r#""id":"0""#);
    assert_eq!(talk.hears(&hello).len(), 3);
    let list = answer(1, &tools(&["t"])).replace(r#""id":1"#, r#""id":"1""#);
    assert_eq!(talk.hears(&list), [listed(&["t"])]);
    assert_eq!(talk.dialogue.counters().malformed, 2);
}

#[test]
fn all_pages_are_drained() {
    let mut talk = Talk::initialized();
    let page = |name: &str, cursor: &str| {
        format!(
            r#"{{"tools":[{{"name":"{name}","inputSchema":{{"type":"object"}}}}],"nextCursor":"{cursor}"}}"#
        )
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
    let last = r#"{"tools":[{"name":"c","inputSchema":{"type":"object"}}],"nextCursor":null}"#;
    assert_eq!(talk.hears(&answer(3, last)), [listed(&["a", "b", "c"])]);
    assert_eq!(talk.dialogue.counters().dropped_answers, 1);
}

#[test]
fn a_change_during_a_listing_is_listed_after_it() {
    let mut talk = Talk::ready();
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
        answer(1, r#"{"content":[]}"#),
        answer(1, r#"{"tools":[],"nextCursor":7}"#),
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[}}"#.into(),
    ] {
        let mut talk = Talk::initialized();
        let todo = [listed_but(&[], &[Kind::Tools])];
        assert_eq!(talk.hears(&bad), todo, "{bad}");
        assert!(talk.dialogue.is_ready());
        // It may do better the next time.
        assert_eq!(talk.relists(), [asks(2, None)]);
        talk.hears(&refusal(2));
        assert_eq!(talk.relists(), [asks(3, None)]);
        assert_eq!(talk.hears(&answer(3, &tools(&["t"]))), [listed(&["t"])]);
    }
}

#[test]
fn a_list_asked_for_again_that_never_comes_is_given_up() {
    let mut talk = Talk::ready();
    assert_eq!(talk.dialogue.next_deadline(), None);
    talk.relists();
    let due = talk.now + TIMEOUT;
    talk.relists();
    assert_eq!(talk.dialogue.next_deadline(), Some(due));
    talk.now = due;
    let stale = listed_but(&["t"], &[Kind::Tools]);
    let next = asks(3, None);
    assert_eq!(
        talk.expires(),
        [stale, next],
        "the next one that was wanted"
    );
    assert_eq!(talk.hears(&answer(2, &tools(&["late"]))), []);
    assert_eq!(talk.hears(&answer(3, &tools(&["t"]))), [listed(&["t"])]);
    assert_eq!(talk.dialogue.next_deadline(), None);
}

#[test]
fn the_first_list_is_for_the_start_deadline() {
    let mut talk = Talk::initialized();
    talk.now += TIMEOUT * 9;
    assert!(talk.expires().is_empty());
    assert!(!talk.dialogue.is_ready());
    assert_eq!(talk.dialogue.waits_for(), "it did not answer 'tools/list'");
}

#[test]
fn answers_reach_their_calls_byte_for_byte() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    let (one, two) = (talk.sends(&mut desk), talk.sends(&mut desk));
    talk.hears(&answer(
        two,
        r#"{"content":[],"x":1.10,"y":12345678901234567890}"#,
    ));
    talk.hears(&refusal(one).replace(&format!("\"id\":{one}"), &format!("\"id\":\"{one}\"")));
    assert_eq!(
        desk.hear(),
        [
            Heard::Result(
                2,
                r#"{"content":[],"x":1.10,"y":12345678901234567890}"#.into()
            ),
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
    assert!(matches!(&effects[..], [Effect::Watch]), "{effects:?}");
    let heard = desk.hear();
    assert!(
        matches!(&heard[..], [Heard::Failed(2, text)] if text.contains("it is too long")),
        "{heard:?}"
    );
    assert_eq!(talk.dialogue.counters().malformed, 2);
}

#[test]
fn a_line_cut_off_by_the_end_leaves_its_call_to_the_end() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    let id = talk.sends(&mut desk);
    let head = answer(id, "1");
    talk.dialogue
        .on_fragment(talk.now, head.as_bytes(), "ends without a newline");
    assert!(desk.hear().is_empty());
    assert_eq!(talk.dialogue.counters().malformed, 1);
}

#[test]
fn three_timeouts_in_silence_end_it_and_a_word_on_any_pipe_does_not() {
    for has_life in [false, true] {
        let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
        let mut todo = Vec::new();
        for _ in 0..3 {
            talk.sends(&mut desk);
            talk.now += TIMEOUT;
            todo = talk.expires();
            if has_life {
                talk.dialogue.on_sign_of_life(talk.now);
            }
        }
        let is_hung = matches!(&todo[..], [Todo::Broken(FailureKind::Hung, _)]);
        assert_eq!(is_hung, !has_life, "{todo:?}");
        assert_eq!(desk.hear().len(), 3);
    }
}

#[test]
fn messages_in_a_batch_are_each_taken_and_none_is_lost() {
    let mut talk = Talk::open();
    let hello = answer(0, &capable("2025-03-26"));
    let alive = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
    let todo = talk.hears(&format!(" [{hello}, 7, [[{alive}]],{alive}]"));
    let pong = Todo::Write(json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
    assert_eq!((todo.len(), todo.last()), (5, Some(&pong)));
    assert_eq!(talk.dialogue.counters().malformed, 2);
    let mut desk = Desk::new(2);
    talk.hears(&answer(1, &tools(&["t"])));
    talk.sends(&mut desk);
    talk.sends(&mut desk);
    let broken = r#"{"jsonrpc":"2.0","id":2,"result":{},"error":{}}"#;
    let todo = talk.hears(&format!("[{broken},{}]", answer(3, "{}")));
    assert_eq!(todo, []);
    let heard = desk.hear();
    assert!(
        matches!(&heard[..], [Heard::Failed(..), Heard::Result(..)]),
        "{heard:?}"
    );
}

#[test]
fn nesting_of_any_depth_overflows_nothing() {
    let mut talk = Talk::ready();
    let mut desk = Desk::new(1);
    talk.sends(&mut desk);
    let deep = format!(
        "{}{}",
        "[{\"a\":".repeat(100_000),
        "0".to_owned() + &"}]".repeat(100_000)
    );
    assert_eq!(talk.hears(&deep), []);
    assert_eq!(talk.hears(&"[".repeat(1 << 20)), [Todo::Watch]);
    assert_eq!(talk.hears(&"{\"id\":".repeat(1 << 18)), []);
    talk.hears(&answer(2, &deep));
    assert_eq!(desk.hear().len(), 1);
}
