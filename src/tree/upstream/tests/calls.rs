//! Calls in flight: ids, tokens, permits, time, and every way a reply token ends.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Desk, Heard};
use crate::testing::name;
use crate::tree::call::Answer;
use crate::tree::upstream::calls::{CANCELLED_KEEPS_PERMIT, Calls, Refused, Stray};

const TIMEOUT: Duration = Duration::from_secs(300);
const SECOND: Duration = Duration::from_secs(1);

fn calls() -> Calls {
    Calls::new(name("s"), TIMEOUT)
}

fn json(line: &Bytes) -> Value {
    assert!(!line.contains(&b'\n'), "one line");
    serde_json::from_slice(line).unwrap()
}

/// Sends and gives the request as the server reads it.
fn send(calls: &mut Calls, now: Instant, desk: &mut Desk, params: &str) -> Value {
    let mut line = Bytes::new();
    let due = calls.send(now, desk.reply_token(params), |written| {
        line = written;
        Ok(())
    });
    assert_eq!(due.unwrap().1, now + TIMEOUT);
    json(&line)
}

fn send_plain(calls: &mut Calls, now: Instant, desk: &mut Desk) -> u64 {
    send(calls, now, desk, r#"{"name":"s__tool"}"#)["id"]
        .as_u64()
        .unwrap()
}

const ERROR: &str = r#"{"code":1,"message":""}"#;

fn content(text: &str) -> String {
    format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#)
}

fn result(text: &str) -> Answer {
    Answer::Result(content(text).into())
}

#[test]
fn ids_and_tokens_are_the_gateways_own_and_the_rest_is_untouched() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    let params = "{\"_meta\":{\"progressToken\":\"abc\",\"x\":1.10},\r\n\"name\":\"s__tool\",\"arguments\":{\"n\":1e400}}";
    let mut line = Bytes::new();
    calls.send(now, desk.reply_token(params), |written| {
        line = written;
        Ok(())
    });
    let text = std::str::from_utf8(&line).unwrap();
    assert_eq!(
        text,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1,"x":1.10},"name":"tool","arguments":{"n":1e400}}}"#
    );
    let second = send(&mut calls, now, &mut desk, r#"{"name":"s__tool"}"#);
    assert_eq!(
        (&second["id"], &second["params"]),
        (&json!(2), &json!({"name": "tool"}))
    );
}

#[test]
fn the_first_answer_counts_and_later_ones_are_dropped_and_counted() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    let one = send_plain(&mut calls, now, &mut desk);
    let two = send_plain(&mut calls, now, &mut desk);
    drop(calls.settle(
        Instant::now(),
        two,
        Answer::Error(Bytes::from_static(ERROR.as_bytes())),
    ));
    drop(calls.settle(Instant::now(), one, result("1")));
    let stray = |settled: Result<(), (Stray, Bytes)>| settled.unwrap_err().0;
    assert_eq!(
        stray(calls.settle(Instant::now(), one, result("2"))),
        Stray::Duplicate
    );
    assert_eq!(
        stray(calls.settle(Instant::now(), 99, result("3"))),
        Stray::Unknown
    );
    assert_eq!(
        desk.hear(),
        [
            Heard::Error(2, ERROR.into()),
            Heard::Result(1, content("1"))
        ]
    );
    assert_eq!((calls.dropped_answers(), calls.in_flight()), (2, 0));
    assert_eq!(desk.permits.free(), 9);
}

#[test]
fn a_permit_is_free_before_its_answer_is_heard_of() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(1), Instant::now());
    for _ in 0..3 {
        let id = send_plain(&mut calls, now, &mut desk);
        drop(calls.settle(Instant::now(), id, result("1")));
        assert_eq!(desk.hear().len(), 1);
    }
}

#[test]
fn what_stdin_cannot_take_bounces_and_what_it_has_no_room_for_is_refused() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(1), Instant::now());
    assert_eq!(calls.send(now, desk.plain(), |_| Err(Refused::Gone)), None);
    assert_eq!(desk.hear(), [Heard::Undelivered(1)]);
    assert_eq!(calls.send(now, desk.plain(), |_| Err(Refused::Full)), None);
    let heard = desk.hear();
    assert!(
        matches!(&heard[..], [Heard::Failed(2, text)] if text.contains("server 's' is busy")),
        "{heard:?}"
    );
    assert_eq!((calls.in_flight(), desk.permits.free()), (0, 1));
    assert_eq!(calls.next_deadline(), None);
}

#[test]
fn the_wish_for_a_task_is_taken_out_of_a_call_and_left_in_all_else() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    let params = r#"{"name":"s__tool","task":{"ttl":1.10},"arguments":{"task":1}}"#;
    let line = send(&mut calls, now, &mut desk, params);
    assert_eq!(
        line["params"],
        json!({"name": "tool", "arguments": {"task": 1}})
    );
    let reply_token = desk.reply_token_for("prompts/get", "p", r#"{"name":"s__p","task":{}}"#);
    let mut line = Bytes::new();
    calls.send(now, reply_token, |written| {
        line = written;
        Ok(())
    });
    let line = json(&line);
    assert_eq!(
        (&line["method"], &line["params"]),
        (&json!("prompts/get"), &json!({"name": "p", "task": {}}))
    );
}

#[test]
fn calls_have_more_time_when_their_server_had_to_wait() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    send_plain(&mut calls, now, &mut desk);
    calls.extend(now + SECOND);
    // A question may take as long, and its failure comes first.
    assert!(calls.expire(now + TIMEOUT + SECOND).is_empty());
    assert_eq!(calls.expire(now + TIMEOUT + 10 * SECOND).len(), 1);
}

#[test]
fn progress_goes_to_its_call_under_the_clients_token_and_gives_it_time() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    let params = r#"{"name":"s__tool","_meta":{"progressToken":"7"}}"#;
    let id = send(&mut calls, now, &mut desk, params)["id"].clone();
    send_plain(&mut calls, now, &mut desk);

    let later = now + TIMEOUT - SECOND;
    let told = Bytes::from(format!(r#"{{"progressToken":{id},"progress":1.10}}"#));
    calls.progress(later, &told);
    assert_eq!(
        desk.hear(),
        [Heard::Progress(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"7","progress":1.10}}"#.into()
        )]
    );
    // The other one's time is over; this one's has begun anew.
    assert_eq!(calls.expire(now + TIMEOUT).len(), 1);
    assert_eq!(calls.in_flight(), 1);
    assert!(calls.expire(later + TIMEOUT - SECOND).is_empty());
    assert_eq!(calls.expire(later + TIMEOUT).len(), 1);

    // For nobody: an unknown token, a call that asked for none, one that is over, and nonsense.
    desk.hear();
    for token in ["99", "2", "1", "\"x\"", "null"] {
        let told = Bytes::from(format!(r#"{{"progressToken":{token},"progress":2}}"#));
        calls.progress(later, &told);
    }
    calls.progress(later, &Bytes::from_static(b"[]"));
    assert!(desk.hear().is_empty());
}

#[test]
fn a_cancelled_call_is_withdrawn_upstream_and_not_answered() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    let id = send_plain(&mut calls, now, &mut desk);
    let params = Bytes::from_static(br#"{"requestId":"mine","reason":"changed my mind"}"#);
    let line = calls.cancel(now, Desk::id(1), Some(&params)).unwrap();
    let wanted = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": id, "reason": "changed my mind"}});
    assert_eq!(json(&line), wanted);
    assert!(
        calls.cancel(now, Desk::id(1), Some(&params)).is_none(),
        "once"
    );
    assert!(calls.cancel(now, Desk::id(2), None).is_none(), "a stranger");
    assert_eq!(calls.in_flight(), 0);

    // The server may still be working on it: the permit comes back with its answer.
    assert_eq!(desk.permits.free(), 8);
    drop(calls.settle(Instant::now(), id, result("late")));
    assert_eq!(desk.permits.free(), 9);
    assert_eq!(calls.dropped_answers(), 1);
    assert!(desk.hear().is_empty());
}

#[test]
fn a_cancelled_call_that_is_never_answered_frees_its_permit_after_a_minute() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    let id = send_plain(&mut calls, now, &mut desk);
    calls.cancel(now, Desk::id(1), None).unwrap();
    assert_eq!(calls.next_deadline(), Some(now + CANCELLED_KEEPS_PERMIT));
    assert!(
        calls
            .expire(now + CANCELLED_KEEPS_PERMIT - SECOND)
            .is_empty()
    );
    assert_eq!(desk.permits.free(), 8);
    assert!(calls.expire(now + CANCELLED_KEEPS_PERMIT).is_empty());
    assert_eq!(desk.permits.free(), 9);
    assert_eq!(calls.next_deadline(), None, "nothing is left of it");
    drop(calls.settle(Instant::now(), id, result("very late")));
    assert!(desk.hear().is_empty() && !calls.is_hung());
}

#[test]
fn a_timeout_answers_and_cancels_and_three_in_silence_mean_hung() {
    let (mut calls, mut desk, mut now) = (calls(), Desk::new(9), Instant::now());
    for round in 1..=3 {
        let id = send_plain(&mut calls, now, &mut desk);
        now += TIMEOUT;
        let lines = calls.expire(now);
        assert_eq!(lines.len(), 1);
        let line = json(&lines[0]);
        assert_eq!(line["method"], "notifications/cancelled");
        assert_eq!(line["params"]["requestId"], json!(id));
        let [Heard::Failed(_, text)] = &desk.hear()[..] else {
            panic!("it is answered, once");
        };
        assert!(text.contains("'s'") && text.contains("300 s"), "{text}");
        assert_eq!(calls.is_hung(), round == 3);
    }
}

#[test]
fn any_word_from_the_server_means_it_is_not_hung() {
    let (mut calls, mut desk, mut now) = (calls(), Desk::new(9), Instant::now());
    for round in 1..=9 {
        send_plain(&mut calls, now, &mut desk);
        now += TIMEOUT;
        calls.expire(now);
        assert!(!calls.is_hung());
        if round % 2 == 0 {
            calls.heard(now);
        }
    }
}

#[test]
fn the_end_answers_everybody_once_and_frees_everything() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    let ids: Vec<u64> = (0..3)
        .map(|_| send_plain(&mut calls, now, &mut desk))
        .collect();
    calls.cancel(now, Desk::id(1), None);
    drop(calls.settle(Instant::now(), ids[1], result("1")));
    desk.hear();
    calls.fail_all("server 's' exited with code 1");
    assert_eq!(
        desk.hear(),
        [Heard::Failed(3, "server 's' exited with code 1".into())]
    );
    calls.fail_all("again");
    drop(calls.settle(Instant::now(), ids[2], result("too late")));
    drop(calls);
    assert!(desk.hear().is_empty());
    assert_eq!(desk.permits.free(), 9);
}

#[test]
fn calls_that_are_dropped_with_their_owner_are_answered_and_not_sent_again() {
    let (mut calls, mut desk, now) = (calls(), Desk::new(9), Instant::now());
    send_plain(&mut calls, now, &mut desk);
    let queued = desk.plain();
    drop(calls);
    drop(queued);
    let heard = desk.hear();
    assert!(
        matches!(&heard[..], [Heard::Failed(1, text), Heard::Undelivered(2)] if text.contains("may or may not")),
        "{heard:?}"
    );
    assert_eq!(desk.permits.free(), 9);
}
