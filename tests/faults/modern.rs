//! Rows 300 and 302 to 304: clients without a session, and what goes wrong with them.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::metrics;
use super::stage::{Stage, configuration, wait as real_or};
use crate::support::client::{DEADLINE, Sse};
use crate::support::fleet::{self, identify};
use crate::support::http::Connection;
use crate::support::modern::{Ask, ModernClient, VERSION};
use crate::support::servers::{failed_text, fixture, text_of};
use crate::support::streamable::{Endpoint, EventStream, Reply};
use crate::support::{proc, wait};

/// What is to happen at once, on two busy cores.
const SOON: Duration = Duration::from_secs(3);
/// How many listen while the file is saved.
const LISTENS: usize = 100;
const LIST_CHANGED: &str = "notifications/tools/list_changed";

/// What a request without a session has for headers.
fn headers<'a>(method: &'a str, name: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("mcp-protocol-version", VERSION),
        ("mcp-method", method),
        ("mcp-name", name),
    ]
}

/// Waits until no call is in flight at this server.
async fn idle(stage: &Stage, server: &str) {
    wait::until("no call in flight", DEADLINE, async || {
        let labels = [("server", server)];
        let calls = metrics::sum(&stage.gateway, "mcproxy_calls_in_flight", &labels).await;
        (calls < 0.5).then_some(())
    })
    .await;
}

/// A listen through a small window of which nothing is read, and its own end of the connection.
async fn deaf(addr: SocketAddr, uris: &[String]) -> (Connection, SocketAddr) {
    let mut connection = Connection::open_narrow(addr).await.expect("it listens");
    let filter = json!({ "resourceSubscriptions": uris });
    let params = json!({ "notifications": filter }).to_string();
    let ask = Ask::new("subscriptions/listen", &params);
    let head = Endpoint::new(addr).post_head(&headers("subscriptions/listen", ""));
    let posted = connection.post(&head, ask.line().as_bytes()).await;
    posted.expect("it is read");
    let head = wait::within(|| "a stream".to_owned(), DEADLINE, connection.head()).await;
    assert_eq!(head.status, 200);
    let here = connection.local_addr().expect("a socket");
    (connection, here)
}

/// The resources of a server with eight of them.
fn uris(base: &str) -> Vec<String> {
    let kind = |number: usize| {
        if number.is_multiple_of(2) {
            "text"
        } else {
            "blob"
        }
    };
    (0..8)
        .map(|number| format!("{base}{}/{number}", kind(number)))
        .collect()
}

/// Eight resources with long names, so that little of what happens fills a queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f300_listen_that_reads_nothing() {
    let base = format!("fx://{}/", "long".repeat(1_500));
    let flags = ["--offers", "--resources", "8", "--uri-base", &base];
    let settings = json!({ "slow_client_timeout": 2, "max_outgoing_bytes": "64KiB" });
    let mut stage = Stage::with(300, &[fixture("fx", &flags)], &settings, |options| options).await;
    let (addr, pid) = (stage.gateway.addr(), stage.gateway.pid());
    let uris = uris(&base);
    let good = ModernClient::new(addr);
    let filter = json!({ "resourceSubscriptions": uris }).to_string();
    let mut hears = good.listen("\"good\"", &filter).await;
    let first = hears.expect().await.data;
    assert!(first.contains("acknowledged"), "{first}");
    let (deaf, here) = deaf(addr, &uris).await;

    let base = proc::rss(pid).expect("it runs");
    proc::forget_peak(pid);
    let begun = Instant::now();
    let mut updates = 0;
    let changes = async {
        while proc::is_connected(addr, here) {
            assert!(begun.elapsed() < Duration::from_secs(60), "it is never cut");
            for uri in &uris {
                let arguments = json!({ "uri": uri }).to_string();
                good.call_tool("fx__update", &arguments).await;
            }
        }
    };
    tokio::pin!(changes);
    loop {
        tokio::select! {
            () = &mut changes => break,
            event = hears.expect() => {
                updates += usize::from(event.data.contains("resources/updated"));
            }
        }
    }
    stage.struck(format!(
        "a listen through a window of 64 KiB was cut after {:.1?}, {updates} updates for who reads",
        begun.elapsed()
    ));
    let peak = i64::try_from(proc::peak_rss(pid).expect("it runs")).expect("it fits");
    let more = peak - i64::try_from(base).expect("it fits");
    stage.memory("more at the peak", more, 16 << 20);
    let said = stage.gateway.logs();
    let said = said.iter().filter(|line| line.contains("has read nothing"));
    stage.at_most("lines of the log about it", &said.count(), &1);
    good.call_tool("fx__update", &json!({ "uri": uris[0] }).to_string())
        .await;
    stage.holds(
        "who reads goes on hearing",
        hears.expect().await.data.contains("resources/updated"),
    );
    drop((deaf, hears));
    stage.close().await;
}

/// Reads until each of them is told that the list of tools has changed.
async fn all_told(streams: &mut [EventStream]) {
    let told = streams.iter_mut().map(
        async |stream| {
            while !stream.expect().await.data.contains(LIST_CHANGED) {}
        },
    );
    join_all(told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f302_reload_under_listens() {
    let mut stage = Stage::open(302, &[fixture("fx", &[])]).await;
    let client = ModernClient::new(stage.gateway.addr());
    let filter = r#"{"toolsListChanged":true,"promptsListChanged":true}"#;
    let mut streams = Vec::with_capacity(LISTENS);
    for number in 0..LISTENS {
        // Ids are any client's choice: many have the same.
        let mut stream = client.listen(&(number % 10).to_string(), filter).await;
        let first = stream.expect().await.data;
        assert!(first.contains("acknowledged"), "{first}");
        streams.push(stream);
    }
    for round in 0..4 {
        let mut entries = vec![fixture("fx", &[])];
        if round % 2 == 0 {
            entries.push(fixture("late", &[]));
        }
        let saved = Instant::now();
        let text = configuration(&entries, &json!({}));
        stage.gateway.write_config(&text);
        all_told(&mut streams).await;
        stage.within("the last is told after", saved.elapsed(), SOON);
    }
    stage.struck(format!("4 reloads while {LISTENS} listen"));
    let tools = client.answer(&Ask::new("tools/list", "{}")).await.1;
    stage.holds("lists are those of the file", !tools.contains("late__echo"));
    stage.pause().await;
    stage.gateway.signal(Signal::SIGTERM);
    let ends = streams.iter_mut().map(async |stream| {
        let mut last = String::new();
        while let Some(event) = stream.message().await {
            last = event.data;
        }
        last.contains(r#""resultType":"complete""#)
    });
    let ended = join_all(ends).await;
    stage.holds(
        "a stop ends each with a result",
        ended.into_iter().all(|is_so| is_so),
    );
    stage.keep();
}

/// A call of a minute, told of its progress where `token` is wished.
fn minute(token: bool) -> Ask {
    let ask = Ask::tool("fx__sleep", r#"{"ms":60000,"steps":600}"#);
    if token {
        ask.meta("progressToken", "1")
    } else {
        ask
    }
}

/// How many calls the server was told to give up.
async fn cancels(client: &ModernClient) -> usize {
    let answer = client.call_tool("fx__received_cancels", "{}").await;
    let cancels: Value = serde_json::from_str(&text_of(&answer)).expect("JSON");
    cancels.as_array().expect("a list").len()
}

/// The phases of one request, and in each its client closes the connection.
async fn close_in_every_phase(stage: &Stage, client: &ModernClient) -> usize {
    let addr = stage.gateway.addr();
    let head = Endpoint::new(addr).post_head(&headers("tools/call", "fx__sleep"));
    let line = minute(false).line();
    for sent in [10, head.len(), head.len() + 40, head.len() + line.len()] {
        let mut connection = Connection::open(addr).await.expect("it listens");
        let all = format!("{head}content-length: {}\r\n\r\n{line}", line.len());
        let (part, _) = all.as_bytes().split_at(sent);
        connection.send(part).await.expect("it is read");
    }
    idle(stage, "fx").await;
    // The call runs, and nothing is answered yet.
    let silent = client.begin(&minute(false)).await;
    let in_flight = ("mcproxy_calls_in_flight", &[("server", "fx")][..]);
    metrics::at_least(&stage.gateway, in_flight, 1.0, DEADLINE).await;
    drop(silent);
    // Something is.
    let Reply::Stream(mut stream) = client.post(&minute(true)).await else {
        panic!("no stream");
    };
    stream.expect().await;
    drop(stream);
    // The answer is on its way.
    let huge = client
        .begin(&Ask::tool("fx__huge", r#"{"bytes":8000000}"#))
        .await;
    drop(huge);
    // It listens, acknowledged or not.
    let filter = r#"{"toolsListChanged":true}"#;
    let ask = Ask::new(
        "subscriptions/listen",
        &format!(r#"{{"notifications":{filter}}}"#),
    );
    drop(client.begin(&ask).await);
    drop(client.listen("1", filter).await);
    2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f303_modern_client_closes() {
    let mut stage = Stage::open(303, &[fixture("fx", &[])]).await;
    let client = ModernClient::new(stage.gateway.addr());
    let pid = stage.gateway.pid();
    let sockets = || proc::open_sockets(pid).expect("it runs");
    let (before, rounds) = (sockets(), real_or(5, 50));
    let mut certain = 0;
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        certain += close_in_every_phase(&stage, &client).await;
        let closed = Instant::now();
        wait::until("the server to hear of all", DEADLINE, async || {
            (cancels(&client).await >= certain).then_some(())
        })
        .await;
        slowest = slowest.max(closed.elapsed());
        idle(&stage, "fx").await;
    }
    stage.struck(format!(
        "{rounds} rounds of a client that closes in 9 phases"
    ));
    stage.within("its calls are given up after", slowest, SOON);
    stage.holds("none is in flight", true);
    wait::until("its sockets to be closed", DEADLINE, async || {
        (sockets() <= before + 2).then_some(())
    })
    .await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f304_killed_under_modern_calls() {
    let mut stage = Stage::open(304, &[fixture("bad", &[])]).await;
    let witness = stage.client::<Sse>().await;
    let before = identify(&witness, "bad").await;
    let client = ModernClient::new(stage.gateway.addr());
    let ask = |number: usize| {
        let ask = Ask::tool("bad__sleep", r#"{"ms":600000,"steps":1}"#).id("1");
        if number.is_multiple_of(2) {
            ask.meta("progressToken", "\"t\"")
        } else {
            ask
        }
    };
    let mut posts = Vec::new();
    for number in 0..60 {
        posts.push(client.begin(&ask(number)).await);
    }
    let in_flight = ("mcproxy_calls_in_flight", &[("server", "bad")][..]);
    metrics::at_least(&stage.gateway, in_flight, 60.0, DEADLINE).await;
    assert!(proc::send(before.pid, Signal::SIGKILL));
    before.gone(DEADLINE).await;
    let struck = Instant::now();
    stage.struck(format!("pid {} is gone under 60 calls", before.pid));
    let answers = join_all(posts.into_iter().map(async |post| {
        let mut answers = Vec::new();
        match post.reply().await {
            Reply::Whole(response) => answers.push(response.text()),
            Reply::Stream(mut stream) => {
                while let Some(event) = stream.message().await {
                    answers.push(event.data);
                }
            }
        }
        answers.retain(|message| message.contains(r#""id":1,"#));
        answers
    }))
    .await;
    stage.within("the last is answered after", struck.elapsed(), SOON);
    let is_told = |answers: &Vec<String>| match answers.as_slice() {
        [answer] => failed_text(answer).contains("bad"),
        _ => false,
    };
    stage.holds(
        "each is answered once, by an error that names the server",
        answers.iter().all(is_told),
    );
    fleet::successor(&witness, "bad", &before, DEADLINE).await;
    let again = client.call_tool("bad__echo", r#"{"text":"again"}"#).await;
    stage.holds("the next call is served", text_of(&again) == "again");
    idle(&stage, "bad").await;
    witness.close().await;
    stage.close().await;
}
