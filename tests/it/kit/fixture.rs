//! The fixture server over a bare pipe: what tests of the gateway rely on is what it really says.

use serde_json::{Value, json};

use crate::support::servers::{bare, error_code, text_of};
use crate::support::streamable::{call_tool, initialize};

/// The last line that the fixture says after these calls of its tools, and its other lines.
fn drive(flags: &[&str], calls: &[(&str, &str)]) -> (String, Vec<String>) {
    let calls = calls
        .iter()
        .map(|(tool, arguments)| call_tool(1, tool, arguments));
    let calls: Vec<String> = calls.collect();
    let lines: Vec<&str> = calls.iter().map(String::as_str).collect();
    let mut said = bare(&[flags, &["--offers"]].concat(), &lines);
    let last = said.pop().expect("it says something");
    (last, said)
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// The raw answer to one request.
fn answer(flags: &[&str], method: &str, params: &str) -> String {
    let flags = [flags, &["--offers"]].concat();
    bare(&flags, &[&request(method, params)]).remove(0)
}

/// What is in an answer there.
pub(crate) fn member(answer: &str, pointer: &str) -> Value {
    let parsed: Value = serde_json::from_str(answer).expect("JSON");
    let found = parsed.pointer(pointer);
    found
        .unwrap_or_else(|| panic!("no {pointer}: {answer}"))
        .clone()
}

#[test]
fn it_declares_what_it_offers() {
    let declared = |flags: &[&str]| {
        let said = bare(flags, &[&initialize(1, "2025-11-25", "{}")]).remove(0);
        member(&said, "/result")
    };
    let all = json!({
        "tools": { "listChanged": true },
        "prompts": { "listChanged": true },
        "resources": { "listChanged": true, "subscribe": true },
        "completions": {},
        "logging": {},
    });
    let result = declared(&["--offers", "--instructions", "Read me"]);
    assert_eq!(result["capabilities"], all);
    assert_eq!(result["instructions"], "Read me");
    let less = declared(&["--offers", "--without=logging", "--without=subscribe"]);
    assert_eq!(less["capabilities"]["resources"]["subscribe"], false);
    assert!(less["capabilities"].get("logging").is_none());
    let tools_only = json!({ "tools": { "listChanged": true } });
    assert_eq!(declared(&[])["capabilities"], tools_only);
}

#[test]
fn what_it_does_not_offer_it_does_not_know() {
    let unknown = |flags: &[&str], method| {
        let said = bare(flags, &[&request(method, "{}")]).remove(0);
        assert_eq!(error_code(&said), -32601, "{method}");
    };
    for method in ["prompts/list", "resources/read", "logging/setLevel"] {
        unknown(&[], method);
    }
    unknown(
        &["--offers", "--without=subscribe"],
        "resources/unsubscribe",
    );
    unknown(&["--offers", "--without=prompts"], "prompts/get");
    unknown(&["--offers", "--without=resources"], "resources/subscribe");
}

#[test]
fn lists_come_in_pages_and_keep_what_models_lose() {
    let flags = [
        "--resources=3",
        "--page-size=2",
        "--empty-cursor",
        "--uri-base=b://",
    ];
    let first = answer(&flags, "resources/list", "{}");
    assert!(first.ends_with(r#"],"nextCursor":""}}"#), "{first}");
    assert!(first.contains(r#"{"uri":"b://blob/1","name":"blob 1","size":1.0,"#));
    let second = answer(&flags, "resources/list", r#"{"cursor":""}"#);
    assert!(second.contains("b://text/2") && !second.contains("nextCursor"));
    let prompts = answer(&["--prompt-prefix=p"], "prompts/list", "{}");
    assert!(prompts.contains(r#"{"name":"p1","#) && prompts.contains("1e40"));
    let templates = answer(&[], "resources/templates/list", "{}");
    assert!(templates.contains(r#""uriTemplate":"fx://items0/{id}""#));
}

#[test]
fn prompts_resources_and_completions_say_who_answered() {
    let marker = ["--marker=me"];
    let params = r#"{"name":"prompt_0","arguments":{"topic":"x"}}"#;
    let prompt = answer(&marker, "prompts/get", params);
    assert_eq!(
        member(&prompt, "/result/messages/0/content/text"),
        r#"me prompt_0 {"topic":"x"}"#
    );
    let read = |uri: &str| answer(&marker, "resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
    let text = member(&read("fx://text/0"), "/result/contents/0/text");
    assert_eq!(text, "me fx://text/0");
    let blob = member(&read("fx://blob/1"), "/result/contents/0/blob");
    assert_eq!(blob, "AAEC/w==");
    let item = member(&read("fx://items0/9"), "/result/contents/0/uri");
    assert_eq!(item, "fx://items0/9");
    let params = r#"{"ref":{"type":"ref/prompt","name":"prompt_0"},"argument":{"name":"topic","value":"a"}}"#;
    let completion = answer(&marker, "completion/complete", params);
    let value = member(&completion, "/result/completion/values/0");
    assert!(value.as_str().is_some_and(|text| text.starts_with("me {")));
    let unknown = answer(&[], "prompts/get", r#"{"name":"none"}"#);
    assert_eq!(error_code(&unknown), -32602);
    assert_eq!(error_code(&read("other://text/0")), -32002);
    let level = answer(&[], "logging/setLevel", r#"{"level":"loud"}"#);
    assert_eq!(error_code(&level), -32602);
}

#[test]
fn levels_and_subscriptions_count_and_are_told() {
    let flags = ["--offers", "--marker=me"];
    let lines = [
        initialize(1, "2025-06-18", r#"{"roots":{},"x":1.10}"#),
        request("logging/setLevel", r#"{"level":"warning"}"#),
        request("resources/subscribe", r#"{"uri":"fx://text/0"}"#),
        call_tool(1, "log", r#"{"level":"info"}"#),
        call_tool(
            1,
            "log",
            r#"{"level":"error","logger":"db","text":"broken"}"#,
        ),
        call_tool(1, "update", r#"{"uri":"fx://text/0"}"#),
        call_tool(1, "update", r#"{"uri":"fx://blob/1"}"#),
        call_tool(1, "state", "{}"),
        request("resources/unsubscribe", r#"{"uri":"fx://text/0"}"#),
        call_tool(1, "state", "{}"),
        call_tool(1, "received", r#"{"method":"logging/setLevel"}"#),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let said = bare(&flags, &lines);
    assert_eq!(text_of(&said[3]), "unwanted");
    let message = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":{"text":"broken","n":1.10},"logger":"db"}}"#;
    assert_eq!(said[4], message);
    let updated = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"fx://text/0"}}"#;
    assert_eq!(
        (said[6].as_str(), text_of(&said[7])),
        (updated, "sent".into())
    );
    assert_eq!(text_of(&said[8]), "nobody");
    let state: Value = serde_json::from_str(&text_of(&said[9])).expect("JSON");
    assert_eq!(
        (&state["level"], &state["marker"]),
        (&json!("warning"), &json!("me"))
    );
    assert_eq!(state["subscriptions"], json!(["fx://text/0"]));
    assert_eq!(state["initialize"]["clientInfo"]["name"], "test");
    assert!(text_of(&said[9]).contains(r#""capabilities":{"roots":{},"x":1.10}"#));
    assert!(text_of(&said[11]).contains(r#""subscriptions":[]"#));
    assert_eq!(text_of(&said[12]), r#"[{"level":"warning"}]"#);
}

#[test]
fn lists_change_and_answers_are_scripted_byte_for_byte() {
    let raw = r#"{ "name" : "o\u0064d","n":1e400}"#;
    let set = format!(r#"{{"definitions":[{raw}],"times":3}}"#);
    let script = r#"{"method":"prompts/get","result":{"n":-0.0}}"#;
    let lines = [
        call_tool(1, "set_prompts", &set),
        request("prompts/list", "{}"),
        call_tool(1, "script", script),
        request("prompts/get", "{}"),
        call_tool(
            1,
            "script",
            r#"{"method":"prompts/get","error":{"code":1e2}}"#,
        ),
        request("prompts/get", "{}"),
        call_tool(1, "script", r#"{"method":"prompts/get"}"#),
        request("prompts/get", r#"{"name":"odd"}"#),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let said = bare(&["--offers"], &lines);
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{}}"#;
    assert_eq!(said[1..4], [changed; 3]);
    assert!(
        said[4].ends_with(&format!(r#""prompts":[{raw}]}}}}"#)),
        "{}",
        said[4]
    );
    assert!(said[6].ends_with(r#""result":{"n":-0.0}}"#));
    assert!(said[8].ends_with(r#""error":{"code":1e2}}"#));
    assert_eq!(member(&said[10], "/result/description"), "A");
}

#[test]
fn notifications_are_sent_as_they_are_told() {
    let uri =
        r#"{"method":"notifications/resources/updated","params":{"uri":"x","n":1.10},"times":2}"#;
    let (last, sent) = drive(&[], &[("notify", uri)]);
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x","n":1.10}}"#;
    assert_eq!(sent, [notification, notification]);
    assert_eq!(text_of(&last), "sent");
}

#[test]
fn it_asks_and_gives_the_whole_answer_to_the_call() {
    let ask = r#"{"method":"sampling/createMessage","params":{"maxTokens":1.0},"id":"mine"}"#;
    let answered = r#"{"id":"mine","jsonrpc":"2.0","result":{"n":1.10}}"#;
    let lines = [&call_tool(1, "ask", ask), answered];
    let said = bare(&["--offers"], &lines);
    let asked = r#"{"jsonrpc":"2.0","id":"mine","method":"sampling/createMessage","params":{"maxTokens":1.0}}"#;
    assert_eq!((said[0].as_str(), said.len()), (asked, 2));
    assert_eq!(text_of(&said[1]), answered);
}

#[test]
fn it_asks_in_passing_and_takes_a_request_back() {
    let waiting = r#"{"method":"elicitation/create","id":77}"#;
    let passing = r#"{"method":"roots/list","wait":false,"id":null}"#;
    let lines = [
        call_tool(1, "ask", waiting),
        call_tool(2, "cancel_ask", r#"{"id":77}"#),
        call_tool(3, "ask", passing),
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1.0}}"#.to_owned(),
        call_tool(4, "answers", "{}"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let said = bare(&["--offers"], &lines);
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77,"reason":"no longer \u0077anted"}}"#;
    assert_eq!(said[1], cancelled);
    let texts = [2, 3, 4].map(|line: usize| text_of(&said[line]));
    assert_eq!(texts, ["cancelled", "sent", "asked"]);
    assert!(said[5].contains(r#""id":null,"method":"roots/list""#));
    assert_eq!(text_of(&said[6]), format!("[{}]", lines[3]));
}

#[test]
fn it_asks_for_roots_when_it_is_told_to() {
    let lines = [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
    ];
    let said = bare(&["--ask-roots"], &lines);
    let asked =
        |id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"roots/list","params":{{}}}}"#);
    assert_eq!(said, [asked("0"), asked(r#""ask-1""#)]);
}
