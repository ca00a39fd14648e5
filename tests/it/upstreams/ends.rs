//! Every way to end: what is in flight is answered at once, with the name and the reason; the server comes
//! back; nothing is left behind, and no other server notices.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{SOON, echo, logged};
use crate::support::client::SseClient;
use crate::support::gateway::Gateway;
use crate::support::proc::{self, Process};
use crate::support::servers::{failed_text, fixture, serve_ready, text_of};
use crate::support::wait;

/// What the tool `pid` says of its server.
async fn identity(client: &SseClient, server: &str) -> Value {
    let answer = client.call_tool(&format!("{server}__pid"), "{}").await;
    serde_json::from_str(&text_of(&answer)).expect("JSON")
}

async fn server_process(client: &SseClient, server: &str) -> Process {
    let pid = identity(client, server).await["pid"].as_u64();
    let pid = u32::try_from(pid.expect("a pid")).expect("a pid");
    proc::process(pid).expect("it runs")
}

/// Calls `tool`, which ends its server; the text of the failure.
async fn last_call(client: &SseClient, tool: &str, arguments: &str) -> String {
    failed_text(&client.call_tool(tool, arguments).await)
}

async fn wait_gone(process: &Process) {
    let what = format!("the end of {process:?}");
    wait::until(&what, SOON, async || (!process.is_alive()).then_some(())).await;
}

fn started_again(gateway: &Gateway) -> Vec<String> {
    logged(gateway, &["is started again"])
}

#[tokio::test]
async fn calls_in_flight_learn_who_ended_how_and_when_it_is_back() {
    let (gateway, client) = serve_ready(&[fixture("a", &[]), fixture("b", &[])]).await;
    let cases = [
        (r#"{"code":0}"#, "a__exit", "exited with code 0"),
        (r#"{"code":7}"#, "a__exit", "exited with code 7"),
        ("{}", "a__abort", "killed by signal 6 (SIGABRT"),
    ];
    for (arguments, tool, how) in cases {
        let before = server_process(&client, "a").await;
        let sleep = r#"{"name":"a__sleep","arguments":{"ms":60000}}"#;
        let mut others = Vec::new();
        for _ in 0..10 {
            others.push(client.request("tools/call", Some(sleep)).await);
        }
        let text = last_call(&client, tool, arguments).await;
        for expected in ["'a'", how, "started again"] {
            assert!(text.contains(expected), "{text}");
        }
        for id in others {
            let text = failed_text(&client.wait_response(id, SOON).await);
            assert!(text.contains(how), "{text}");
        }
        wait_gone(&before).await;
        // Waits for its successor.
        let after = wait::until("its successor", SOON, async || {
            let answer = client.call_tool("a__pid", "{}").await;
            (!answer.contains("isError")).then_some(())
        });
        after.await;
        assert_ne!(server_process(&client, "a").await.pid, before.pid);
        echo(&client, "b", "by").await;
    }
    assert!(
        !started_again(&gateway)
            .iter()
            .any(|line| line.contains("'b'"))
    );
}

#[tokio::test]
async fn an_answer_written_just_before_the_end_is_delivered() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    for size in [0, 1_000, 300_000] {
        let last = format!("last words {}", "x".repeat(size));
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{{\"content\":[],\"said\":\"{last}\"}}}}\n"
        );
        let arguments = json!({ "stdout": line, "code": 3 }).to_string();
        let answer = client.call_tool("a__exit", &arguments).await;
        let wanted = format!(r#""result":{{"content":[],"said":"{last}"}}}}"#);
        assert!(answer.ends_with(&wanted), "{size}: {answer:.300}");
        wait::until("its successor", SOON, async || {
            let answer = client.call_tool("a__echo", r#"{"text":"x"}"#).await;
            (!answer.contains("isError")).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn half_a_line_before_the_end_is_an_error() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    let half = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"half\":";
    let arguments = json!({ "stdout": half, "code": 3 }).to_string();
    let text = last_call(&client, "a__exit", &arguments).await;
    assert!(text.contains("'a'"), "{text}");
    // Whole but for its newline: as likely a piece of something longer.
    wait::until("its successor", SOON, async || {
        let answer = client.call_tool("a__echo", r#"{"text":"x"}"#).await;
        (!answer.contains("isError")).then_some(())
    })
    .await;
    let cut = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{}}";
    let arguments = json!({ "stdout": cut, "code": 3 }).to_string();
    last_call(&client, "a__exit", &arguments).await;
}

#[tokio::test]
async fn a_server_that_closes_its_stdin_is_replaced() {
    // A shell's `exec` closes the pipe; the server behind it never reads again.
    let script = r#"while read -r line; do case $line in
        *'"initialize"'*) echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"e","version":"1"}}}';;
        *tools/list*) echo '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"go","inputSchema":{"type":"object"}}]}}';;
        *tools/call*) exec sleep 1000 0<&-;;
    esac; done"#;
    let entry = json!({ "name": "s", "command": "/bin/sh", "args": ["-c", script] });
    let (gateway, client) = serve_ready(&[entry]).await;
    let first = client
        .request("tools/call", Some(r#"{"name":"s__go"}"#))
        .await;
    // Nobody can see that stdin is closed before something is written to it.
    let calls = async {
        loop {
            client
                .request("tools/call", Some(r#"{"name":"s__go"}"#))
                .await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let answer = tokio::select! {
        () = calls => unreachable!("it goes on for ever"),
        answer = client.wait_response(first, SOON) => answer,
    };
    let text = failed_text(&answer);
    assert!(text.contains("closed its stdin"), "{text}");
    gateway.wait_for_log("is started again", SOON).await;
}

#[tokio::test]
async fn a_server_that_does_not_read_is_hung_after_ten_seconds() {
    let (gateway, client) =
        serve_ready(&[fixture("a", &["--stop-reading"]), fixture("b", &[])]).await;
    let before = gateway.child("--stop-reading").expect("it runs");
    // More than a pipe holds, so that the writer waits.
    let params = format!(
        r#"{{"name":"a__echo","arguments":{{"text":"{}"}}}}"#,
        "x".repeat(1 << 20)
    );
    let first = client.request("tools/call", Some(&params)).await;
    let asked = Instant::now();
    let second = client.request("tools/call", Some(&params)).await;
    echo(&client, "b", "by").await;
    for id in [first, second] {
        let text = failed_text(&client.wait_response(id, Duration::from_secs(40)).await);
        assert!(text.contains("'a' did not read its stdin"), "{text}");
    }
    let took = asked.elapsed();
    assert!(took > Duration::from_secs(8), "{took:?}");
    wait_gone(&before).await;
    gateway.wait_for_log("is started again", SOON).await;
    echo(&client, "b", "by").await;
}

/// Nothing to assert but the end: the gateway must not hang, and leaves nobody behind, or its `Drop` fails.
#[tokio::test]
async fn a_server_that_ignores_everything_is_killed_at_the_stop() {
    let flags = ["--ignore-term", "--ignore-eof", "--grandchild"];
    let (mut gateway, client) = serve_ready(&[fixture("a", &flags), fixture("b", &flags)]).await;
    echo(&client, "a", "x").await;
    assert_eq!(gateway.children().len(), 4, "{:?}", gateway.children());
    let start = Instant::now();
    let status = gateway.terminate().await;
    let took = start.elapsed();
    assert_eq!(status.code(), Some(0));
    // Both at once: 1.5 s after stdin's end SIGTERM, 1.5 s after that SIGKILL.
    assert!(took > Duration::from_millis(2900), "{took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
