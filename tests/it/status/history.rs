//! What is remembered of servers: what they say, how they end and why, through their restarts; who is shown
//! it, and what nobody is.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{SOON, server, server_in, status};
use crate::support::client::{SseClient, SseOptions};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{fixture, gateway, serve_ready};
use crate::support::sse::Item;
use crate::support::streamable::{Endpoint, EventStream};
use crate::support::{proc, wait};

const FREE: &str = "t0k3n-free-0123456789";
const PINNED: &str = "t0k3n-pinned-0123456789";

/// A gateway that asks for tokens: one that is pinned to profile `p`, and one that is not.
async fn guarded(home: &Path, entries: &[Value]) -> Gateway {
    let file = home.join("tokens");
    fs::write(&file, format!("{FREE}\n{PINNED} profile=p\n")).expect("it is ours");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("it is ours");
    let config = json!({ "servers": entries, "profiles": { "p": { "servers": ["*"] } } });
    let options = GatewayOptions::new(config.to_string()).home(home);
    Gateway::start(options.arg(format!("--token-file={}", file.display()))).await
}

async fn ask(gateway: &Gateway, token: &str, path: &str) -> (u16, Value) {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", &*authorization)];
    let response = http::request(gateway.addr(), "GET", path, &headers, b"").await;
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    (response.status, body)
}

async fn client(gateway: &Gateway) -> SseClient {
    let authorization = format!("Bearer {FREE}");
    let headers = [("authorization", &*authorization)];
    let options = SseOptions {
        headers: &headers,
        ..SseOptions::default()
    };
    let client = SseClient::connect_with(gateway.addr(), &options).await;
    client.initialize().await;
    client
}

fn texts(lines: &Value, member: &str) -> Vec<String> {
    let lines = lines.as_array().expect("a list").iter();
    let text = |line: &Value| line[member].as_str().expect("a text").to_owned();
    lines.map(text).collect()
}

#[tokio::test]
async fn what_a_server_says_is_for_who_shows_a_free_token() {
    let home = tempfile::tempdir().expect("a directory");
    let mut own = fixture("own", &[]);
    own["isolation"] = json!("session");
    let gateway = guarded(home.path(), &[fixture("a", &[]), own]).await;
    let client = client(&gateway).await;
    let said = r#"{"text":"x","stderr":"a \u001b[31mred\u0007 hush\n"}"#;
    client.call_tool("a__echo", said).await;
    let said = r#"{"text":"x","stderr":"of an instance\n"}"#;
    client.call_tool("own__echo", said).await;

    let stderr = async |name: &str, text: &str| {
        wait::until(text, SOON, async || {
            let (_, found) = ask(&gateway, FREE, &format!("/status/servers/{name}")).await;
            let lines = texts(&found["log"]["stderr"], "text");
            lines.iter().any(|line| line == text).then_some(())
        })
        .await;
    };
    stderr("a", r"a red\u{7} hush").await;
    stderr("own", "of an instance").await;

    // Live, after what is kept.
    let log = Endpoint::at(gateway.addr(), "/status/servers/a/log");
    let authorization = format!("Bearer {FREE}");
    let reply = log
        .request("GET", &[("authorization", &authorization)])
        .await;
    let mut stream = reply.stream();
    assert_eq!(stream.next().await, Some(Item::Comment("connected".into())));
    let mut line = async || match stream.next().await {
        Some(Item::Event { name, data, .. }) => {
            assert_eq!(name, "line");
            let line: Value = serde_json::from_slice(&data).expect("JSON");
            assert!(
                line["at"].as_str().is_some_and(|at| at.ends_with('Z')),
                "{line}"
            );
            line["text"].as_str().expect("a text").to_owned()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(line().await, r"a red\u{7} hush");
    client
        .call_tool("a__echo", r#"{"text":"x","stderr":"live\n"}"#)
        .await;
    assert_eq!(line().await, "live");

    nobody_else_is_shown_it(&gateway).await;

    // It ends with its server.
    gateway.rename_config("[]");
    wait::until("the end of the log", SOON, async || {
        stream.next().await.is_none().then_some(())
    })
    .await;
}

async fn nobody_else_is_shown_it(gateway: &Gateway) {
    for path in [
        "/status/servers/a",
        "/status/servers/a/log",
        "/status/tools",
    ] {
        assert_eq!(http::get(gateway.addr(), path).await.status, 401, "{path}");
        assert_eq!(ask(gateway, PINNED, path).await.0, 404, "{path}");
    }
    assert_eq!(ask(gateway, FREE, "/status/servers/b").await.0, 404);
    assert_eq!(ask(gateway, FREE, "/status/servers/b/log").await.0, 404);
    let (_, whole) = ask(gateway, FREE, "/status").await;
    assert!(!whole.to_string().contains("hush"), "{whole}");
    assert_eq!(whole["sessions"]["clients"][0]["client"], "test");
}

#[tokio::test]
async fn without_tokens_nobody_is_shown_what_servers_say() {
    let (gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    client
        .call_tool(
            "a__echo",
            r#"{"text":"x","stderr":"hush\n","stdout":"hush\n"}"#,
        )
        .await;
    wait::until("the junk to be counted", SOON, async || {
        (server(&gateway, "a").await["junk_lines"] == 1).then_some(())
    })
    .await;
    let detail = http::get(gateway.addr(), "/status/servers/a").await;
    assert_eq!(detail.status, 200);
    let found: Value = serde_json::from_slice(&detail.body).expect("JSON");
    assert_eq!(
        (found.get("log"), &found["server"]["name"]),
        (None, &json!("a"))
    );
    let tool = &found["tools"][0];
    assert_eq!(tool["name"], "a__echo");
    assert_eq!(tool["input_schema"]["type"], "object");
    assert!(tool["bytes"].as_u64() > tool["tokens"].as_u64());
    let log = http::get(gateway.addr(), "/status/servers/a/log").await;
    assert_eq!(log.status, 403);
    assert!(log.text().contains("a token"), "{}", log.text());
    let tools = http::get(gateway.addr(), "/status/tools").await;
    let all: Value = serde_json::from_slice(&tools.body).expect("JSON");
    let first = &all[0];
    assert_eq!(
        (&first["server"], &first["name"]),
        (&json!("a"), &json!("a__echo"))
    );
    assert_eq!(
        (first.get("input_schema"), &first["title"]),
        (None, &Value::Null)
    );
    for body in [
        detail.text(),
        tools.text(),
        status(&gateway).await.to_string(),
    ] {
        assert!(!body.contains("hush"), "{body}");
    }
    for path in ["/status/servers/a", "/status/tools"] {
        let response = http::request(gateway.addr(), "POST", path, &[], b"").await;
        assert_eq!(
            (response.status, response.header("allow")),
            (405, Some("GET, HEAD"))
        );
    }
}

/// What happened to a server, newest first.
async fn kinds_of_events(gateway: &Gateway, name: &str) -> Vec<String> {
    let events = ask(gateway, FREE, "/status").await.1["events"].take();
    let mut events = events.as_array().expect("a list").clone();
    events.retain(|event| event["server"] == name);
    texts(&json!(events), "kind")
}

#[tokio::test]
async fn what_was_said_and_how_it_ended_outlives_the_process_and_goes_with_the_entry() {
    let home = tempfile::tempdir().expect("a directory");
    let gateway = guarded(home.path(), &[fixture("a", &[])]).await;
    let detail = async || ask(&gateway, FREE, "/status/servers/a").await.1;
    let ready = async |restarts: u64| {
        wait::until("the server to be ready", SOON, async || {
            let found = detail().await["server"].take();
            (found["state"] == "ready" && found["restarts"] == restarts).then_some(found)
        })
        .await
    };
    let client = client(&gateway).await;
    let said = r#"{"text":"x","stderr":"before\n","stdout":"no JSON\n{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{}}\n"}"#;
    client.call_tool("a__echo", said).await;
    let first = ready(0).await;
    assert_eq!((&first["exits"], first.get("likely")), (&json!([]), None));
    let pid = u32::try_from(first["pid"].as_u64().expect("a pid")).expect("it fits");
    assert!(proc::send(pid, Signal::SIGKILL));
    let second = ready(1).await;
    let exit = &second["exits"][0];
    assert_eq!((&exit["code"], &exit["signal"]), (&Value::Null, &json!(9)));
    assert_eq!(exit["why"], "was killed by signal 9 (SIGKILL)");
    assert!(
        exit["lived_seconds"]
            .as_f64()
            .is_some_and(|lived| lived < 60.0)
    );
    let cause = second["likely"]["cause"].as_str().expect("a cause");
    assert!(cause.contains("memory"), "{cause}");
    assert!(second["uptime_seconds"].as_u64().is_some_and(|up| up < 60));
    assert_eq!(
        (&second["junk_lines"], &second["dropped_answers"]),
        (&json!(1), &json!(1))
    );
    let log = detail().await["log"].take();
    assert!(texts(&log["stderr"], "text").contains(&"before".to_owned()));
    assert_eq!(texts(&log["junk"], "text"), ["no JSON"]);
    let dropped = texts(&log["dropped"], "reason");
    assert!(
        dropped[0].contains("4711") && dropped[0].contains("never"),
        "{dropped:?}"
    );
    assert_eq!(
        kinds_of_events(&gateway, "a").await,
        ["ready", "start", "exit", "ready", "start"]
    );

    let config = fs::read_to_string(gateway.config_path()).expect("it is there");
    gateway.rename_config(r#"{"servers": [], "profiles": {"p": {"servers": ["*"]}}}"#);
    wait::until("it to be forgotten", SOON, async || {
        (ask(&gateway, FREE, "/status/servers/a").await.0 == 404).then_some(())
    })
    .await;
    gateway.rename_config(&config);
    let anew = ready(0).await;
    assert_eq!(
        (&anew["exits"], &anew["junk_lines"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(detail().await["log"]["junk"], json!([]));
}

#[tokio::test]
async fn the_cause_of_a_failure_is_said_in_our_own_words() {
    let script = "echo \"ModuleNotFoundError: No module named 'hush'\" >&2; exit 1";
    let python = json!({ "name": "python", "command": "sh", "args": ["-c", script] });
    let missing = json!({ "name": "missing", "command": "no-such-hush" });
    let gateway = gateway(&[python, missing, fixture("well", &[])]).await;
    for (name, cause) in [
        ("python", "a module is missing"),
        ("missing", "its command is not there"),
    ] {
        let found = wait::until(cause, SOON, async || {
            let server = server(&gateway, name).await;
            server["likely"]["cause"].is_string().then_some(server)
        })
        .await;
        let said = found["likely"]["cause"].as_str().expect("a text");
        assert!(said.starts_with(cause), "{said}");
        assert!(
            found["likely"]["remedy"]
                .as_str()
                .is_some_and(|remedy| !remedy.is_empty())
        );
    }
    let python = server(&gateway, "python").await;
    assert_eq!(python["exits"][0]["code"], 1);
    assert_eq!(
        server_in(&gateway, "well", "ready").await.get("likely"),
        None
    );
    let said = status(&gateway).await.to_string();
    assert!(!said.contains("hush"), "{said}");
}

#[tokio::test]
async fn a_flood_of_stderr_and_of_junk_is_kept_in_its_room() {
    let home = tempfile::tempdir().expect("a directory");
    let entries = [
        fixture("loud", &["--noisy-stderr", "--flood-junk", "2000"]),
        fixture("quiet", &[]),
    ];
    let gateway = guarded(home.path(), &entries).await;
    let log = wait::until("a flood", SOON, async || {
        let (_, found) = ask(&gateway, FREE, "/status/servers/loud").await;
        let is_flood = found["server"]["junk_lines"]
            .as_u64()
            .is_some_and(|count| count > 2000);
        is_flood.then(|| found["log"].clone())
    })
    .await;
    let stderr = texts(&log["stderr"], "text");
    assert!(stderr.len() <= 50 && stderr.iter().all(|line| line.len() <= 1024));
    assert!(
        stderr.iter().any(|line| line.contains("ERROR noise")),
        "{stderr:?}"
    );
    assert_eq!(texts(&log["junk"], "text").len(), 20);
    let (status, quiet) = ask(&gateway, FREE, "/status/servers/quiet").await;
    assert_eq!((status, &quiet["log"]["junk"]), (200, &json!([])));
}

/// The log of `a`, open, by its free token.
async fn log_of(gateway: &Gateway) -> Option<EventStream> {
    let log = Endpoint::at(gateway.addr(), "/status/servers/a/log");
    let authorization = format!("Bearer {FREE}");
    let reply = log
        .request("GET", &[("authorization", &authorization)])
        .await;
    (reply.status() == 200).then(|| reply.stream())
}

#[tokio::test]
async fn who_reads_a_log_is_let_go_with_the_token() {
    let home = tempfile::tempdir().expect("a directory");
    let gateway = guarded(home.path(), &[fixture("a", &[])]).await;
    wait::until("its history", SOON, async || {
        (ask(&gateway, FREE, "/status/servers/a").await.0 == 200).then_some(())
    })
    .await;
    let mut stream = log_of(&gateway).await.expect("it may be read");
    fs::write(home.path().join("tokens"), format!("{PINNED}\n")).expect("it is ours");
    gateway.sighup();
    wait::until("the end of the log", SOON, async || {
        stream.next().await.is_none().then_some(())
    })
    .await;
    assert!(
        log_of(&gateway).await.is_none(),
        "the token is not known any more"
    );
}

#[tokio::test]
async fn one_token_does_not_take_all_places_of_readers() {
    let home = tempfile::tempdir().expect("a directory");
    let gateway = guarded(home.path(), &[fixture("a", &[])]).await;
    wait::until("its history", SOON, async || {
        (ask(&gateway, FREE, "/status/servers/a").await.0 == 200).then_some(())
    })
    .await;
    let mut streams = Vec::new();
    while let Some(stream) = log_of(&gateway).await {
        streams.push(stream);
        assert!(streams.len() < 64, "some are left to others");
    }
    assert!(streams.len() > 32, "{}", streams.len());
}
