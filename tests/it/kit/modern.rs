//! The fixture server without a handshake, over a bare pipe.

use serde_json::{Value, json};

use super::fixture::member;
use crate::support::modern::Ask;
use crate::support::servers::{bare, error_code, text_of};
use crate::support::streamable::{self, initialize};

const MODERN: [&str; 2] = ["--era=modern", "--offers"];

/// What it says to these lines.
fn said(flags: &[&str], lines: &[String]) -> Vec<String> {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    bare(flags, &lines)
}

fn answer(flags: &[&str], line: String) -> String {
    said(flags, &[line]).remove(0)
}

fn request(id: u32, method: &str, capabilities: &str, params: &str) -> String {
    let ask = Ask::new(method, params).id(&id.to_string());
    ask.can(capabilities).line()
}

fn call_tool(id: u32, name: &str, capabilities: &str, arguments: &str) -> String {
    let ask = Ask::tool(name, arguments).id(&id.to_string());
    ask.can(capabilities).line()
}

#[test]
fn each_era_is_spoken_by_a_flag() {
    let discover = request(1, "server/discover", "{}", "{}");
    let old = initialize(1, "2025-11-25", "{}");
    let both = ["--era=both", "--offers"];
    assert_eq!(error_code(&answer(&["--offers"], discover.clone())), -32601);
    let refused = answer(&MODERN, old.clone());
    assert_eq!(error_code(&refused), -32022);
    let supported = json!({ "supported": ["2026-07-28"], "requested": "2025-11-25" });
    assert_eq!(member(&refused, "/error/data"), supported);
    let found = answer(&MODERN, discover.clone());
    assert_eq!(
        member(&found, "/result/supportedVersions"),
        json!(["2026-07-28"])
    );
    assert_eq!(member(&found, "/result/resultType"), "complete");
    assert_eq!(member(&found, "/result/ttlMs"), 0);
    assert_eq!(
        member(&found, "/result/capabilities/resources/subscribe"),
        true
    );
    let lines = [discover.clone(), old.clone()];
    let free = said(&both, &lines);
    assert_eq!(
        member(&free[0], "/result/supportedVersions/4"),
        "2026-07-28"
    );
    assert_eq!(member(&free[1], "/result/protocolVersion"), "2025-11-25");
    let locked = [both.as_slice(), &["--lock-era"]].concat();
    assert_eq!(error_code(&said(&locked, &lines)[1]), -32022);
    let other_way = said(&locked, &[old, discover.clone()]);
    assert_eq!(error_code(&other_way[1]), -32600);
    assert_eq!(said(&["--exit-before-initialize"], &[discover]), [""; 0]);
}

#[test]
fn a_request_must_say_who_asks_and_know_what_is() {
    let code = |line: &str| error_code(&answer(&MODERN, line.to_owned()));
    let tools = request(1, "tools/list", "{}", "{}");
    assert_eq!(code(&tools.replace("2026-07-28", "2027-01-01")), -32022);
    assert_eq!(code(&tools.replace("clientCapabilities", "x")), -32602);
    assert_eq!(
        code(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#),
        -32022
    );
    for removed in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
    ] {
        assert_eq!(code(&request(1, removed, "{}", "{}")), -32601, "{removed}");
    }
    let gone = request(1, "resources/read", "{}", r#"{"uri":"fx://none"}"#);
    let gone = answer(&MODERN, gone);
    assert_eq!(error_code(&gone), -32602);
    assert_eq!(member(&gone, "/error/data/uri"), "fx://none");
}

#[test]
fn results_are_stamped_but_for_raw_ones() {
    let lines = [
        call_tool(1, "echo", "{}", r#"{"text":"a"}"#),
        call_tool(2, "raw", "{}", r#"{"result":{"n":1.10}}"#),
        request(3, "tools/list", "{}", "{}"),
    ];
    let said = said(&["--era=modern", "--ttl-ms=9"], &lines);
    assert!(
        said[0].contains(r#""result":{"resultType":"complete","_meta":{"#),
        "{}",
        said[0]
    );
    assert_eq!(said[1], r#"{"jsonrpc":"2.0","id":2,"result":{"n":1.10}}"#);
    assert_eq!(member(&said[2], "/result/ttlMs"), 9);
}

#[test]
fn it_asks_in_rounds_and_the_state_must_be_its_own() {
    let rounds = r#"{"rounds":[{"a":{"method":"roots/list"},"b":{"method":"sampling/createMessage","params":{"n":1.10}}},{"c":{"method":"roots/list"}}]}"#;
    let able = r#"{"roots":{},"sampling":{}}"#;
    let unable = answer(&MODERN, call_tool(1, "rounds", r#"{"roots":{}}"#, rounds));
    assert_eq!(error_code(&unable), -32021);
    let missing = json!({ "requiredCapabilities": { "sampling": {} } });
    assert_eq!(member(&unable, "/error/data"), missing);
    let ask = Ask::tool("rounds", rounds).can(able);
    let first = answer(&MODERN, ask.line());
    assert_eq!(member(&first, "/result/resultType"), "input_required");
    assert!(first.contains(r#""b":{"method":"sampling/createMessage","params":{"n":1.10}}"#));
    let foreign = ask.retry("{}", Some("\"1/0\""));
    assert_eq!(error_code(&answer(&MODERN, foreign.line())), -32602);
    // Legacy: the same by requests of its own, and the same text in the end.
    let lines = [
        streamable::call_tool(1, "rounds", rounds),
        r#"{"jsonrpc":"2.0","id":"ask-1","result":{"n":1.10}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":1}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":2,"result":{}}"#.to_owned(),
    ];
    let said = said(&["--offers"], &lines);
    assert_eq!(said.len(), 4);
    let text = r#"[{"a":{"code":1},"b":{"n":1.10}},{"c":{}}]"#;
    assert_eq!(text_of(&said[3]), text);
}

#[test]
fn who_listens_hears_what_was_granted_under_its_id() {
    let wishes = r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":false,"resourceSubscriptions":["fx://text/0"],"x":1}}"#;
    let lines = [
        request(7, "subscriptions/listen", "{}", wishes),
        call_tool(1, "set_tools", "{}", "{}"),
        call_tool(2, "set_prompts", "{}", "{}"),
        call_tool(3, "update", "{}", r#"{"uri":"fx://text/0"}"#),
        call_tool(4, "state", "{}", "{}"),
        call_tool(5, "end_listens", "{}", "{}"),
        call_tool(6, "update", "{}", r#"{"uri":"fx://text/0"}"#),
    ];
    let said = said(&MODERN, &lines);
    let granted = json!({ "toolsListChanged": true, "resourceSubscriptions": ["fx://text/0"] });
    assert_eq!(
        member(&said[0], "/method"),
        "notifications/subscriptions/acknowledged"
    );
    assert_eq!(member(&said[0], "/params/notifications"), granted);
    let id = "/params/_meta/io.modelcontextprotocol~1subscriptionId";
    assert_eq!(member(&said[0], id), 7);
    assert_eq!(
        member(&said[2], "/method"),
        "notifications/tools/list_changed"
    );
    assert_eq!(member(&said[2], id), 7);
    assert_eq!(member(&said[4], "/params/uri"), "fx://text/0");
    let state: Value = serde_json::from_str(&text_of(&said[6])).expect("JSON");
    assert_eq!(
        state["listens"],
        json!([{ "id": "7", "notifications": granted }])
    );
    assert_eq!(member(&said[7], "/id"), 7);
    assert_eq!(text_of(&said[9]), "nobody");
}

#[test]
fn it_logs_for_who_asked() {
    let log = Ask::tool("log", r#"{"level":"warning","text":"t"}"#);
    let asked = |level| log.clone().meta("/logLevel", level).line();
    let lines = [log.line(), asked("\"error\""), asked("\"warning\"")];
    let said = said(&MODERN, &lines);
    assert_eq!(text_of(&said[0]), "unwanted");
    assert_eq!(text_of(&said[1]), "unwanted");
    assert_eq!(member(&said[2], "/params/level"), "warning");
    assert_eq!(text_of(&said[3]), "sent");
}
