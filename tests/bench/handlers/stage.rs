//! A gateway whose turns are measured, and what its worst ones were at which step.

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::offer::Offer;
use super::server::{self, Deed, order};
use crate::Plan;
use crate::support::client::{Client, SseClient, StreamableClient, StreamableOptions, Transport};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{self, Connection};
use crate::support::mailbox::Mailbox;

/// For every step: at the limits, on a busy machine, behind handlers that may be slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const KEPT: &str = "mcproxy_turn_cpu_seconds_max{";
const ASIDE: &str = "mcproxy_turn_aside_cpu_seconds_max{";

/// The actor and the kind of message.
pub(crate) type Turn = (String, String);

/// The most that a kind of turn took, in milliseconds, and what was done then.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peak {
    pub(crate) millis: f64,
    pub(crate) step: &'static str,
}

/// Of all kinds that were seen, over all gateways of a scale.
#[derive(Debug, Default)]
pub(crate) struct Peaks {
    /// While it kept its worker.
    pub(crate) kept: BTreeMap<Turn, Peak>,
    /// While another thread did the rest of the worker's work.
    pub(crate) aside: BTreeMap<Turn, Peak>,
}

impl Peaks {
    /// Takes in what `/metrics` says at this step.
    fn take(&mut self, metrics: &str, step: &'static str) {
        for (family, peaks) in [(KEPT, &mut self.kept), (ASIDE, &mut self.aside)] {
            for line in metrics.lines() {
                let Some((turn, seconds)) = line.strip_prefix(family).and_then(sample) else {
                    continue;
                };
                let peak: &mut Peak = peaks.entry(turn).or_default();
                if seconds * 1e3 >= peak.millis {
                    let millis = seconds * 1e3;
                    *peak = Peak { millis, step };
                }
            }
        }
    }
}

/// `actor="x",message="y"} 0.1`, taken apart.
fn sample(line: &str) -> Option<(Turn, f64)> {
    let (labels, seconds) = line.rsplit_once("} ")?;
    let labels = labels.strip_prefix("actor=\"")?.strip_suffix('"')?;
    let (actor, message) = labels.split_once("\",message=\"")?;
    let turn = (actor.to_owned(), message.to_owned());
    Some((turn, seconds.parse().ok()?))
}

/// An entry of the configuration: one of our servers.
///
/// # Errors
/// When this binary can't find itself.
pub(crate) fn entry(name: &str, offer: &Offer) -> anyhow::Result<Value> {
    let own = env::current_exe()?;
    let own = own.to_str().context("the path of this binary is UTF-8")?;
    let args = server::arguments(offer, name)?;
    Ok(json!({ "name": name, "command": own, "args": args }))
}

/// The same with a field more.
pub(crate) fn with(mut entry: Value, field: &str, value: Value) -> Value {
    if let Some(fields) = entry.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
    entry
}

/// A running gateway, and where its peaks go.
pub(crate) struct Stage<'a> {
    pub(crate) gateway: Gateway,
    peaks: &'a mut Peaks,
    /// What each turn's worst was at the last step: older peaks are none of the next one.
    seen: String,
    /// A service manager that wants to hear from all parts of the gateway.
    _manager: Mailbox,
}

impl<'a> Stage<'a> {
    /// Starts the gateway and waits until it has the lists of all servers.
    ///
    /// # Errors
    /// When they are not there in time.
    pub(crate) async fn open(
        plan: &Plan,
        peaks: &'a mut Peaks,
        servers: &[Value],
    ) -> anyhow::Result<Self> {
        let mut options = GatewayOptions::new(json!({ "servers": servers }).to_string());
        options.binary.clone_from(&plan.gateway);
        let manager = Mailbox::open();
        let options = options
            .env("NOTIFY_SOCKET", manager.name())
            .env("WATCHDOG_USEC", "4000000")
            .env("MCPROXY_MEASURE_TURNS", "1")
            .arg("--max-connections=4000");
        let gateway = Gateway::start(options).await;
        let mut stage = Self {
            gateway,
            peaks,
            seen: String::new(),
            _manager: manager,
        };
        stage.until_ready(servers.len()).await?;
        stage.note("the start").await?;
        Ok(stage)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.gateway.addr()
    }

    /// Waits until so many servers are ready.
    ///
    /// # Errors
    /// When they are not in time.
    pub(crate) async fn until_ready(&self, count: usize) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            let status = self.get("/status").await?;
            let status: Value = serde_json::from_str(&status).unwrap_or_default();
            let servers = status.get("servers").and_then(Value::as_array);
            let servers = servers.into_iter().flatten();
            let ready = servers
                .filter(|server| server.get("state").is_some_and(|state| state == "ready"))
                .count();
            if ready >= count {
                return Ok(());
            }
            let waited = begin.elapsed();
            ensure!(waited < PATIENCE, "{ready} of {count} servers are ready");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the gateway says at `path`.
    ///
    /// # Errors
    /// When it does not, in time.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<String> {
        fetch(self.addr(), path).await
    }

    /// Puts down the peaks of what was done since the last time.
    ///
    /// # Errors
    /// When the gateway does not say.
    pub(crate) async fn note(&mut self, step: &'static str) -> anyhow::Result<()> {
        let metrics = self.get("/metrics").await?;
        let before = std::mem::replace(&mut self.seen, metrics);
        let before: std::collections::HashSet<&str> = before.lines().collect();
        let news = self.seen.lines().filter(|line| !before.contains(line));
        let news: Vec<&str> = news.collect();
        self.peaks.take(&news.join("\n"), step);
        Ok(())
    }

    /// A client over Streamable HTTP.
    pub(crate) async fn client(&self, version: &str, listen: bool) -> StreamableClient {
        let options = StreamableOptions {
            listen,
            ..StreamableOptions::default()
        };
        let client = StreamableClient::of(self.addr(), &options);
        client
            .initialize_with(version, r#"{"sampling":{},"roots":{}}"#)
            .await;
        client
    }

    /// One over HTTP+SSE.
    pub(crate) async fn sse_client(&self) -> SseClient {
        let client = SseClient::connect(self.addr()).await;
        client.initialize().await;
        client
    }

    /// Ends the gateway, and puts down the peaks of that as long as it says them.
    ///
    /// # Errors
    /// When its exit code is not 0.
    pub(crate) async fn end(mut self, step: &'static str) -> anyhow::Result<()> {
        self.note("the last step").await?;
        let addr = self.addr();
        let (mut last, before) = (String::new(), self.seen.clone());
        let looking = async {
            while let Ok(metrics) = fetch(addr, "/metrics").await {
                last = metrics;
                sleep(Duration::from_millis(20)).await;
            }
        };
        let (status, ()) = tokio::join!(self.gateway.terminate(), looking);
        let before: std::collections::HashSet<&str> = before.lines().collect();
        let news: Vec<&str> = last.lines().filter(|line| !before.contains(line)).collect();
        self.peaks.take(&news.join("\n"), step);
        ensure!(status.success(), "the gateway ended with {status}");
        Ok(())
    }
}

async fn fetch(addr: SocketAddr, path: &str) -> anyhow::Result<String> {
    let head = http::request_head(addr, "GET", path, &[]) + "connection: close\r\n\r\n";
    let asking = async {
        let mut connection = Connection::open(addr).await?;
        connection.send(head.as_bytes()).await?;
        connection.response().await
    };
    let response = tokio::time::timeout(PATIENCE, asking).await;
    Ok(response.with_context(|| path.to_owned())??.text())
}

/// Has a server do something, and waits until it is done.
///
/// # Errors
/// When it could not.
pub(crate) async fn told<T: Transport>(
    client: &Client<T>,
    server: &str,
    (deed, n): (Deed, usize),
) -> anyhow::Result<()> {
    let params = call_params(server, (deed, n));
    let answer = client.call("tools/call", Some(&params), PATIENCE).await;
    let is_result = answer.contains("\"result\"") && !answer.contains("\"isError\":true");
    ensure!(is_result, "{deed:?} by {server}: {answer:.500}");
    Ok(())
}

/// Calls that are not answered, from as many clients as it takes; their ids.
pub(crate) async fn hold<T: Transport>(clients: &[Client<T>], server: &str, count: usize) {
    let params = call_params(server, (Deed::Hold, 0));
    for client in clients.iter().cycle().take(count) {
        client.request("tools/call", Some(&params)).await;
    }
}

fn call_params(server: &str, (deed, n): (Deed, usize)) -> String {
    let arguments = order(deed, n);
    format!(r#"{{"name":"{server}__do","arguments":{arguments},"_meta":{{"progressToken":"p"}}}}"#)
}

/// Reads all four lists to their ends.
///
/// # Errors
/// When there is none.
pub(crate) async fn read_all<T: Transport>(client: &Client<T>) -> anyhow::Result<()> {
    for list in ["tools", "prompts", "resources", "resources/templates"] {
        page_through(client, &format!("{list}/list")).await?;
    }
    Ok(())
}

async fn page_through<T: Transport>(client: &Client<T>, method: &str) -> anyhow::Result<()> {
    let mut params = None;
    loop {
        let list = client.call(method, params.as_deref(), PATIENCE).await;
        let list: Value = serde_json::from_str(&list)?;
        ensure!(list.get("error").is_none(), "{method}: {list:.500}");
        let cursor = list.pointer("/result/nextCursor");
        let Some(cursor) = cursor.and_then(Value::as_str) else {
            return Ok(());
        };
        params = Some(json!({ "cursor": cursor }).to_string());
    }
}
