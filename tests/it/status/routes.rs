//! The routes themselves: methods, headers, the guard, and that nothing in them gives a secret away.

use std::fs;

use serde_json::{Map, Value, json};

use super::{SOON, scrape, server_in, status, value_is};
use crate::support::http;
use crate::support::servers::{fixture, gateway, serve_ready};
use crate::support::wait;

#[tokio::test]
async fn both_are_read_only_guarded_and_never_cached() {
    let gateway = gateway(&[]).await;
    let addr = gateway.addr();
    let types = [
        ("/status", "application/json"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
    ];
    for (path, kind) in types {
        for method in ["GET", "HEAD"] {
            let request = http::request_head(addr, method, path, &[]) + "\r\n";
            let mut connection = http::Connection::open(addr).await.expect("it listens");
            connection.send(request.as_bytes()).await.expect("it reads");
            let head = connection.head().await.expect("it answers");
            assert_eq!(head.status, 200, "{method} {path}");
            assert_eq!(head.header("content-type"), Some(kind));
            assert_eq!(head.header("cache-control"), Some("no-store"));
        }
        for method in ["POST", "PUT", "DELETE"] {
            let response = http::request(addr, method, path, &[], b"").await;
            assert_eq!(response.status, 405, "{method} {path}");
            assert_eq!(response.header("allow"), Some("GET, HEAD"));
        }
        let evil = [("host", "evil.example.com")];
        let response = http::request(addr, "GET", path, &evil, b"").await;
        assert_eq!(response.status, 421);
    }
    value_is(
        &gateway,
        r#"mcproxy_requests_refused_total{reason="host"}"#,
        2.0,
    )
    .await;
    value_is(
        &gateway,
        r#"mcproxy_requests_refused_total{reason="method"}"#,
        6.0,
    )
    .await;
}

#[tokio::test]
async fn the_whole_is_what_the_documentation_says() {
    let (gateway, client) = serve_ready(&[fixture("a", &["--tools", "3"])]).await;
    server_in(&gateway, "a", "ready").await;
    let mut all = status(&gateway).await;
    let pid = gateway.child("fixture-server").expect("it runs").pid;
    assert!(all["uptime_seconds"].as_u64().expect("a number") < 600);
    assert!(all["connections"]["open"].as_u64().expect("a number") >= 2);
    let tools = all["servers"][0]["tools"].take();
    assert!(tools.as_u64().expect("a number") > 3, "{tools}");
    for cost in ["tools_bytes", "tools_tokens"] {
        let cost = all["servers"][0][cost].take();
        assert!(cost.as_u64().expect("a number") > 100, "{cost}");
    }
    let connections = all["connections"]["open"].take();
    assert!(connections.as_u64().expect("a number") >= 2);
    all["uptime_seconds"].take();
    let processes = all["servers"][0]["processes"].take();
    assert_eq!(processes["count"], 1, "{processes}");
    assert_eq!(processes.as_object().map(Map::len), Some(4), "{processes}");
    for age in ["/servers/0/uptime_seconds", "/sessions/clients/0/seconds"] {
        let age = all.pointer_mut(age).expect("it is there").take();
        assert!(age.as_u64().expect("a number") < 600, "{age}");
    }
    assert!(all["catalogue"].take().is_string());
    let events = all["events"].take();
    assert_eq!(
        (&events[0]["kind"], &events[0]["server"]),
        (&json!("ready"), &json!("a"))
    );
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": null,
        "ready": true,
        "missing": [],
        "servers": [{
            "name": "a", "state": "ready", "pid": pid, "failures": 0, "next_try_seconds": null,
            "why": null, "uptime_seconds": null, "restarts": 0, "exits": [], "junk_lines": 0,
            "dropped_answers": 0, "tools": null, "tools_bytes": null, "tools_tokens": null, "calls_in_flight": 0,
            "calls": {
                "total": 0, "failed": 0, "per_minute": vec![0; 60], "p50_ms": null, "p99_ms": null,
            },
            "processes": null, "instances": 0,
        }],
        "configuration": { "servers": 1, "refused": [], "faulty": false, "faults": [] },
        "catalogue": null,
        "events": null,
        "modern": { "served": true, "offered": true },
        "sessions": { "open": 1, "limit": 1000, "clients": [{
            "client": "test", "version": "1", "transport": "sse", "profile": null, "seconds": null,
            "queued": 0, "calls_in_flight": 0,
        }] },
        "connections": { "open": null, "limit": 1024 },
        "calls_in_flight": 0,
        "bodies_in_flight_bytes": 0,
    });
    assert_eq!(all, expected);
    client.leave().await;
}

#[tokio::test]
async fn neither_tells_what_servers_are_started_from() {
    let mut quiet = fixture("a", &["--marker", "<argument-hush>"]);
    quiet["env"] = json!({ "HUSH": "secret-hush" });
    let mut crashing = fixture(
        "b",
        &["--exit-at-start", "3", "--marker", "<argument-hush>"],
    );
    crashing["cwd"] = json!("/");
    let missing = json!({ "name": "c", "command": "/nowhere/path-hush", "args": ["secret-hush"] });
    let gateway = gateway(&[quiet, crashing, missing]).await;
    server_in(&gateway, "a", "ready").await;
    for (server, why) in [("b", "exited with code 3"), ("c", "could not be started")] {
        wait::until("the reason", SOON, async || {
            let said = super::server(&gateway, server).await;
            (said["why"] == why).then_some(())
        })
        .await;
    }
    let text = status(&gateway).await.to_string();
    for text in [text, format!("{:?}", scrape(&gateway).await)] {
        for part in ["hush", "HUSH", "/", "fixture-server", "exit-at-start"] {
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
}

#[tokio::test]
async fn a_file_with_mistakes_is_shown_until_it_is_mended() {
    let gateway = gateway(&[fixture("a", &[])]).await;
    server_in(&gateway, "a", "ready").await;
    let good = fs::read_to_string(gateway.config_path()).expect("it is there");
    let configuration = async |expected: Value| {
        wait::until(&format!("{expected}"), SOON, async || {
            let mut found = status(&gateway).await["configuration"].take();
            let faults = found["faults"].take();
            let is_faulty = faults.as_array().is_some_and(|faults| !faults.is_empty());
            assert_eq!(found["faulty"], is_faulty, "{faults}");
            (found == expected).then_some(())
        })
        .await;
    };
    let mut file: Value = serde_json::from_str(&good).expect("JSON");
    let entries = file["servers"].as_array_mut().expect("a list");
    entries.push(json!({ "name": "b", "args": [] }));
    gateway.rename_config(&file.to_string());
    configuration(json!({ "servers": 1, "refused": ["b"], "faulty": true, "faults": null })).await;
    gateway.rename_config(&good);
    configuration(json!({ "servers": 1, "refused": [], "faulty": false, "faults": null })).await;
    gateway.rename_config("[{");
    configuration(json!({ "servers": 1, "refused": [], "faulty": true, "faults": null })).await;
    gateway.rename_config("[]");
    configuration(json!({ "servers": 0, "refused": [], "faulty": false, "faults": null })).await;
    // The last of them takes the server away, and with it all that was said of it.
    wait::until("the series to end", SOON, async || {
        scrape(&gateway)
            .await
            .of_server("a")
            .is_empty()
            .then_some(())
    })
    .await;
    assert_eq!(
        scrape(&gateway).await.value("mcproxy_reloads_total"),
        Some(3.0)
    );
}

/// Each reply is made anew, and kept until it is read.
#[tokio::test]
async fn those_who_do_not_read_the_tools_keep_others_from_so_many_only() {
    const MOST: usize = 64 << 20;
    let home = tempfile::tempdir().expect("a directory");
    let description = "x".repeat(4 << 20);
    let tool =
        json!({ "name": "t", "description": description, "inputSchema": { "type": "object" } });
    let list = json!({ "tools": [tool] }).to_string();
    let size = list.len();
    let line = home.path().join("list");
    fs::write(
        &line,
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{list}}}"#),
    )
    .expect("written");
    let script = format!(
        r#"read hello
echo '{{"jsonrpc":"2.0","id":0,"result":{{"protocolVersion":"2025-06-18","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"x","version":"1"}}}}}}'
read initialized; read list
tr -d '\n' < {}; echo
cat > /dev/null"#,
        line.display()
    );
    let gateway = gateway(&[json!({ "name": "a", "command": "sh", "args": ["-c", script] })]).await;
    let known = wait::until("its tool", SOON, async || {
        let a = server_in(&gateway, "a", "ready").await;
        (a["tools"] == 1).then_some(())
    });
    known.await;
    let ask = async |path: &str| {
        let mut connection = http::Connection::open_narrow(gateway.addr())
            .await
            .expect("it listens");
        let request = http::request_head(gateway.addr(), "GET", path, &[]) + "\r\n";
        connection.send(request.as_bytes()).await.expect("it reads");
        let head = connection.head().await.expect("it answers");
        (head.status, connection)
    };
    let mut unread = Vec::new();
    let refused = loop {
        let (status, connection) = ask("/status/tools").await;
        if status != 200 {
            break status;
        }
        unread.push(connection);
        assert!(unread.len() * size <= MOST, "{}", unread.len());
    };
    assert_eq!(refused, 503);
    assert!(unread.len() + 2 >= MOST / size, "{}", unread.len());
    assert_eq!(ask("/status/servers/a").await.0, 503);
    assert_eq!(ask("/status").await.0, 200, "it is another matter");
    drop(unread);
    let again = wait::until("room for it", SOON, async || {
        (ask("/status/tools").await.0 == 200).then_some(())
    });
    again.await;
}
