//! Streamable HTTP as it should be: messages, streams, what is said in headers, and what is cut.

use serde_json::json;

use super::*;
use crate::remote::Unanswered;

#[tokio::test]
async fn what_is_written_is_posted_and_what_is_answered_is_a_line() {
    let mut stage = Stage::new(usual).await;
    stage.begin().await;
    stage.ask(1, "tools/list", None);
    let answer = stage.line().await;
    assert_eq!(
        answer,
        json!({"jsonrpc": "2.0", "id": 1, "result": {"ok": true}})
    );
    let asked = stage.asked(4, |_| true).await;
    let first = &asked[0];
    assert_eq!(
        first.header("accept"),
        Some("application/json, text/event-stream")
    );
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(
        first.header("authorization"),
        Some("bearer k3y-of-all-doors")
    );
    assert_eq!(first.header("mcp-protocol-version"), None);
    assert_eq!(first.header("mcp-session-id"), None);
    for later in &asked[1..] {
        assert_eq!(later.header("mcp-session-id"), Some("s1"), "{later:?}");
        assert_eq!(later.header("mcp-protocol-version"), Some("2025-06-18"));
    }
    assert_eq!(asked[1].method(), "notifications/initialized");
    let remote = stage.remote.take().unwrap();
    remote.stop(SOON).await;
    let goodbye = stage
        .asked(1, |asked| asked.head.starts_with("delete "))
        .await;
    assert_eq!(goodbye[0].header("mcp-session-id"), Some("s1"));
}

#[tokio::test]
async fn a_stream_of_an_answer_is_delivered_as_it_comes() {
    let mut stage = Stage::new(|asked| match asked.method() {
        "tools/call" => {
            let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#;
            let answer = asked.result(&json!(7));
            events(
                "",
                &[": hello\n\n", &event(progress), &event(&answer)].concat(),
                true,
            )
        }
        _ => usual(asked),
    })
    .await;
    stage.begin().await;
    stage.ask(3, "tools/call", None);
    assert_eq!(stage.line().await["method"], "notifications/progress");
    assert_eq!(stage.line().await["result"], 7);
    // It is not kept for ever.
    assert_eq!(
        timeout(SOON, stage.gone.recv())
            .await
            .unwrap()
            .unwrap()
            .message["id"],
        3
    );
}

#[tokio::test]
async fn what_the_server_says_by_itself_is_heard_and_gone_on_with_after_a_cut() {
    let mut stage = Stage::new(|asked| match asked.header("last-event-id") {
        None if asked.is_get() => events(
            "",
            "retry: 1\nid: e1\ndata: {\"n\":1}\n\nid: e2\ndata: {\"n\":2",
            false,
        ),
        Some("e1") => events("", &event(r#"{"n":2}"#), true),
        _ => usual(asked),
    })
    .await;
    stage.begin().await;
    assert_eq!(stage.line().await, json!({"n": 1}));
    assert_eq!(stage.line().await, json!({"n": 2}));
}

#[tokio::test]
async fn the_stream_of_an_answer_is_resumed_if_its_events_have_ids_and_is_lost_if_not() {
    let mut stage = Stage::new(
        |asked| match (asked.method(), asked.header("last-event-id")) {
            ("tools/call", _) if asked.message["id"] == 1 => {
                events("", "retry: 1\nid: a\ndata:\n\n", false)
            }
            ("tools/call", _) => events("", ": nothing\n\n", false),
            (_, Some("a")) => events(
                "",
                &event(r#"{"jsonrpc":"2.0","id":1,"result":"late"}"#),
                false,
            ),
            _ => usual(asked),
        },
    )
    .await;
    stage.begin().await;
    stage.ask(1, "tools/call", None);
    assert_eq!(stage.line().await["result"], "late");
    stage.ask(2, "tools/call", None);
    let Output::Unanswered { id: 2, why } = stage.next().await else {
        panic!("an end")
    };
    assert_eq!(
        why,
        Unanswered::Lost("ended its answer before the answer".to_owned())
    );
    let posts = stage.asked(2, |asked| asked.method() == "tools/call").await;
    assert_eq!(posts.len(), 2, "none is sent again");
}

#[tokio::test]
async fn a_request_without_a_handshake_says_in_headers_what_it_asks() {
    let schema =
        json!({"type": "object", "properties": {"at": {"type": "string", "x-mcp-header": "At"}}});
    let tools = json!({"tools": [{"name": "é", "inputSchema": schema}]});
    let mut stage = Stage::new(move |asked| match asked.method() {
        "tools/call" => events("", ": soon\n\n", true),
        _ => whole("200 OK", JSON, &asked.result(&tools)),
    })
    .await;
    stage.ask(0, "server/discover", None);
    stage.line().await;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    stage.ask(
        1,
        "tools/call",
        Some(format!("{{\"name\":\"é\",\"arguments\":{{\"at\":\"x y\"}},{meta}}}").as_bytes()),
    );
    let asked = stage.asked(2, |_| true).await;
    assert_eq!(asked[0].header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(asked[0].header("mcp-method"), Some("server/discover"));
    assert_eq!(asked[1].header("mcp-method"), Some("tools/call"));
    assert_eq!(asked[1].header("mcp-name"), Some("=?base64?w6k=?="));
    assert_eq!(asked[1].header("mcp-param-at"), Some("x y"));
    // The end of its connection withdraws it.
    let params = br#"{"requestId":1,"reason":"x"}"#;
    stage.write(jsonrpc::notification(
        "notifications/cancelled",
        Some(params),
    ));
    let gone = timeout(SOON, stage.gone.recv()).await.unwrap().unwrap();
    assert_eq!(gone.message["id"], 1);
    assert_eq!(stage.asked(2, |_| true).await.len(), 2);
}

#[tokio::test]
async fn a_redirect_within_the_server_is_followed_and_remembered() {
    let mut stage = Stage::new(|asked| {
        if asked.head.contains("/secret-path/") {
            return whole("307 Temporary Redirect", "location: /new\r\n", "");
        }
        usual(asked)
    })
    .await;
    stage.begin().await;
    stage.ask(1, "ping", None);
    stage.line().await;
    let old = stage
        .asked(1, |asked| asked.head.contains("/secret-path/"))
        .await;
    assert_eq!(old.len(), 1);
}

#[tokio::test]
async fn an_answer_of_the_servers_own_is_passed_on_whatever_its_status() {
    let mut stage = Stage::new(|asked| match asked.method() {
        "tools/call" => {
            let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"no"}}"#;
            whole("400 Bad Request", JSON, error)
        }
        _ => usual(asked),
    })
    .await;
    stage.begin().await;
    stage.ask(5, "tools/call", None);
    let answer = stage.line().await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(5), &json!(-32602))
    );
}
