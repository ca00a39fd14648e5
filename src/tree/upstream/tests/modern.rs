//! Servers without a handshake: how they are found out, what they are told, and what becomes of what
//! they answer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::talk::{TIMEOUT, Talk, Todo, answer, tools};
use super::{Desk, Heard, apps, interest, spec};
use crate::config::model::{Protocol, ServerSpec};
use crate::protocol::Era;
use crate::protocol::mcp::lifecycle::ClientCapabilities;
use crate::protocol::mcp::logging::Level;
use crate::protocol::mcp::method;
use crate::protocol::modern::asker::Asker;
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::modern::keys;
use crate::supervise::FailureKind;
use crate::tree::upstream::Past;

pub(super) const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}},"ttlMs":0,"cacheScope":"private"}"#;

pub(super) fn entry(protocol: Protocol) -> ServerSpec {
    ServerSpec {
        protocol,
        ..spec("", TIMEOUT)
    }
}

fn refused(id: u64, code: i64, supported: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"no","data":{{"supported":{supported}}}}}}}"#
    )
}

/// What is written, without the rest.
pub(super) fn written(todo: &[Todo]) -> Vec<&Value> {
    let mut lines = Vec::new();
    for todo in todo {
        if let Todo::Write(line) = todo {
            lines.push(line);
        }
    }
    lines
}

/// A server that was asked without a handshake; it is ready, and has a tool and a resource.
fn ready() -> Talk {
    let mut talk = Talk::of(&entry(Protocol::Modern), None);
    assert_eq!(talk.hello["method"], "server/discover");
    let todo = talk.hears(&answer(0, DISCOVERED));
    let lines = written(&todo);
    let methods: Vec<&str> = lines
        .iter()
        .map(|line| line["method"].as_str().unwrap())
        .collect();
    let wanted = [
        "subscriptions/listen",
        "tools/list",
        "resources/list",
        "resources/templates/list",
    ];
    assert_eq!(methods, wanted);
    for line in &lines {
        let meta = &line["params"]["_meta"];
        assert_eq!(meta[keys::PROTOCOL_VERSION], "2026-07-28", "{line}");
        let told = json!({ "extensions": apps() });
        assert_eq!(meta[keys::CLIENT_CAPABILITIES], told, "{line}");
    }
    assert_eq!(
        lines[0]["params"]["notifications"],
        json!({"toolsListChanged": true})
    );
    talk.hears(&answer(2, &tools(&["t"])));
    talk.hears(&answer(3, r#"{"resources":[]}"#));
    talk.hears(&answer(4, r#"{"resourceTemplates":[]}"#));
    assert!(talk.dialogue.is_ready());
    let acknowledged = r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":1},"notifications":{"toolsListChanged":true}}"#;
    talk.told("notifications/subscriptions/acknowledged", acknowledged);
    talk
}

#[test]
fn who_refuses_the_handshake_is_asked_without_one_and_so_is_its_next_life() {
    let past = Arc::new(Past::default());
    let mut talk = Talk::next(&past);
    assert_eq!(talk.hello["method"], "initialize");
    let todo = talk.hears(&refused(0, -32022, r#"["2026-07-28"]"#));
    let lines = written(&todo);
    assert_eq!(
        (lines.len(), &lines[0]["method"]),
        (1, &json!("server/discover"))
    );
    let id = lines[0]["id"].as_u64().unwrap();
    assert_eq!(
        talk.dialogue.waits_for(),
        "it did not answer 'server/discover'"
    );
    // It ends at that: its next life is asked rightly from the start.
    talk.dialogue.note_end();
    let mut next = Talk::next(&past);
    assert_eq!(next.hello["method"], "server/discover");
    // And if this one answers, it is found.
    assert!(
        talk.hears(&answer(id, DISCOVERED))
            .contains(&Todo::Initialized)
    );
    // What was remembered and does not hold is forgotten.
    let no = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"no"}}"#;
    let todo = next.hears(no);
    assert!(
        matches!(&todo[..], [Todo::Broken(FailureKind::Exited, why)] if why.contains("server/discover")),
        "{todo:?}"
    );
    next.dialogue.note_end();
    assert_eq!(Talk::next(&past).hello["method"], "initialize");
}

#[test]
fn an_entry_that_says_how_to_begin_is_obeyed() {
    let mut legacy = Talk::of(&entry(Protocol::Legacy), None);
    let todo = legacy.hears(&refused(0, -32022, r#"["2026-07-28"]"#));
    let is_named = |todo: &[Todo], word: &str| {
        let named = format!(r#""protocol": "{word}""#);
        matches!(todo, [Todo::Broken(_, why)] if why.contains(&named))
    };
    assert!(is_named(&todo, "legacy"), "{todo:?}");
    let past = Arc::new(Past::default());
    past.learn_era(Era::Modern);
    assert_eq!(Talk::next(&past).hello["method"], "server/discover");
    let mut modern = Talk::of(&entry(Protocol::Modern), None);
    let todo = modern.hears(r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"no"}}"#);
    assert!(is_named(&todo, "modern"), "{todo:?}");
    // An earlier revision that is named goes first.
    let mut talk = Talk::open();
    let todo = talk.hears(&refused(0, -32022, r#"["2025-06-18","2026-07-28"]"#));
    assert_eq!(written(&todo)[0]["params"]["protocolVersion"], "2025-06-18");
    let id = written(&todo)[0]["id"].as_u64().unwrap();
    let todo = talk.hears(&refused(id, -32022, r#"["2026-07-28"]"#));
    assert_eq!(written(&todo)[0]["method"], "server/discover");
}

#[test]
fn a_legacy_client_is_told_of_and_gets_what_it_knows() {
    let (mut talk, mut desk) = (ready(), Desk::new(4));
    let asker = Asker {
        capabilities: ClientCapabilities::all(),
        log_level: Some(Level::Error),
        info: None,
        extensions: Extensions::read(Some(r#"{"x/y":{"n":1.10}}"#)),
    };
    let params = r#"{"name":"s__t","_meta":{"progressToken":"p"}}"#;
    let reply_token = desk.reply_token_of(asker, Era::Legacy, (method::TOOLS_CALL, "tool", params));
    let sent = talk.takes(reply_token).unwrap();
    let meta = &sent["params"]["_meta"];
    assert_eq!(meta[keys::LOG_LEVEL], "error");
    assert_eq!(
        meta[keys::CLIENT_CAPABILITIES]["elicitation"]["url"],
        json!({})
    );
    assert_eq!(
        meta[keys::CLIENT_CAPABILITIES]["extensions"],
        json!({"x/y": {"n": 1.10}})
    );
    assert_eq!(meta["progressToken"], sent["id"]);
    let id = sent["id"].as_u64().unwrap();
    let result = r#"{"resultType":"complete","content":[],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}},"x":1.10}"#;
    talk.hears(&answer(id, result));
    assert_eq!(
        desk.hear(),
        [Heard::Result(1, r#"{"content":[],"x":1.10}"#.into())]
    );

    let reply_token = desk.reply_token_for(method::RESOURCES_READ, "a:b", r#"{"uri":"a:b"}"#);
    let id = talk.takes(reply_token).unwrap()["id"].as_u64().unwrap();
    talk.hears(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32602,"message":"Resource not found: a:b","data":{{"uri":"a:b"}}}}}}"#));
    let heard = desk.hear();
    assert!(
        matches!(&heard[..], [Heard::Error(2, error)] if error.contains("-32002")),
        "{heard:?}"
    );

    let id = talk.sends(&mut desk);
    talk.hears(&answer(
        id,
        r#"{"resultType":"input_required","requestState":"s"}"#,
    ));
    let question = r#"{"resultType":"input_required","requestState":"s"}"#;
    assert_eq!(desk.hear(), [Heard::InputRequired(3, question.into())]);

    let id = talk.sends(&mut desk);
    talk.hears(&answer(id, r#"{"resultType":"task","taskId":"x"}"#));
    assert!(matches!(&desk.hear()[..], [Heard::Failed(4, _)]));
}

#[test]
fn a_modern_client_gets_every_byte() {
    let (mut talk, mut desk) = (ready(), Desk::new(4));
    for result in [
        r#"{ "resultType":"input_required" , "inputRequests":{"a":{"n":1.10}},"requestState":"\u0061"}"#,
        r#"{"resultType":"task","taskId":"\u0061"}"#,
        r#"{"content":[ ],"resultType":"complete","structuredContent":[1.10],"_meta":{"io.modelcontextprotocol/serverInfo":{}}}"#,
    ] {
        let params = r#"{"name":"s__t","requestState":"\u0061","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","a":1.10}}"#;
        let reply_token = desk.modern_reply_token(params, None);
        let sent = talk.takes(reply_token).unwrap();
        assert_eq!(sent["params"]["requestState"], "a");
        assert_eq!(sent["params"]["_meta"].as_object().unwrap().len(), 2);
        let id = sent["id"].as_u64().unwrap();
        talk.hears(&answer(id, result));
        let heard = desk.hear();
        assert!(
            matches!(&heard[..], [Heard::Result(_, told) | Heard::Extended(_, told)] if told == result),
            "{heard:?}"
        );
    }
}

#[test]
fn what_sessions_subscribe_to_is_listened_for_in_one_request() {
    let (mut talk, mut desk) = (ready(), Desk::new(4));
    assert_eq!(talk.takes(desk.wish("a:b", true)), None);
    assert_eq!(talk.takes(desk.wish("c:d", true)), None);
    assert_eq!(desk.hear(), [], "what the server tells of is not known");
    talk.now += Duration::from_millis(50);
    let todo = talk.expires();
    let lines = written(&todo);
    assert_eq!(
        (lines.len(), &lines[0]["method"]),
        (1, &json!("subscriptions/listen"))
    );
    let wanted = json!({"toolsListChanged": true, "resourceSubscriptions": ["a:b", "c:d"]});
    assert_eq!(lines[0]["params"]["notifications"], wanted);
    let id = lines[0]["id"].as_u64().unwrap();
    // The new one first, then the old one is withdrawn.
    let acknowledged = format!(
        r#"{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}},"notifications":{{"resourceSubscriptions":["a:b"]}}}}"#
    );
    let todo = talk.told("notifications/subscriptions/acknowledged", &acknowledged);
    let lines = written(&todo);
    assert_eq!(
        (&lines[0]["method"], &lines[0]["params"]["requestId"]),
        (&json!("notifications/cancelled"), &json!(1))
    );
    let heard = desk.hear();
    assert_eq!(heard[0], Heard::Result(1, "{}".into()));
    assert!(matches!(&heard[1], Heard::Error(2, error) if error.contains("-32601")));
    assert_eq!(talk.takes(desk.wish("a:b", true)), None);
    assert_eq!(
        desk.hear(),
        [Heard::Result(3, "{}".into())],
        "it is told of"
    );
    let updated =
        format!(r#"{{"uri":"a:b","_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}"#);
    talk.told("notifications/resources/updated", &updated);
    assert_eq!(desk.hear(), [Heard::Updated(r#"{"uri":"a:b"}"#.into())]);
    // The session goes.
    talk.interested(&desk, interest(None, &[]));
    talk.now += Duration::from_millis(50);
    let todo = talk.expires();
    assert_eq!(
        written(&todo)[0]["params"]["notifications"],
        json!({"toolsListChanged": true})
    );
    // The server ends it: it is asked again, after a while.
    let id = written(&todo)[0]["id"].as_u64().unwrap();
    talk.hears(&answer(id, r#"{"resultType":"complete"}"#));
    talk.now += Duration::from_secs(1);
    assert_eq!(
        written(&talk.expires())[0]["method"],
        "subscriptions/listen"
    );
}

#[test]
fn who_does_not_say_what_it_tells_of_is_taken_to_tell_of_all() {
    let (mut talk, mut desk) = (ready(), Desk::new(4));
    talk.takes(desk.wish("a:b", true));
    talk.now += Duration::from_millis(50);
    assert_eq!(written(&talk.expires()).len(), 1);
    assert_eq!(desk.hear(), []);
    talk.now += Duration::from_secs(5);
    talk.expires();
    assert_eq!(desk.hear(), [Heard::Result(1, "{}".into())]);
}

#[test]
fn a_server_that_cannot_be_listened_to_is_not_asked_again() {
    let mut talk = Talk::of(&entry(Protocol::Modern), None);
    talk.hears(&answer(0, DISCOVERED));
    talk.hears(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#);
    let mut desk = Desk::new(1);
    talk.takes(desk.wish("a:b", true));
    talk.now += Duration::from_secs(3);
    assert_eq!(written(&talk.expires()), Vec::<&Value>::new());
}

#[test]
fn a_changed_list_is_asked_for_again() {
    let mut talk = ready();
    let changed = r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}"#;
    let todo = talk.told("notifications/tools/list_changed", changed);
    assert_eq!(todo, [Todo::ListChanged]);
}

#[test]
fn the_log_goes_to_the_only_request_that_asks_for_it() {
    let (mut talk, mut desk) = (ready(), Desk::new(8));
    let mut other = Desk::of(2, 8);
    let said = r#"{"level":"warning","data":1}"#;
    let params = r#"{"name":"s__t"}"#;
    let first = talk.takes(desk.modern_reply_token(params, Some(Level::Warning)));
    talk.takes(other.modern_reply_token(params, None));
    talk.told("notifications/message", said);
    talk.told("notifications/message", r#"{"level":"info","data":2}"#);
    let logged = Heard::Logged(
        Some(Level::Warning),
        false,
        r#"{"logger":"s","level":"warning","data":1}"#.into(),
    );
    assert_eq!(desk.hear(), [logged]);
    // Nobody knows whose it is.
    talk.takes(other.modern_reply_token(params, Some(Level::Debug)));
    talk.told("notifications/message", said);
    assert_eq!((desk.hear(), other.hear()), (vec![], vec![]));
    let id = first.unwrap()["id"].as_u64().unwrap();
    talk.hears(&answer(id, r#"{"content":[]}"#));
    desk.hear();
    talk.told("notifications/message", said);
    assert_eq!((desk.hear().len(), other.hear().len()), (0, 1));
}

#[test]
fn a_legacy_server_says_as_much_as_running_requests_ask_for() {
    let (mut talk, todo) = Talk::open().initialized_as(r#"{"tools":{},"logging":{}}"#);
    drop(todo);
    talk.hears(&answer(1, &tools(&["t"])));
    let mut desk = Desk::new(4);
    let params = r#"{"name":"s__t","_meta":{"io.modelcontextprotocol/logLevel":"debug"}}"#;
    let lines = talk.takes_all(desk.modern_reply_token(params, Some(Level::Debug)));
    assert_eq!(lines[0]["method"], "logging/setLevel");
    assert_eq!(lines[0]["params"], json!({"level": "debug"}));
    assert_eq!(lines[1]["params"], json!({"name": "tool", "_meta": {}}));
    let (level, call) = (
        lines[0]["id"].as_u64().unwrap(),
        lines[1]["id"].as_u64().unwrap(),
    );
    talk.hears(&answer(level, "{}"));
    talk.told("notifications/message", r#"{"level":"debug","data":1}"#);
    assert_eq!(desk.hear().len(), 1);
    let todo = talk.hears(&answer(call, r#"{"content":[]}"#));
    assert_eq!(written(&todo)[0]["params"], json!({"level": "info"}));
}

#[test]
fn a_cancelled_call_is_withdrawn_and_nothing_of_the_other_era_is_asked() {
    let (mut talk, mut desk) = (ready(), Desk::new(4));
    let reply_token = desk.modern_reply_token(r#"{"name":"s__t"}"#, None);
    let call = reply_token.call();
    let id = talk.takes(reply_token).unwrap()["id"].clone();
    let lines = talk.dialogue.cancel(talk.now, call, None);
    let line: Value = serde_json::from_slice(&lines[0]).unwrap();
    assert_eq!(
        (&line["method"], &line["params"]["requestId"]),
        (&json!("notifications/cancelled"), &id)
    );
    let todo = talk.interested(&desk, interest(Some(Level::Debug), &[]));
    assert_eq!(todo, [Todo::Watch]);
    for method in ["ping", "roots/list", "sampling/createMessage"] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":"x","method":"{method}"}}"#);
        let todo = talk.hears(&line);
        assert_eq!(written(&todo)[0]["error"]["code"], -32601, "{method}");
    }
}
