//! Rows 150 to 153: what one client may take of what all share. A client is an address here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use nix::sys::signal::Signal;
use serde_json::json;

use super::stage::Stage;
use crate::support::client::{DEADLINE, Sse};
use crate::support::fleet;
use crate::support::http::{self, Connection};
use crate::support::servers::fixture;
use crate::support::{proc, streamable, wait};

const VERSION: &str = "2025-06-18";
const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");
/// Who takes all there is, and who comes then. The bystanders have an address of their own.
pub(crate) const GREEDY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
pub(crate) const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

/// A session over `/mcp` of a client that has this address.
pub(crate) struct Caller {
    pub(crate) connection: Connection,
    pub(crate) head: String,
}

impl Caller {
    pub(crate) async fn open(addr: SocketAddr, from: IpAddr) -> Self {
        let mut connection = Connection::open_from(addr, from).await.expect("it listens");
        let head = http::request_head(addr, "POST", "/mcp", &[JSON, ACCEPT]);
        let hello = streamable::initialize(1, VERSION, "{}");
        let reply = exchange(&mut connection, &head, &hello).await;
        let session = reply.header("mcp-session-id").expect("a session");
        let headers = [
            JSON,
            ACCEPT,
            ("mcp-session-id", session),
            ("mcp-protocol-version", VERSION),
        ];
        let head = http::request_head(addr, "POST", "/mcp", &headers);
        Self { connection, head }
    }

    pub(crate) async fn call(&mut self, tool: &str) -> String {
        self.post(&streamable::call_tool(2, tool, "{}")).await
    }

    async fn subscribe(&mut self, uri: &str) -> String {
        let params = json!({ "uri": uri });
        let request =
            json!({ "jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": params });
        self.post(&request.to_string()).await
    }

    async fn post(&mut self, request: &str) -> String {
        exchange(&mut self.connection, &self.head, request)
            .await
            .text()
    }
}

async fn exchange(connection: &mut Connection, head: &str, body: &str) -> http::Response {
    let exchange = connection.exchange(head, body.as_bytes());
    wait::within(|| "an answer".to_owned(), DEADLINE, exchange).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f150_one_address_takes_all_sessions() {
    const MOST: usize = 40;
    let settings = json!({ "max_sessions": MOST });
    let mut stage = Stage::with(150, &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let head = http::request_head(addr, "GET", "/sse", &[("accept", "text/event-stream")]);
    let open = async |from| {
        let mut connection = Connection::open_from(addr, from).await.expect("it listens");
        connection.post(&head, b"").await.expect("it is read");
        let reply = wait::within(|| "an answer".to_owned(), DEADLINE, connection.head()).await;
        (reply.status == 200).then_some(connection)
    };
    let mut streams = Vec::new();
    while let Some(stream) = open(GREEDY).await {
        streams.push(stream);
    }
    stage.struck(format!(
        "{} streams of one address, then 503",
        streams.len()
    ));
    let others = [open(OTHER).await, open(OTHER).await, open(OTHER).await];
    let served = others.iter().flatten().count();
    stage.holds("another address has its own", served == others.len());
    stage.holds("the first has no more", open(GREEDY).await.is_none());
    let sessions = stage.metric("mcproxy_sessions").await;
    stage.at_most("sessions", &sessions, &MOST);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f151_one_address_takes_all_instances() {
    const MOST: usize = 4;
    let mut own = fixture("own", &["--offers"]);
    own["isolation"] = json!("session");
    let settings = json!({ "max_instances": MOST });
    let mut stage = Stage::with(151, &[own], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let (mut callers, mut refused) = (Vec::new(), 0);
    for number in 0..3 * MOST {
        let mut caller = Caller::open(addr, GREEDY).await;
        let answer = caller.call("own__state").await;
        let is_refused = answer.contains("busy");
        assert_eq!(is_refused, number >= MOST, "{answer}");
        refused += usize::from(is_refused);
        callers.push(caller);
    }
    stage.struck(format!(
        "{MOST} instances of one address, {refused} more refused"
    ));
    let mut other = Caller::open(addr, OTHER).await;
    let answer = other.call("own__state").await;
    stage.holds("another address has its own", answer.contains("pid"));
    let answer = callers[3 * MOST - 1].call("own__state").await;
    stage.holds("the first has no more", answer.contains("busy"));
    let answer = callers[MOST - 1].call("own__state").await;
    stage.holds("what it used last goes on", answer.contains("pid"));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f152_one_address_takes_all_subscriptions() {
    let settings = json!({ "max_subscriptions_bytes": "64KiB" });
    let entries = [fixture("bad", &["--offers", "--resources", "200"])];
    let mut stage = Stage::with(152, &entries, &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let mut refused = 0;
    for _ in 0..2 {
        let mut greedy = Caller::open(addr, GREEDY).await;
        for number in 0..100 {
            let answer = greedy.subscribe(&format!("fx://{number}")).await;
            refused += usize::from(answer.contains("busy"));
        }
    }
    stage.struck(format!(
        "200 subscriptions of one address, {refused} refused"
    ));
    assert!(refused > 0, "all were granted");
    // Half of the sixteenth that is left, at 64 KiB.
    let mut other = Caller::open(addr, OTHER).await;
    for number in 0..3 {
        let answer = other.subscribe(&format!("fx://{number}")).await;
        assert!(answer.contains("result"), "{answer}");
    }
    stage.holds("another address subscribes", true);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f153_many_subscriptions_renewed() {
    const EACH: usize = 1000;
    const ALL: usize = 3 * EACH;
    const MIB: i64 = 1 << 20;
    let uri = |session, number| format!("fx://{session}/{number:03}/{}", "u".repeat(8_000));
    let entries = [fixture("bad", &["--offers", "--resources", "1"])];
    let mut stage = Stage::open(153, &entries).await;
    let addr = stage.gateway.addr();
    let mut callers = Vec::new();
    for session in 0..3 {
        let mut caller = Caller::open(addr, GREEDY).await;
        for number in 0..EACH {
            let answer = caller.subscribe(&uri(session, number)).await;
            assert!(answer.contains("result"), "{answer}");
        }
        callers.push(caller);
    }
    let asker = stage.client::<Sse>().await;
    let server = fleet::identify(&asker, "bad").await;
    let gateway = stage.gateway.pid();
    proc::forget_peak(gateway);
    let rss = proc::rss(gateway).expect("it runs");
    assert!(proc::send(server.pid, Signal::SIGKILL));
    server.gone(DEADLINE).await;
    for session in 0..3 {
        // The last one that it is asked for.
        let arguments = json!({ "uri": uri(session, EACH - 1) }).to_string();
        wait::until("all subscriptions again", DEADLINE, async || {
            let answer = asker.call_tool("bad__update", &arguments).await;
            answer.contains("sent").then_some(())
        })
        .await;
    }
    stage.struck(format!(
        "a server with {ALL} subscriptions was killed, and has them all again"
    ));
    let peak = proc::peak_rss(gateway).expect("it runs");
    let more = i64::try_from(peak).expect("it fits") - i64::try_from(rss).expect("it fits");
    stage.memory("more at the peak", more, 8 * MIB);
    stage.close().await;
}
