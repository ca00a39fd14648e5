//! Rows 240 to 243 and 249: restarts of the gateway, asked for and not, as its clients see them.

use std::net::TcpListener;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::metrics;
use super::stage::{Stage, configuration};
use crate::support::client::DEADLINE;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{Connection, get};
use crate::support::servers::{failed_text, fixture, text_of};
use crate::support::sse::Item;
use crate::support::streamable::{Endpoint, EventStream, Reply, call_tool};
use crate::support::wait;

const VERSION: &str = "2025-11-25";
/// A list that is changed by whoever edits the file.
const MORE: &str = "late";

/// With a server that is stopped in a second and a half.
fn options(home: &TempDir) -> GatewayOptions {
    let slow = fixture("x", &["--ignore-eof"]);
    GatewayOptions::new(configuration(&[slow], &json!({}))).home(home.path())
}

async fn stage(row: u16, options: GatewayOptions) -> Stage {
    let stage = Stage::early(row, options).await;
    stage
        .gateway
        .wait_for_log("Server 'x' started", DEADLINE)
        .await;
    stage
}

/// What is said on a stream until it ends or breaks, and whether it ended.
async fn rest_of(stream: EventStream) -> (String, bool) {
    let mut pieces = stream.into_pieces();
    let mut text = String::new();
    loop {
        let next = tokio::time::timeout(DEADLINE, pieces.next()).await;
        match next.expect("the stream goes on") {
            Ok(Some(bytes)) => text.push_str(&String::from_utf8_lossy(bytes)),
            Ok(None) => return (text, true),
            Err(_) => return (text, false),
        }
    }
}

/// A tool's own answer, asked on a connection of its own.
async fn call(endpoint: &Endpoint) -> String {
    let echo = call_tool(9, "x__echo", r#"{"text":"x"}"#);
    let reply = endpoint.post(&echo).await;
    assert_eq!(reply.status(), 200, "{:?}", reply.head());
    reply.message().await
}

#[tokio::test]
async fn f240_stopped_while_clients_come() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(240, options(&home)).await;
    let address = stage.gateway.addr();
    let client = Endpoint::initialized(address, VERSION).await;
    let stream = client.listen().await;
    let sleep = call_tool(7, "x__sleep", r#"{"ms":2000,"steps":7}"#);
    let running = client.begin(&sleep).await;
    let in_flight = ("mcproxy_calls_in_flight", &[("server", "x")][..]);
    metrics::at_least(&stage.gateway, in_flight, 1.0, DEADLINE).await;
    stage.gateway.signal(Signal::SIGTERM);
    stage.gateway.wait_for_log("Stopping", DEADLINE).await;
    stage.struck("SIGTERM while a call runs");
    let newcomer = Endpoint::initialized(address, VERSION).await;
    stage.holds(
        "a new client is served",
        text_of(&call(&newcomer).await) == "x",
    );
    let answer = running.reply().await.message().await;
    stage.holds("the call is finished", text_of(&answer) == "slept");
    wait::until("the servers' stop", DEADLINE, async || {
        let text = call(&newcomer).await;
        text.contains("isError").then_some(())
    })
    .await;
    let asked = Instant::now();
    let text = failed_text(&call(&client).await);
    stage.within(
        "an answer without a server",
        asked.elapsed(),
        Duration::from_millis(300),
    );
    stage.holds(
        "it says what happens",
        text.contains("stopping") && text.contains("not run"),
    );
    let held = newcomer.listen().await;
    stage.holds("not ready", get(address, "/readyz").await.status == 503);
    for stream in [stream, held] {
        let (said, has_ended) = rest_of(stream).await;
        let is_told = said.ends_with("retry: 3000\ndata: \n\n");
        stage.holds("streams end with a retry", has_ended && is_told);
    }
    let status = stage.gateway.wait_exit(DEADLINE).await;
    stage.holds("exit code 0", status.code() == Some(0));
    stage.keep();
}

#[tokio::test]
async fn f241_stopped_while_others_hold_the_socket() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let home = TempDir::new().expect("a temporary directory");
    let held = || {
        let mut options = options(&home);
        let socket = socket.try_clone().expect("a descriptor");
        options.passed.push(socket.into());
        options
    };
    let mut stage = stage(241, held()).await;
    let address = stage.gateway.addr();
    let client = Endpoint::initialized(address, VERSION).await;
    stage.gateway.signal(Signal::SIGTERM);
    stage.gateway.wait_for_log("Stopping", DEADLINE).await;
    stage.struck("SIGTERM");
    let mut newcomer = Connection::open(address).await.expect("the port is open");
    let body = call_tool(9, "x__echo", r#"{"text":"x"}"#);
    let posted = newcomer.post(&client.post_head(&[]), body.as_bytes()).await;
    posted.expect("the kernel takes it");
    stage.gateway.wait_exit(DEADLINE).await;
    stage.holds("nobody has refused who came", newcomer.is_idle());
    let next = Gateway::start(held()).await;
    stage.replace(next);
    let answer = tokio::time::timeout(DEADLINE, newcomer.response()).await;
    let answer = answer.expect("an answer").expect("an answer").text();
    stage.holds("the next gateway serves it", text_of(&answer) == "x");
    stage.close().await;
}

#[tokio::test]
async fn f242_killed_while_a_call_runs() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(242, options(&home)).await;
    let address = stage.gateway.addr();
    let client = Endpoint::initialized(address, VERSION).await;
    let call = call_tool(7, "x__sleep", r#"{"ms":60000,"steps":1}"#);
    let asked = Instant::now();
    let Reply::Stream(mut stream) = client.begin(&call).await.reply().await else {
        panic!("an answer as JSON");
    };
    let mut id = None;
    while id.is_none() {
        match stream.next().await.expect("the stream goes on") {
            Item::Event { id: named, .. } => id = named,
            Item::Comment(_) => {}
        }
    }
    stage.within(
        "a stream to resume",
        asked.elapsed(),
        Duration::from_secs(3),
    );
    stage.gateway.signal(Signal::SIGKILL);
    stage.gateway.wait_exit(DEADLINE).await;
    stage.struck(format!("pid {} is gone", stage.gateway.pid()));
    let listen = address.to_string();
    let next = Gateway::start(options(&home).arg("--listen").arg(listen)).await;
    stage.replace(next);
    let mut resumed = client.resume(&id.expect("it has one")).await;
    let answer = resumed.message().await.expect("an answer").data;
    let text = failed_text(&answer);
    stage.holds("it says what is not known", text.contains("may or may not"));
    stage.close().await;
}

#[tokio::test]
async fn f243_deaf_after_a_restart() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(243, options(&home)).await;
    let address = stage.gateway.addr();
    let client = Endpoint::initialized(address, VERSION).await;
    drop(client.listen().await);
    stage.gateway.signal(Signal::SIGKILL);
    stage.gateway.wait_exit(DEADLINE).await;
    stage.struck(format!("pid {} is gone", stage.gateway.pid()));
    let listen = address.to_string();
    let next = Gateway::start(options(&home).arg("--listen").arg(listen)).await;
    stage.replace(next);
    stage
        .gateway
        .wait_for_log("Server 'x' started", DEADLINE)
        .await;
    let ping = r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#;
    let reply = client.post(ping).await;
    stage.holds("silent without a change", matches!(reply, Reply::Whole(_)));
    let slow = fixture("x", &["--ignore-eof"]);
    let more = configuration(&[slow, fixture(MORE, &[])], &json!({}));
    stage.gateway.write_config(&more);
    stage
        .gateway
        .wait_for_log("Server 'late' started", DEADLINE)
        .await;
    sleep(Duration::from_millis(500)).await;
    let Reply::Stream(mut stream) = client.post(ping).await else {
        panic!("it is not told");
    };
    let news = stream.message().await.expect("news").data;
    stage.holds(
        "told on its next POST",
        news.contains("notifications/tools/list_changed"),
    );
    let answer = stream.message().await.expect("an answer").data;
    stage.holds("which is answered", answer.contains(r#""id":3"#));
    let again = client.post(ping).await;
    stage.holds("once", matches!(again, Reply::Whole(_)));
    stage.close().await;
}

#[tokio::test]
async fn f249_stopped_behind_a_balancer() {
    const DELAY: Duration = Duration::from_secs(4);
    let home = TempDir::new().expect("a temporary directory");
    let limits = json!({ "shutdown_delay": DELAY.as_secs() });
    let config = configuration(&[fixture("x", &[])], &limits);
    let options = GatewayOptions::new(config).home(home.path());
    let mut stage = stage(249, options).await;
    let address = stage.gateway.addr();
    let client = Endpoint::initialized(address, VERSION).await;
    let asked = Instant::now();
    stage.gateway.signal(Signal::SIGTERM);
    wait::until("503 of /readyz", DEADLINE, async || {
        (get(address, "/readyz").await.status == 503).then_some(())
    })
    .await;
    let unready = asked.elapsed();
    stage.within("unready after", unready, Duration::from_secs(1));
    let server = stage.gateway.child("fixture").expect("it runs");
    server.signal(Signal::SIGKILL);
    stage.struck("SIGTERM, and the server was killed");
    wait::until("the server is back", DELAY, async || {
        let answer = call(&client).await;
        (!answer.contains("isError")).then_some(())
    })
    .await;
    let mut answered = 0_u32;
    while asked.elapsed() + Duration::from_millis(500) < DELAY {
        assert_eq!(text_of(&call(&client).await), "x");
        answered += 1;
    }
    stage.holds("calls are answered until then", answered > 0);
    let status = stage.gateway.wait_exit(DEADLINE).await;
    stage.holds(
        "it serves until the end of the delay",
        asked.elapsed() >= DELAY,
    );
    stage.holds("exit code 0", status.code() == Some(0));
    stage.keep();
}
