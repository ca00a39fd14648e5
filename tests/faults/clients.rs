//! Rows 35 to 37: clients that read nothing, vanish, or go in the middle of a call.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::SockRef;
use tokio::time::Instant;

use super::metrics;
use super::network::{NEAR, Network};
use super::stage::{Stage, wait};
use crate::support::client::{DEADLINE, Sse, SseClient, id_of};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::narrow::Reader;
use crate::support::servers::{fixture, text_of};
use crate::support::sse::Item;
use crate::support::streamable::{Endpoint, EventStream};
use crate::support::{proc, wait};

const MIB: usize = 1 << 20;
/// What a session's queue may hold, one message, and what a connection and the heap add.
const QUEUE: i64 = 10 << 20;
/// How many clients read nothing, and in what pieces they are told.
const STUCK: usize = 4;
const PIECE: usize = 64 << 10;
const TOO_LATE: Duration = Duration::from_secs(20);

/// How many seconds a client may read nothing of a full queue.
fn patience() -> u64 {
    wait(2, 5)
}

/// A client that asks until it is refused and reads nothing of it; how many answers wait for it.
async fn stuck(addr: SocketAddr, witness: &SseClient) -> (Reader, usize) {
    let reader = Reader::open(addr).await;
    for id in 0.. {
        let status = reader.call_huge(id, PIECE).await;
        if status == 503 {
            return (reader, id);
        }
        assert_eq!(status, 202);
        // The server answers in turn: all before this one have their answer then.
        witness.call_tool("fx__echo", "{}").await;
    }
    unreachable!("it is refused once")
}

/// Reads 22 MiB at this rate, too slowly for the limit of the queue, and gets all of it.
async fn read_slowly(addr: SocketAddr, rate: usize) {
    let mut reader = Reader::open(addr).await;
    // Two that are more than the queue may hold, behind one that takes long to read.
    assert_eq!(reader.call_huge(1, 12 * MIB).await, 202);
    assert!(reader.read_slowly(rate, Duration::from_millis(500)).await);
    for id in 2..=3 {
        assert_eq!(reader.call_huge(id, 5 * MIB).await, 202);
    }
    reader.read_until_full(rate).await;
    let longer = Duration::from_secs(patience() + 2);
    let still = reader.read_slowly(rate, longer).await;
    assert!(still, "ended at {rate} B/s");
    let sizes = reader.huge_answers(3).await;
    assert_eq!(sizes, [(1, 12), (2, 5), (3, 5)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f35_client_never_reads() {
    let settings = json!({ "slow_client_timeout": patience() });
    let mut stage = Stage::with(35, &[fixture("fx", &[])], &settings, |options| options).await;
    let (addr, pid) = (stage.gateway.addr(), stage.gateway.pid());
    let witness = stage.client::<Sse>().await;
    witness.call_tool("fx__echo", "{}").await;
    // The first makes the gateway's heap what it is from then on.
    let mut readers = vec![stuck(addr, &witness).await.0];
    proc::forget_peak(pid);
    let base = proc::rss(pid).expect("it runs");
    for _ in 1..STUCK {
        let (reader, answers) = stuck(addr, &witness).await;
        stage.struck(format!(
            "{answers} answers of {PIECE} bytes, none read, then 503"
        ));
        readers.push(reader);
    }
    let peak = i64::try_from(proc::peak_rss(pid).expect("it runs") - base).expect("it fits");
    let each = i64::try_from(STUCK - 1).expect("it fits");
    stage.memory("memory per session", peak / each, QUEUE);

    let full = Instant::now();
    let (ended, ..) = tokio::join!(
        ended(&stage.gateway, &readers),
        read_slowly(addr, MIB),
        read_slowly(addr, 100 << 10),
    );
    let most = Duration::from_secs(patience() + 5);
    stage.within("all ended after", ended - full, most);
    stage.holds("two that read slowly were served", true);
    let lines = stage.gateway.logs();
    let said = lines.iter().filter(|line| line.contains("is ended"));
    stage.at_most("log lines about an end", &said.count(), &STUCK);
    let secret = |reader: &Reader| reader.endpoint.rsplit('=').next().map(str::to_owned);
    for id in readers.iter().filter_map(secret) {
        assert!(!lines.iter().any(|line| line.contains(&id)), "a secret");
    }
    // What was queued for them is worth nothing any more: their connections are cut, though they are open here.
    wait::until("their connections to be cut", TOO_LATE, async || {
        let is_open = |reader: &Reader| {
            let here = reader.stream.local_addr().expect("a socket");
            proc::is_connected(addr, here)
        };
        (!readers.iter().any(is_open)).then_some(())
    })
    .await;
    drop(readers);
    witness.close().await;
    stage.close().await;
}

/// Waits until each of these sessions has ended, and the log says why.
async fn ended(gateway: &Gateway, readers: &[Reader]) -> Instant {
    let why = format!("its client has read nothing for {} s", patience());
    wait::until("the end of all that do not read", TOO_LATE, async || {
        let lines = gateway.logs();
        let said = lines.iter().filter(|line| line.contains(&why)).count();
        (said >= readers.len()).then_some(())
    })
    .await;
    let ended = Instant::now();
    for reader in readers {
        wait::until("the session to be forgotten", TOO_LATE, async || {
            (reader.call(999_999, "{}").await == 404).then_some(())
        })
        .await;
    }
    ended
}

/// The times of row 36, in seconds: a comment on a silent stream, and how long a peer may acknowledge nothing.
fn peer_times() -> (u64, u64) {
    wait((1, 3), (30, 60))
}

/// What a busy machine may add, and what TCP waits between two tries.
const LATE: Duration = Duration::from_secs(4);

/// In a thread of its own, because a namespace is a thread's. Where no namespace may be made (it takes root and `ip`)
/// the vanished client is emulated by one whose window is closed: what it is sent is as little acknowledged.
#[test]
fn f36_vanished_client() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let vanished = std::thread::spawn(move || runtime.block_on(vanished_client()));
    if let Err(panic) = vanished.join() {
        std::panic::resume_unwind(panic);
    }
}

async fn vanished_client() {
    let network = Network::lay();
    let (beat, gone) = peer_times();
    let settings = json!({ "keepalive_interval": beat, "peer_timeout": gone });
    let everywhere = |options: GatewayOptions| options.arg("--listen=0.0.0.0:0");
    let mut stage = Stage::with(36, &[fixture("fx", &[])], &settings, everywhere).await;
    let port = stage.gateway.addr().port();
    let sockets = || proc::open_sockets(stage.gateway.pid()).expect("it runs");
    let (before, sessions) = (sockets(), sessions(&stage.gateway).await);
    let (client, proof) = match &network {
        Ok(network) => {
            let addr = SocketAddr::from((NEAR, port));
            let connection = network.connect(port).expect("a cable");
            let client = Reader::on(connection, addr).await;
            network.cut().expect("a cable");
            (
                client,
                "struck: the far end of a cable between two network namespaces was taken off"
                    .to_owned(),
            )
        }
        Err(error) => {
            let client = Reader::open(stage.gateway.addr()).await;
            for id in 0..6 {
                assert_eq!(client.call_huge(id, MIB).await, 202);
            }
            (
                client,
                format!(
                    "emulated, for want of a namespace ({error}): a closed window, 6 MiB behind it"
                ),
            )
        }
    };
    let vanished = Instant::now();
    assert!(sockets() > before);
    wait::until(
        "the end of its session",
        Duration::from_secs(100),
        async || (client.call(7, "{}").await == 404).then_some(()),
    )
    .await;
    let took = vanished.elapsed();
    stage.struck(proof);
    let most = Duration::from_secs(beat + gone) + LATE;
    stage.within("its session is gone after", took, most);
    wait::until("its connection to be closed", DEADLINE, async || {
        (proc::open_sockets(stage.gateway.pid())? <= before).then_some(())
    })
    .await;
    same_sessions(&stage.gateway, sessions).await;
    drop(client);
    stage.close().await;
}

/// How many sessions there are.
async fn sessions(gateway: &Gateway) -> f64 {
    metrics::sum(gateway, "mcproxy_sessions", &[]).await
}

/// Waits until there are no more than that.
async fn same_sessions(gateway: &Gateway, before: f64) {
    wait::until("no session more than before", DEADLINE, async || {
        (sessions(gateway).await <= before).then_some(())
    })
    .await;
}

/// A call that takes a minute, or that is over soon, and says how it goes.
fn long_call(id: usize, ms: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"bad__sleep","arguments":{{"ms":{ms},"steps":4}},"_meta":{{"progressToken":{id}}}}}}}"#
    )
}

/// How many cancellations the server has got.
async fn cancels(witness: &SseClient) -> usize {
    let text = text_of(&witness.call_tool("bad__received_cancels", "{}").await);
    let cancels: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    cancels.len()
}

/// What holds over HTTP+SSE: three calls are cancelled when their client ends its connection, by FIN or by RST.
async fn over_sse(stage: &mut Stage, witness: &SseClient, how: &str) {
    let addr = stage.gateway.addr();
    let open = sessions(&stage.gateway).await;
    let client = Reader::open(addr).await;
    for id in 0..3 {
        let call = long_call(id, 60_000);
        assert_eq!(client.post(&call).await, 202);
    }
    let before = cancels(witness).await; // the server has got them by now
    let endpoint = client.endpoint.clone();
    if how == "RST" {
        let linger = SockRef::from(&client.stream).set_linger(Some(Duration::ZERO));
        linger.expect("an open socket");
    }
    drop(client);
    let closed = Instant::now();
    wait::until("the cancellations", DEADLINE, async || {
        (cancels(witness).await == before + 3).then_some(())
    })
    .await;
    same_sessions(&stage.gateway, open).await;
    let json = ("content-type", "application/json");
    let late = long_call(9, 1);
    let refused = http::request(addr, "POST", &endpoint, &[json], late.as_bytes()).await;
    stage.struck(format!("SSE: {how} while 3 calls ran"));
    stage.holds("its session is gone", refused.status == 404);
    let took = closed.elapsed();
    stage.within(
        "its calls are cancelled after",
        took,
        Duration::from_secs(1),
    );
}

/// The id of the next event that has one.
async fn next_id(stream: &mut EventStream) -> String {
    loop {
        if let Item::Event { id: Some(id), .. } = stream.next().await.expect("an event") {
            return id;
        }
    }
}

/// What holds over Streamable HTTP: the call runs on, and its answer waits.
async fn over_mcp(stage: &mut Stage, witness: &SseClient) {
    let endpoint = Endpoint::initialized(stage.gateway.addr(), "2025-11-25").await;
    let before = cancels(witness).await;
    let mut stream = endpoint
        .begin(&long_call(1, 500))
        .await
        .reply()
        .await
        .stream();
    let last = next_id(&mut stream).await;
    drop(stream);
    stage.struck(format!("/mcp: closed after the event {last}"));
    let other = endpoint.begin(&long_call(2, 600)).await.reply().await;
    assert_eq!(text_of(&other.message().await), "slept"); // the first has ended by now

    let mut resumed = wait::until("the stream again", DEADLINE, async || {
        let headers = [("last-event-id", last.as_str())];
        let reply = endpoint.request("GET", &headers).await;
        (reply.status() == 200).then(|| reply.stream())
    })
    .await;
    let mut rest = Vec::new();
    while let Some(event) = resumed.message().await {
        rest.push(event.data);
    }
    let answer = rest.pop().expect("an answer");
    stage.holds(
        "its answer waited for the resumption, behind all its progress",
        (id_of(&answer), text_of(&answer).as_str(), rest.len()) == ("1", "slept", 4),
    );
    stage.at_most("cancelled", &(cancels(witness).await - before), &0);
    endpoint.delete().await;
}

#[tokio::test]
async fn f37_closed_in_a_call() {
    let mut stage = Stage::open(37, &[fixture("bad", &[])]).await;
    let witness = stage.client::<Sse>().await;
    for how in ["FIN", "RST"] {
        over_sse(&mut stage, &witness, how).await;
    }
    over_mcp(&mut stage, &witness).await;
    witness.close().await;
    stage.close().await;
}
