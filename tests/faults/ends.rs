//! Rows 210 to 212: servers that end, and have not failed, or fail for ever.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::{Stage, configuration};
use crate::support::client::{Client, DEADLINE, Sse, Streamable, Transport};
use crate::support::fleet::{echo, newcomer};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::fixture;
use crate::support::{both, http, wait};

const CALLS: usize = 20;

#[tokio::test]
async fn f210_ends_when_done() {
    let one = fixture("one", &["--exit-when-done=1"]);
    let three = fixture("three", &["--exit-when-done=3"]);
    let mut own = fixture("own", &["--exit-when-done=1"]);
    own["isolation"] = "session".into();
    let mut stage = Stage::open(210, &[one, three, own]).await;
    let clients = (
        stage.client::<Sse>().await,
        stage.client::<Streamable>().await,
    );
    let mark = stage.gateway.logs().len();
    // Nobody knows yet that they end: what came in the next moment would be lost.
    for (server, calls) in [("one", 1), ("three", 3), ("own", 1)] {
        for _ in 0..calls {
            assert_eq!(echo(&clients.0, server, "first").await.text, "first");
        }
    }
    wait::until("all have ended once", DEADLINE, async || {
        let lines = stage.gateway.logs();
        let ends = lines
            .iter()
            .filter(|line| line.contains("its work is done"));
        (ends.count() == 3).then_some(())
    })
    .await;
    let before = stage.metric("mcproxy_server_starts_total").await;
    let start = Instant::now();
    let (slowest, other) = tokio::join!(calls(&clients.0), calls(&clients.1));
    let starts = stage.metric("mcproxy_server_starts_total").await - before;
    stage.struck(format!("{starts} starts in {:.1?}", start.elapsed()));
    stage.within(
        "the slowest call",
        slowest.max(other),
        Duration::from_secs(5),
    );
    stage.at_most("starts", &starts, &(CALLS * 7 + 8));
    let heard = [
        clients.0.take_notifications(),
        clients.1.take_notifications(),
    ]
    .concat();
    stage.at_most("notifications", &heard.len(), &0);
    let lines = stage.gateway.logs();
    let count = lines
        .iter()
        .skip(mark)
        .filter(|line| line.contains("Server '"))
        .count();
    stage.at_most("log lines of them", &count, &8);
    let status = status(&stage.gateway).await;
    let fine = status["servers"].as_array().expect("servers").iter();
    let mut fine = fine.map(|server| server["failures"] == 0 && server["why"].is_null());
    stage.holds("none has failed", fine.all(|is_fine| is_fine));
    clients.0.close().await;
    clients.1.close().await;
    stage.close().await;
}

/// One after the other, to each of the servers. Gives the time that the slowest took.
async fn calls<T: Transport>(client: &Client<T>) -> Duration {
    let mut slowest = Duration::ZERO;
    for number in 0..CALLS {
        for server in ["one", "three", "own"] {
            let (start, text) = (Instant::now(), format!("{server} {number}"));
            assert_eq!(echo(client, server, &text).await.text, text);
            slowest = slowest.max(start.elapsed());
        }
    }
    slowest
}

#[tokio::test]
async fn f211_ends_when_asked_what_it_has() {
    let flags = [
        "--no-tools-capability",
        "--exit-on=prompts/list",
        "--exit-on=resources/list",
    ];
    let servers = [fixture("bad", &flags)];
    let home = tempfile::tempdir().expect("a directory");
    let options = || GatewayOptions::new(configuration(&servers, &json!({}))).home(home.path());
    let mut stage = Stage::early(211, options()).await;
    both::ready(&stage.gateway).await;
    stage.resume().await;
    let (once_more, again) = ("it is asked once more", "it is not asked that again");
    wait::until("its ends, two at each list", DEADLINE, async || {
        let lines = stage.gateway.logs();
        let saying = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
        (saying(once_more) == 2 && saying(again) == 2).then_some(())
    })
    .await;
    let begin = Instant::now();
    let client = stage.client::<Sse>().await;
    let life = newcomer(&client, "bad", DEADLINE).await;
    stage.within("ready again after", begin.elapsed(), Duration::from_secs(2));
    let starts = stage
        .metric("mcproxy_server_starts_total{server=\"bad\"}")
        .await;
    stage.struck(format!("{starts} starts"));
    stage.at_most("starts", &starts, &5);
    let failures = |status: &Value| status["servers"][0]["failures"].as_u64();
    stage.at_most(
        "failures",
        &failures(&status(&stage.gateway).await).expect("a number"),
        &0,
    );
    client.close().await;
    stage.pause().await;
    assert!(stage.gateway.terminate().await.success());

    let next = Gateway::start(options()).await;
    stage.replace(next);
    both::ready(&stage.gateway).await;
    let client = stage.client::<Sse>().await;
    let later = newcomer(&client, "bad", DEADLINE).await;
    assert_ne!(life.pid, later.pid);
    // What it had is asked for once it is known what it has not.
    stage
        .gateway
        .wait_for_log("does not declare what it lists", DEADLINE)
        .await;
    assert_eq!(newcomer(&client, "bad", DEADLINE).await, later);
    let lines = stage.gateway.logs();
    let is_end = |line: &&String| line.contains(once_more) || line.contains(again);
    let ends = lines.iter().filter(is_end).count();
    stage.at_most("ends under the next gateway", &ends, &0);
    stage.resume().await;
    client.close().await;
    stage.close().await;
}

async fn status(gateway: &Gateway) -> Value {
    let text = http::get(gateway.addr(), "/status").await.text();
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn f212_fails_for_ever() {
    const PATH: &str = "/first/of/two:/second/of/two";
    let script = "echo first >&2; echo the key is missing >&2; exit 3";
    let servers = [
        json!({ "name": "bad", "command": "/bin/sh", "args": ["-c", script] }),
        json!({ "name": "lost", "command": "no-such-program", "env": { "PATH": PATH } }),
    ];
    let gateway = json!({ "restart_delay": 0.05, "max_restart_delay": 0.05 });
    let mut stage = Stage::with(212, &servers, &gateway, |options| options).await;
    wait::until("40 failures of each", Duration::from_secs(60), async || {
        let status = status(&stage.gateway).await;
        let enough = |at: usize| status["servers"][at]["failures"].as_u64() >= Some(40);
        (enough(0) && enough(1)).then_some(())
    })
    .await;
    let lines = stage.gateway.logs();
    for server in ["'bad'", "'lost'"] {
        let count = lines.iter().filter(|line| line.contains(server)).count();
        stage.at_most(&format!("log lines of {server}"), &count, &30);
    }
    let saying = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    let ended = "Server 'bad' exited with code 3; its last line on stderr: the key is missing";
    stage.struck(ended);
    stage.holds(
        "the line about the end has the last line",
        saying(ended) == 1,
    );
    stage.holds(
        "so often it failed",
        saying("exited with code 3 (32 times now") == 1,
    );
    stage.at_most("lines with the PATH", &saying(PATH), &1);
    stage.holds("and it is said", saying(PATH) == 1);
    stage.close().await;
}
