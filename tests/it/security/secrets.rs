//! Secrets are seen nowhere: those of `env` and of arguments, the token, the ids of sessions. A canary each,
//! and all that the gateway says of whatever kind, at trace, through crashes, mistakes and reloads.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{SOON, TOKEN, bearer};
use crate::support::client::{DEADLINE, SseClient, SseOptions};
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server, mcproxy};
use crate::support::http;
use crate::support::servers::configuration;
use crate::support::streamable::{Endpoint, call_tool, initialize};

const IN_ENV: &str = "c4n4ry-1n-env";
const IN_ARGS: &str = "c4n4ry-1n-args";

const ROUTES: [&str; 10] = [
    "/",
    "/healthz",
    "/readyz",
    "/status",
    "/metrics",
    "/sse/x",
    "/mcp",
    "/messages",
    "/.well-known/oauth-protected-resource",
    "/nothing",
];

fn entry(name: &str, command: &str, value: &str) -> Value {
    let args = ["--marker", IN_ARGS];
    json!({ "name": name, "command": command, "args": args, "env": { "API_KEY": value } })
}

/// Two servers that run, and ones that cannot.
fn config(value: &str) -> String {
    let fixture = fixture_server().display().to_string();
    let mut mute = entry("mute", &fixture, value);
    mute["args"] = json!(["--mute", "--marker", IN_ARGS]);
    mute["timeout"] = json!(1);
    configuration(&[
        entry("fx", &fixture, value),
        entry("other", &fixture, value),
        entry("missing", "/no/such/program", value),
        entry("directory", "/tmp", value),
        entry("dies", "/bin/false", value),
        entry("chatty", "/bin/echo", value),
        mute,
    ])
}

/// Everything that is wrong with `text` holding a secret.
fn assert_clean(what: &str, text: &str, secrets: &[&str]) {
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{what}");
    }
}

/// Uses both transports, rightly and wrongly; all bodies that came back, and the ids of the sessions.
async fn converse(gateway: &Gateway) -> (String, Vec<String>) {
    let headers = [("authorization", &*bearer(TOKEN))];
    let mut said = String::new();
    let options = SseOptions {
        headers: &headers,
        ..SseOptions::default()
    };
    let sse = SseClient::connect_with(gateway.addr(), &options).await;
    sse.initialize().await;
    let (_, id) = sse.endpoint().split_once("session_id=").expect("an id");
    let mut ids = vec![id.to_owned()];
    for (name, arguments) in [
        ("fx__echo", r#"{"text":"x"}"#),
        ("fx__fail", r#"{"error":{"code":1,"message":"no"}}"#),
        ("missing__echo", "{}"),
        ("dies__echo", "{}"),
        ("nothing", "{}"),
        ("fx__exit", r#"{"code":3}"#),
        ("other__abort", "{}"),
    ] {
        said += &sse.call_tool(name, arguments).await;
    }
    for method in ["tools/list", "resources/list", "no/such/method", "ping"] {
        said += &sse.call(method, None, DEADLINE).await;
    }
    said += &sse.post("{").await.text();

    let mut mcp = Endpoint::new(gateway.addr());
    let hello = initialize(1, "2025-11-25", "{}");
    let reply = mcp.post_with(&headers, &hello).await;
    mcp.session = reply.head().header("mcp-session-id").map(str::to_owned);
    said += &reply.json();
    ids.extend(mcp.session.clone());
    let call = call_tool(2, "fx__echo", r#"{"text":"x"}"#);
    said += &mcp.post_with(&headers, &call).await.message().await;
    for bad in ["[]", "{", r#"{"jsonrpc":"2.0","id":1}"#] {
        said += &mcp.post_with(&headers, bad).await.whole().text();
    }
    let foreign = [("authorization", "Bearer not-a-token-of-ours")];
    said += &mcp.post_with(&foreign, &call).await.whole().text();
    said += &mcp.request("DELETE", &headers).await.whole().text();
    said += &mcp.post_with(&headers, &call).await.whole().text();
    for path in ROUTES {
        let answer = http::request(gateway.addr(), "GET", path, &headers, b"").await;
        said += &answer.text();
        said += &http::get(gateway.addr(), path).await.text();
    }
    (said, ids)
}

#[tokio::test]
async fn no_secret_is_ever_shown() {
    let options = GatewayOptions::new(config(IN_ENV))
        .arg("--log-level=trace")
        .env("MCPROXY_TOKEN", TOKEN);
    let gateway = Gateway::start(options).await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    let (mut said, mut ids) = converse(&gateway).await;
    let process = gateway.child(IN_ARGS).expect("a server");
    process.signal(Signal::SIGKILL);
    gateway.wait_for_log("SIGKILL", SOON).await;
    gateway.wait_for_log("was not ready within", SOON).await;
    for text in [
        config(&format!("{IN_ENV}-2")),
        config(IN_ENV).replace(r#""API_KEY":"#, r#""API_KEY" "#),
        config(IN_ENV).replace(r#""args":"#, r#""arg":"#),
    ] {
        let mark = gateway.log_mark();
        gateway.write_config(&text);
        gateway.sighup();
        gateway.wait_for_log_after(mark, "reload: ", SOON).await;
        let check = Command::new(mcproxy())
            .args(["check", "--config"])
            .arg(gateway.config_path())
            .output()
            .expect("it runs");
        said += &String::from_utf8_lossy(&check.stdout);
        said += &String::from_utf8_lossy(&check.stderr);
    }
    gateway.write_config(&config(IN_ENV));
    gateway.sighup();
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    let (more, more_ids) = converse(&gateway).await;
    said += &more;
    ids.extend(more_ids);

    let log = gateway.logs().join("\n") + &gateway.stderr().join("\n");
    assert!(
        log.contains("[TRACE]") || log.contains("[DEBUG]"),
        "nothing was looked at"
    );
    // A server may say what it likes of itself; these here do not. `echo` does, on stdout.
    let mut secrets = vec![IN_ENV, TOKEN];
    secrets.extend(ids.iter().map(String::as_str));
    assert_clean("the log", &log, &secrets);
    assert_clean("the replies", &said, &secrets);
    assert_clean("the replies", &said, &[IN_ARGS]);
    let quoted = |line: &&str| !line.contains("Server 'chatty'");
    let log: Vec<&str> = log.lines().filter(quoted).collect();
    assert_clean("the log", &log.join("\n"), &[IN_ARGS]);
}
