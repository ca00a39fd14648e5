//! What can go wrong with a remote server: what its calls are answered, what the status says, and what is tried again.

use serde_json::json;

use super::*;
use crate::support::gateway::GatewayOptions;
use crate::support::remote::Manner;
use crate::support::servers::{failed_text, text_of};

fn refuse(status: &str, headers: &str) -> Manner {
    Manner::Status(
        status.to_owned(),
        headers.to_owned(),
        "says hush-hush-hush".to_owned(),
    )
}

#[tokio::test]
async fn who_does_not_let_in_is_said_once_and_is_no_crash_and_is_tried_when_asked() {
    let server = RemoteServer::start().await;
    let login = "www-authenticate: Bearer resource_metadata=\"https://as/x\"\r\n";
    server.behave(refuse("401 Unauthorized", login));
    let (gateway, client) = gateway(server.entry("far")).await;
    let status = is(&gateway, "far", "unauthorized").await;
    assert_eq!(status["failures"], 0, "{status}");
    assert!(
        status["next_try_seconds"].as_f64().unwrap() > 40.0,
        "{status}"
    );
    let why = status["why"].as_str().unwrap();
    assert!(why.starts_with("wants a login (status 401)"), "{status}");
    let line = gateway.wait_for_log("wants a login", SOON).await;
    assert!(line.contains("mcp-remote"), "{line}");

    // It is tried when the operator asks for it, and said no second time.
    for tries in 2..4 {
        gateway.sighup();
        wait::until("another try", SOON, async || {
            (server.asked("initialize").len() >= tries).then_some(())
        })
        .await;
        is(&gateway, "far", "unauthorized").await;
    }
    server.behave(Manner::Well);
    gateway.sighup();
    is(&gateway, "far", "ready").await;
    assert_eq!(text_of(&call(&client, "in").await), "in");
    assert!(
        !gateway
            .logs()
            .iter()
            .any(|line| line.contains("hush-hush-hush"))
    );

    // A key that has become too old: the call is told so, and the state.
    server.behave(refuse("401 Unauthorized", ""));
    let text = failed_text(&call(&client, "out").await);
    assert!(text.contains("does not let in (status 401)"), "{text}");
    is(&gateway, "far", "unauthorized").await;
}

#[tokio::test]
async fn a_session_that_is_gone_is_begun_anew_and_its_call_is_not_sent_again() {
    let (server, gateway, client) = far().await;
    server.forget();
    let text = failed_text(&call(&client, "one").await);
    assert!(text.contains("has forgotten the session"), "{text}");
    wait::until("another life", SOON, async || {
        (server.asked("initialize").len() == 2).then_some(())
    })
    .await;
    is(&gateway, "far", "ready").await;
    assert_eq!(text_of(&call(&client, "two").await), "two");
    assert_eq!(server.asked("tools/call").len(), 2, "none was sent twice");
}

#[tokio::test]
async fn a_call_that_is_refused_says_why_and_the_server_goes_on() {
    let (server, gateway, client) = far().await;
    for (status, headers, words) in [
        (
            "429 Too Many Requests",
            "retry-after: 7\r\n",
            "status 429 (asks to wait 7 s)",
        ),
        ("503 Service Unavailable", "", "status 503: says …"),
        (
            "302 Found",
            "location: http://elsewhere.test/a/b?c\r\n",
            "at http://elsewhere.test;",
        ),
        ("418 No", "", "status 418: says …"),
    ] {
        server.behave_at_calls(refuse(status, headers));
        let text = failed_text(&call(&client, "x").await);
        assert!(text.contains(words), "{status}: {text}");
    }
    server.behave_at_calls(Manner::Well);
    assert_eq!(text_of(&call(&client, "on").await), "on");
    assert_eq!(status(&gateway, "far").await["restarts"], 0);
}

/// A server needs only say back what it was sent.
#[tokio::test]
async fn what_is_said_of_a_server_has_none_of_its_keys() {
    const KEY: &str = "hush-hush-hush";
    let said = |body: &str| {
        let json = "content-type: application/json\r\n".to_owned();
        Manner::Status("200 OK".to_owned(), json, body.replace("KEY", KEY))
    };
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"no KEY"}}"#;
    let server = RemoteServer::start().await;
    server.behave(said(error));
    let (gateway, client) = gateway(server.entry("far")).await;
    let line = gateway.wait_for_log("failed the handshake", SOON).await;
    assert!(line.contains("no …"), "{line}");
    let status = is(&gateway, "far", "backoff").await;
    assert!(!status.to_string().contains(KEY), "{status}");
    server.behave(Manner::Well);
    is(&gateway, "far", "ready").await;

    server.behave_at_calls(said(r#"{"detail":"no KEY"}"#));
    let text = failed_text(&call(&client, "x").await);
    assert!(
        text.contains(r#"before the answer: {"detail":"no …"}"#),
        "{text}"
    );
    gateway.wait_for_log("can't be used", SOON).await;
    let path = "/status/servers/far";
    let detail = http::get(gateway.addr(), path).await;
    let detail = String::from_utf8_lossy(&detail.body).into_owned();
    assert!(!detail.contains(KEY), "{detail}");
    let logs = gateway.logs();
    assert!(!logs.iter().any(|line| line.contains(KEY)), "{logs:?}");
}

#[tokio::test]
async fn who_asks_to_wait_before_it_is_ready_is_left_alone_for_so_long() {
    let server = RemoteServer::start().await;
    server.behave(refuse("503 Service Unavailable", "retry-after: 100\r\n"));
    let (gateway, _client) = gateway(server.entry("far")).await;
    let status = is(&gateway, "far", "backoff").await;
    assert!(
        status["next_try_seconds"].as_f64().unwrap() > 80.0,
        "{status}"
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_is_a_call_whose_end_nobody_knows() {
    let (server, _gateway, client) = far().await;
    server.behave_at_calls(Manner::Cuts);
    let text = failed_text(&call(&client, "x").await);
    assert!(text.contains("may or may not have taken effect"), "{text}");
    server.behave_at_calls(Manner::Streams);
    assert_eq!(text_of(&call(&client, "y").await), "y");
    server.behave_at_calls(Manner::Buffers);
    assert_eq!(text_of(&call(&client, "z").await), "z");
    assert_eq!(server.asked("tools/call").len(), 3);
}

#[tokio::test]
async fn an_answer_without_an_end_costs_its_own_call_only() {
    let server = RemoteServer::start().await;
    let config = json!({
        "gateway": { "max_line_bytes": 1_000_000 },
        "servers": [server.entry("far")],
    });
    let gateway = Gateway::start(GatewayOptions::new(config.to_string())).await;
    ready(&gateway).await;
    let client = both::join::<Streamable>(&gateway).await;
    server.behave_at_calls(Manner::Endless);
    let text = failed_text(&call(&client, "x").await);
    assert!(text.contains("1000000 bytes (max_line_bytes)"), "{text}");
    server.behave_at_calls(Manner::Well);
    assert_eq!(text_of(&call(&client, "y").await), "y");
}

#[tokio::test]
async fn who_says_nothing_has_its_call_time_and_is_given_up_after_three() {
    let server = RemoteServer::start().await;
    let mut entry = server.entry("far");
    entry["call_timeout"] = json!(1);
    let (gateway, client) = gateway(entry).await;
    server.behave_at_calls(Manner::Silent);
    for _ in 0..3 {
        let text = failed_text(&call(&client, "x").await);
        assert!(text.contains("call_timeout"), "{text}");
    }
    gateway.wait_for_log("is hung", SOON).await;
    server.behave_at_calls(Manner::Well);
    is(&gateway, "far", "ready").await;
    assert_eq!(text_of(&call(&client, "y").await), "y");
}

#[tokio::test]
async fn who_cannot_be_reached_is_named_and_tried_again() {
    let mut server = RemoteServer::start().await;
    server.close().await;
    let (gateway, _client) = gateway(server.entry("far")).await;
    let line = gateway
        .wait_for_log("cannot be reached: Connection refused", SOON)
        .await;
    assert!(line.contains("are host and port right?"), "{line}");
    server.open().await;
    is(&gateway, "far", "ready").await;
    let entry = json!({ "name": "far", "url": "http://no-such-host.invalid/mcp" });
    let (gateway, _client) = self::gateway(entry).await;
    gateway.wait_for_log("cannot be reached", SOON).await;
}
