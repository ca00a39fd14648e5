//! Rows 200 to 203, 260 and 261: what servers say in another shape than MCP's.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::Stage;
use crate::support::client::{DEADLINE, Sse, Streamable};
use crate::support::http;
use crate::support::servers::{fixture, text_of, tool_names};
use crate::support::wait;

const CHANGED: &str = "notifications/tools/list_changed";
const AT_ONCE: Duration = Duration::from_secs(1);

/// What clients refuse, and why.
const REFUSED: [(&str, &str); 5] = [
    (r#"{"name":"bare"}"#, "'inputSchema' is missing"),
    (
        r#"{"name":"listed","inputSchema":{"type":["object"]}}"#,
        "'inputSchema.type' must be a string",
    ),
    (
        r#"{"name":"hinted","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":"yes"}}"#,
        "'annotations.readOnlyHint' must be true or false",
    ),
    (
        r#"{"name":"iconic","inputSchema":{"type":"object"},"icons":[{"src":"x","sizes":"48x48"}]}"#,
        "'icons[].sizes' must be an array",
    ),
    (
        r#"{"name":"endless","inputSchema":{"type":"object","maximum":1e999}}"#,
        "a number that is too large",
    ),
];

#[tokio::test]
async fn f200_entries_clients_refuse() {
    let mut stage = Stage::open(200, &[fixture("bad", &[])]).await;
    let client = stage.client::<Sse>().await;
    let mark = stage.gateway.log_mark();
    let right = r#"{"inputSchema" : {"properties":{"a":{"default":null}},"type":"object","x":1.10},"same":null, "name":"right"}"#;
    let nulls =
        r#"{"name":"nulls","description":null,"inputSchema":{"type":"object","properties":null}}"#;
    let refused = REFUSED.map(|(entry, _)| entry).join(",");
    let definitions = format!(r#"{{"definitions":[{refused},{right},{nulls}]}}"#);
    client.call_tool("bad__set_tools", &definitions).await;
    client.next_notification(CHANGED, DEADLINE).await;
    let listed = client.call("tools/list", None, DEADLINE).await;
    stage.struck(format!("{} tools that are refused", REFUSED.len()));
    let passed = right.replace(r#""right""#, r#""bad__right""#);
    stage.holds(
        "what is right passes byte for byte",
        listed.contains(&passed),
    );
    let mended = r#"{"name":"bad__nulls","inputSchema":{"type":"object"}}"#;
    stage.holds("what is null is left out", listed.contains(mended));
    let names = tool_names(&listed);
    let is_refused = |name: &&String| REFUSED.iter().any(|(entry, _)| entry.contains(&name[5..]));
    let refused: Vec<&String> = names
        .iter()
        .filter(|name| name.starts_with("bad__"))
        .collect();
    let listed = refused.into_iter().filter(is_refused).count();
    stage.at_most("tools listed that clients refuse", &listed, &0);
    for (_, why) in REFUSED {
        let gateway = &stage.gateway;
        let said = gateway.wait_for_log_after(mark, why, DEADLINE).await;
        assert!(said.contains("'bad'") && said.contains("WARN"), "{said}");
    }
    let status = http::get(stage.gateway.addr(), "/status").await.text();
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let servers = status["servers"].as_array().expect("servers").iter();
    let bad = servers.into_iter().find(|server| server["name"] == "bad");
    let left_out = bad.expect("it is there")["left_out"].as_array().cloned();
    let left_out = left_out.expect("some").len();
    stage.holds("the status names each reason", left_out == REFUSED.len());
    let counted = r#"mcproxy_entries_left_out_total{server="bad",reason="wrong"}"#;
    stage.holds("they are counted", stage.metric(counted).await == 3);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f201_answers_nobody_takes() {
    let mut stage = Stage::open(201, &[fixture("bad", &["--offers"])]).await;
    let client = stage.client::<Streamable>().await;
    let mut slowest = Duration::ZERO;
    let lines = [
        r#""result":null"#,
        r#""result":"done""#,
        r#""result":{"said":"x"}"#,
        r#""result":{"content":[{"type":"text","text":7}]}"#,
        r#""result":{"content":[{"type":"html","html":""}]}"#,
        r#""result":{"content":[],"isError":"no"}"#,
        r#""result":{},"error":{"code":1,"message":"x"}"#,
        r#""error":{"message":"x"}"#,
        r#""error":{"code":"E1","message":"x"}"#,
        r#""error":"x""#,
        r#""x":1"#,
    ];
    for said in lines {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,{said}}}\n");
        let arguments = json!({ "stdout": line, "silent": true }).to_string();
        let asked = Instant::now();
        let answer = client.call_tool("bad__raw", &arguments).await;
        slowest = slowest.max(asked.elapsed());
        let text = text_of(&answer);
        assert!(text.contains("'bad'"), "{said}: {answer}");
    }
    for (method, result, params) in [
        (
            "prompts/get",
            r#"{"messages":[{"role":"system"}]}"#,
            r#"{"name":"bad__prompt_0"}"#,
        ),
        (
            "resources/read",
            r#"{"contents":[{"text":"x"}]}"#,
            r#"{"uri":"fx://text/0"}"#,
        ),
    ] {
        let script = format!(r#"{{"method":"{method}","result":{result}}}"#);
        client.call_tool("bad__script", &script).await;
        let answer = client.call(method, Some(params), DEADLINE).await;
        assert!(
            answer.contains(r#""error""#) && answer.contains("'bad'"),
            "{answer}"
        );
    }
    stage.struck(format!("{} of another shape", lines.len() + 2));
    stage.within("the last of them had its end after", slowest, AT_ONCE);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f202_halves_of_characters() {
    let mut stage = Stage::open(202, &[fixture("bad", &[])]).await;
    let client = stage.client::<Sse>().await;
    let cut = r#"{"result":{"content":[{"type":"text","text":"cut \ud83d"}]}}"#;
    let answer = client.call_tool("bad__raw", cut).await;
    stage.struck("an emoji that was cut in two");
    let whole = answer.ends_with(r#""text":"cut \ufffd"}]}}"#);
    stage.holds("it is one character to all readers", whole);
    let entry = r#"{"definitions":[{"name":"cut","description":"\ud83d","inputSchema":{"type":"object"}}]}"#;
    client.call_tool("bad__set_tools", entry).await;
    client.next_notification(CHANGED, DEADLINE).await;
    let listed = client.call("tools/list", None, DEADLINE).await;
    let whole = listed.contains(r#""name":"bad__cut","description":"\ufffd""#);
    stage.holds("so is one in a list", whole);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f203_messages_over_several_lines() {
    let shell = |name: &str, says: &str| {
        let script = format!("read -r line; printf '{says}'; exec sleep 100");
        json!({ "name": name, "command": "/bin/sh", "args": ["-c", script], "timeout": 1 })
    };
    let indented = shell("indented", r#"{\n  "jsonrpc": "2.0",\n  "id": 0\n}\n"#);
    let headers = shell("headers", r"Content-Length: 38\r\n\r\n{}");
    let mut stage = Stage::open(203, &[indented, headers]).await;
    for (name, remedy) in [
        ("indented", "MCP wants each on one line"),
        ("headers", "Content-Length headers"),
    ] {
        let gateway = &stage.gateway;
        let late = format!("'{name}' was not ready within");
        let late = gateway.wait_for_log(&late, DEADLINE).await;
        stage.struck(format!("{name}: said at once and at its deadline"));
        stage.holds("the deadline names the remedy", late.contains(remedy));
        let lines = stage.gateway.logs();
        let said = lines
            .iter()
            .find(|line| line.contains(name) && line.contains("can't be used"));
        stage.holds(
            "so does the first line",
            said.is_some_and(|line| line.contains(remedy)),
        );
    }
    stage.close().await;
}

/// What pydantic refuses, and with one of them a whole list.
const NO_URIS: [&str; 8] = [
    "file://%USER%/n",
    "http://a%20b/n",
    "http://1.2.3.999/n",
    "https://%c2%ad/n",
    "http://xn--a/n",
    "ws://a\u{200d}b/n",
    "http://\u{1fa89}/n",
    "file://host:80/n",
];

#[tokio::test]
async fn f260_uris_clients_refuse() {
    let mut stage = Stage::open(260, &[fixture("bad", &["--offers"])]).await;
    let client = stage.client::<Sse>().await;
    let right = r#"{"uri": "notes://%USER%/\u00e9","name":"right"}"#;
    let wrong = NO_URIS.map(|uri| json!({ "uri": uri, "name": "wrong" }).to_string());
    let definitions = format!(r#"{{"definitions":[{},{right}]}}"#, wrong.join(","));
    client.call_tool("bad__set_resources", &definitions).await;
    let listed = wait::until("the list", DEADLINE, async || {
        let listed = client.call("resources/list", None, DEADLINE).await;
        listed.contains("right").then_some(listed)
    })
    .await;
    stage.struck(format!("{} URIs that are refused", NO_URIS.len()));
    stage.holds("what is right passes byte for byte", listed.contains(right));
    let passed = listed.matches(r#""wrong""#).count();
    stage.at_most("resources listed that clients refuse", &passed, &0);
    let counted = r#"mcproxy_entries_left_out_total{server="bad",reason="wrong"}"#;
    let counted = stage.metric(counted).await;
    stage.holds("they are counted", counted >= 8);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f261_numbers_too_long_to_read() {
    let mut stage = Stage::open(261, &[fixture("bad", &[])]).await;
    let client = stage.client::<Streamable>().await;
    let long = "9".repeat(5_000);
    for number in [&long, &format!("-{long}")] {
        let said = format!(r#""result":{{"content":[],"structuredContent":{{"x":{number}}}}}"#);
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,{said}}}\n");
        let arguments = json!({ "stdout": line, "silent": true }).to_string();
        let answer = client.call_tool("bad__raw", &arguments).await;
        let text = text_of(&answer);
        assert!(
            text.contains("'bad'") && text.contains("more than 4300 digits"),
            "{number}: {answer}"
        );
    }
    stage.struck("two answers with such a number");
    let right = r#"{"content":[],"structuredContent":{"x":[1e999, 1.10, 1e-999]}}"#;
    let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{right}}}\n");
    let arguments = json!({ "stdout": line, "silent": true }).to_string();
    let answer = client.call_tool("bad__raw", &arguments).await;
    stage.holds("others pass byte for byte", answer.contains(right));
    client.close().await;
    stage.close().await;
}
