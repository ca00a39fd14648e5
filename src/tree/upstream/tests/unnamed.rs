//! Errors without an id, and answers of odd shapes: each ends the right call or none.

use super::talk::{Talk, answer};
use super::{Desk, Heard};

const UNREADABLE: &str =
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"recursion limit"}}"#;

fn deep() -> String {
    let (open, close) = ("[".repeat(80), "]".repeat(80));
    format!(r#"{{"name":"s__tool","arguments":{{"x":{open}{close}}}}}"#)
}

/// Sends a call with these params; gives its id at the server.
fn send(talk: &mut Talk, desk: &mut Desk, params: &str) {
    let reply_token = desk.reply_token(params);
    let due = talk.dialogue.send(talk.now, reply_token, |_| Ok(()));
    assert!(due.is_some());
}

fn refused(number: u64) -> Heard {
    Heard::Error(
        number,
        r#"{"code":-32700,"message":"recursion limit"}"#.into(),
    )
}

#[test]
fn the_only_call_in_flight_is_meant_and_later_ones_are_not() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    talk.sends(&mut desk);
    talk.hears(&UNREADABLE.replace("\"id\":null,", ""));
    assert_eq!(desk.hear(), [refused(1)]);
    talk.hears(UNREADABLE);
    talk.sends(&mut desk);
    talk.sends(&mut desk);
    talk.hears(UNREADABLE);
    assert_eq!(desk.hear(), [], "it may be the other's");
    assert_eq!(talk.dialogue.counters().dropped_answers, 2);
}

#[test]
fn of_several_the_only_odd_one_is_meant() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    talk.sends(&mut desk);
    send(&mut talk, &mut desk, &deep());
    talk.hears(&UNREADABLE.replace("-32700", "-32603"));
    assert_eq!(desk.hear(), [], "no parser says that");
    talk.hears(UNREADABLE);
    assert_eq!(desk.hear(), [refused(2)]);
    send(&mut talk, &mut desk, &deep());
    send(&mut talk, &mut desk, &deep());
    talk.hears(UNREADABLE);
    assert_eq!(desk.hear(), [], "there are two");
}

#[test]
fn an_answer_of_any_shape_ends_its_call() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    for outcome in [
        r#""error":null,"result":null"#,
        r#""error":"no""#,
        r#""result":1,"error":{"code":1}"#,
    ] {
        let id = talk.sends(&mut desk);
        talk.hears(&format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#));
        assert_eq!(desk.hear().len(), 1, "{outcome}");
    }
    let id = talk.sends(&mut desk);
    talk.hears(&format!(r#"{{"jsonrpc":"2.0","id":{id}.0,"result":{{}}}}"#));
    assert_eq!(desk.hear().len(), 1, "a float");
    let id = talk.sends(&mut desk);
    talk.hears(&format!("[{}]", answer(id, "{}")));
    assert_eq!(desk.hear().len(), 1, "in a batch");
}

#[test]
fn what_is_no_answer_to_it_ends_no_call() {
    let (mut talk, mut desk) = (Talk::ready(), Desk::new(9));
    let id = talk.sends(&mut desk);
    for line in [
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#),
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        ),
        format!(r#"{{"jsonrpc":"2.0","id":[{id}],"result":1}}"#),
        r#"{"jsonrpc":"2.0","id":-1,"error":{"code":1}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":99999999999999999999,"result":1}"#.to_owned(),
    ] {
        talk.hears(&line);
        assert_eq!(desk.hear(), [], "{line}");
    }
}
