//! Rows 310 to 322: servers that are asked by HTTP, and what can go wrong on the way to them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::stage::Stage;
use crate::support::client::{Client, DEADLINE, Streamable};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::proc::{self, Sampling};
use crate::support::remote::{Manner, RemoteServer};
use crate::support::servers::{failed_text, text_of};
use crate::support::{both, http, wait};

/// The server, and what asks it beside the bystanders.
struct Far {
    server: RemoteServer,
    stage: Stage,
    client: Client<Streamable>,
}

impl Far {
    async fn open(row: u16) -> Self {
        Self::with(row, |_| {}, &json!({})).await
    }

    async fn with(row: u16, change: impl FnOnce(&mut Value), gateway: &Value) -> Self {
        let server = RemoteServer::start().await;
        let mut entry = server.entry("far");
        change(&mut entry);
        let stage = Stage::with(row, &[entry], gateway, |options| options).await;
        let client = stage.client().await;
        Self {
            server,
            stage,
            client,
        }
    }

    async fn call(&self, text: &str) -> String {
        let arguments = json!({ "text": text }).to_string();
        self.client.call_tool("far__echo", &arguments).await
    }

    /// A call that fails, in these words among others.
    async fn fails(&mut self, words: &str) {
        let start = Instant::now();
        let text = failed_text(&self.call("x").await);
        self.stage
            .within("its error after", start.elapsed(), Duration::from_secs(3));
        self.stage
            .holds(&format!("it says \"{words}\""), text.contains(words));
        self.stage
            .holds("no header is in it", !text.contains("hush"));
        self.stage.struck(text);
    }

    async fn is(&mut self, state: &str) -> Value {
        is(&self.stage.gateway, state).await
    }

    /// The next call is answered, and nothing secret was said of all that.
    async fn goes_on(mut self) {
        self.server.behave(Manner::Well);
        self.server.behave_at_calls(Manner::Well);
        let answer = text_of(&self.call("on").await);
        self.stage
            .holds("the next call is answered", answer == "on");
        let logs = self.stage.gateway.logs();
        let is_silent = !logs.iter().any(|line| line.contains("hush-hush"));
        self.stage.holds("no header is in the log", is_silent);
        self.stage.close().await;
    }
}

async fn is(gateway: &Gateway, state: &str) -> Value {
    let what = format!("the remote server is {state}");
    wait::until(&what, DEADLINE, async || {
        let response = http::get(gateway.addr(), "/status").await;
        let status: Value = serde_json::from_slice(&response.body).ok()?;
        let servers = status["servers"].as_array()?.clone();
        let mut far = servers.into_iter().filter(|server| server["name"] == "far");
        far.next().filter(|server| server["state"] == state)
    })
    .await
}

/// More bytes at the peak than before.
fn more(seen: Vec<u64>, before: u64) -> i64 {
    let peak = seen.into_iter().max().expect("it was looked at");
    i64::try_from(peak).expect("it fits") - i64::try_from(before).expect("it fits")
}

fn status(status: &str, headers: &str) -> Manner {
    Manner::Status(
        status.to_owned(),
        headers.to_owned(),
        "hush-hush-hush".to_owned(),
    )
}

#[tokio::test]
async fn f310_remote_not_reached() {
    let plain = RemoteServer::start().await;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let refusing = free.local_addr().expect("its address");
    drop(free);
    let entry = |name: &str, url: String| json!({ "name": name, "url": url });
    let entries = [
        entry("refused", format!("http://{refusing}/mcp")),
        entry("nameless", "http://no-such-host.invalid/mcp".to_owned()),
        entry("plain", plain.url().replace("http:", "https:")),
    ];
    let mut stage = Stage::open(310, &entries).await;
    for (name, words) in [
        ("refused", "cannot be reached: Connection refused"),
        ("nameless", "cannot be reached"),
        ("plain", "TLS"),
    ] {
        let said = format!("Server '{name}' could not be used");
        let line = stage.gateway.wait_for_log(&said, DEADLINE).await;
        stage.holds(&format!("the log says \"{words}\""), line.contains(words));
        let at = line.find("Server").unwrap_or_default();
        stage.struck(&line[at..]);
    }
    stage.close().await;
}

#[tokio::test]
async fn f311_remote_does_not_let_in() {
    let mut far = Far::open(311).await;
    let login = "www-authenticate: Bearer resource_metadata=\"https://as.test/x\"\r\n";
    far.server.behave(status("401 Unauthorized", login));
    far.fails("wants a login (status 401)").await;
    let state = far.is("unauthorized").await;
    far.stage.holds("it is no failure", state["failures"] == 0);
    let next = state["next_try_seconds"].as_f64().unwrap_or_default();
    far.stage
        .holds("it is tried at the ladder's end", next > 40.0);
    let mark = far.stage.gateway.log_mark();
    for tries in 2..5 {
        far.stage.gateway.sighup();
        wait::until("it is tried at once", DEADLINE, async || {
            (far.server.asked("initialize").len() >= tries).then_some(())
        })
        .await;
        far.is("unauthorized").await;
    }
    let logs = far.stage.gateway.logs();
    let said = logs
        .iter()
        .skip(mark)
        .filter(|line| line.contains("wants a login"))
        .count();
    far.stage
        .at_most("lines for each time that somebody looked", &said, &3);
    far.server.behave(Manner::Well);
    far.stage.gateway.sighup();
    far.is("ready").await;
    far.goes_on().await;
}

#[tokio::test]
async fn f312_remote_forgets_the_session() {
    let mut far = Far::open(312).await;
    tokio::time::sleep(Duration::from_secs(10)).await; // sooner is a failure, on the ladder
    far.server.forget();
    let start = Instant::now();
    far.fails("has forgotten the session").await;
    wait::until("another session", DEADLINE, async || {
        (far.server.asked("initialize").len() == 2).then_some(())
    })
    .await;
    far.stage
        .within("begun anew after", start.elapsed(), Duration::from_secs(2));
    let calls = far.server.asked("tools/call").len();
    far.stage.at_most("calls that it was sent", &calls, &1);
    far.goes_on().await;
}

#[tokio::test]
async fn f313_remote_is_busy() {
    let mut far = Far::open(313).await;
    far.server
        .behave_at_calls(status("429 Too Many Requests", "retry-after: 7\r\n"));
    far.fails("status 429 (asks to wait 7 s)").await;
    far.server
        .behave(status("503 Service Unavailable", "retry-after: 100\r\n"));
    for _ in 0..5 {
        far.call("x").await;
    }
    let state = far.is("backoff").await;
    let next = state["next_try_seconds"].as_f64().unwrap_or_default();
    far.stage.holds("it is left alone for so long", next > 60.0);
    far.server.behave(Manner::Well);
    far.stage.gateway.sighup();
    far.is("ready").await;
    far.goes_on().await;
}

#[tokio::test]
async fn f314_remote_fails() {
    let mut far = Far::open(314).await;
    far.server
        .behave_at_calls(status("500 Internal Server Error", ""));
    for _ in 0..5 {
        far.fails("status 500").await;
    }
    let line = far
        .stage
        .gateway
        .wait_for_log("'far' was lost", DEADLINE)
        .await;
    far.stage
        .holds("five in a row are its end", line.contains("status 500"));
    far.server.behave_at_calls(Manner::Well);
    far.is("ready").await;
    far.goes_on().await;
}

#[tokio::test]
async fn f315_remote_stream_is_cut() {
    let mut far = Far::open(315).await;
    far.server.behave_at_calls(Manner::Cuts);
    far.fails("may or may not have taken effect").await;
    let calls = far.server.asked("tools/call").len();
    far.stage.at_most("times that it was sent", &calls, &1);
    far.goes_on().await;
}

#[tokio::test]
async fn f316_remote_behind_a_buffer() {
    let mut far = Far::open(316).await;
    far.server.behave_at_calls(Manner::Buffers);
    let answer = text_of(&far.call("late").await);
    far.stage
        .struck("a stream of which all came at once, after 4096 bytes of padding");
    far.stage.holds("the answer comes", answer == "late");
    far.goes_on().await;
}

#[tokio::test]
async fn f317_remote_redirects() {
    let mut far = Far::open(317).await;
    let thief = RemoteServer::start().await;
    let to = format!("location: {}\r\n", thief.url());
    far.server.behave(status("307 Temporary Redirect", &to));
    far.fails("is somewhere else: status 307").await;
    let stolen = thief.asked("tools/call").len();
    far.stage
        .at_most("requests that the other one was sent", &stolen, &0);
    far.goes_on().await;
}

#[tokio::test]
async fn f318_remote_body_without_an_end() {
    let limit = json!({ "max_line_bytes": 4 << 20 });
    let mut far = Far::with(318, |_| {}, &limit).await;
    let pid = far.stage.gateway.pid();
    let before = proc::pss(pid).expect("it runs");
    let sampling = Sampling::start(pid);
    far.server.behave_at_calls(Manner::Endless);
    let calls = (0..32).map(|_| far.call("x"));
    let answers = futures_util::future::join_all(calls).await;
    far.stage
        .struck(format!("{} bodies at once without an end", answers.len()));
    let is_told = answers
        .iter()
        .all(|answer| failed_text(answer).contains("max_line_bytes"));
    far.stage.holds("each call is told the limit", is_told);
    let more = more(sampling.stop().await, before);
    far.stage.memory("more at the peak", more, 48 << 20);
    far.goes_on().await;
}

#[tokio::test]
async fn f319_remote_says_nothing() {
    let timeout = |entry: &mut Value| entry["call_timeout"] = json!(1);
    let mut far = Far::with(319, timeout, &json!({})).await;
    far.server.behave_at_calls(Manner::Silent);
    for _ in 0..3 {
        far.fails("call_timeout").await;
    }
    far.stage.gateway.wait_for_log("is hung", DEADLINE).await;
    far.stage.holds("the third in silence is its end", true);
    far.server.behave_at_calls(Manner::Well);
    far.is("ready").await;
    far.goes_on().await;
}

#[tokio::test]
async fn f320_remote_floods() {
    let timeout = |entry: &mut Value| entry["call_timeout"] = json!(3);
    let mut far = Far::with(320, timeout, &json!({})).await;
    let pid = far.stage.gateway.pid();
    let before = proc::pss(pid).expect("it runs");
    let sampling = Sampling::start(pid);
    far.server.behave_at_calls(Manner::Floods);
    let answer = far.call("x").await;
    far.stage.struck(format!(
        "{} bytes of notifications were read in 3 s",
        far.server.flooded()
    ));
    far.stage.holds(
        "its call has its time",
        failed_text(&answer).contains("call_timeout"),
    );
    let more = more(sampling.stop().await, before);
    far.stage.memory("more at the peak", more, 32 << 20);
    far.goes_on().await;
}

#[tokio::test]
async fn f322_remote_announces_only() {
    let mut far = Far::open(322).await;
    far.server.behave_at_calls(Manner::Announces);
    far.fails("goes on answering with status 1xx").await;
    let read = far.server.flooded();
    far.stage
        .at_most("bytes that were read of it", &read, &(16 << 20));
    far.goes_on().await;
}

#[tokio::test]
async fn f321_gateways_in_a_ring() {
    let mut stage = Stage::open(321, &[]).await;
    let far = |gateway: &Gateway| {
        let url = format!("http://{}/mcp", gateway.addr());
        json!({ "name": "far", "url": url })
    };
    let config = |gateway: &Gateway| json!({ "servers": [far(gateway)] }).to_string();
    let second = Gateway::start(GatewayOptions::new(config(&stage.gateway))).await;
    both::ready(&second).await;
    is(&second, "ready").await;
    let text = super::stage::configuration(&[far(&second)], &json!({}));
    stage.gateway.rename_config(&text);
    let line = stage
        .gateway
        .wait_for_log("is this gateway itself", DEADLINE)
        .await;
    let at = line.find("Server").unwrap_or_default();
    stage.struck(&line[at..]);
    stage.holds(
        "the other edge stays",
        is(&second, "ready").await["state"] == "ready",
    );
    stage.close().await;
}
