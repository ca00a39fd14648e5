//! Workers run the servers; fronts run none, and have the workers for servers, without a prefix. What a client of a front
//! sees and calls is what a client of one gateway with all servers would.

mod ends;
mod lists;
mod sessions;

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::client::{Client, DEADLINE, Streamable, Transport as _};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{fixture, tool_names};
use crate::support::wait;

const SOON: Duration = Duration::from_secs(30);
const FRONTS: usize = 2;

/// A worker, which can be ended and started again where it was.
struct Worker {
    gateway: Gateway,
    addr: SocketAddr,
    home: TempDir,
    config: Value,
}

impl Worker {
    async fn start(servers: Value) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let config = json!({ "servers": servers });
        let options = GatewayOptions::new(config.to_string()).home(home.path());
        let gateway = Gateway::start(options).await;
        let addr = gateway.addr();
        Self {
            gateway,
            addr,
            home,
            config,
        }
    }

    /// Starts it again, at the same address.
    async fn again(&mut self) {
        let options = GatewayOptions::new(self.config.to_string()).home(self.home.path());
        let listen = self.addr.to_string();
        self.gateway = Gateway::start(options.arg("--listen").arg(listen)).await;
    }

    /// As a front has it.
    fn entry(&self, name: &str) -> Value {
        let url = format!("http://{}/mcp", self.addr);
        json!({ "name": name, "url": url, "prefix": "" })
    }
}

/// Two fronts of these workers, `w0`, `w1` and so on, whose entries have these fields besides.
async fn fronts(workers: &[&Worker], fields: &[(&str, Value)]) -> Vec<Gateway> {
    let entries = workers.iter().enumerate().map(|(at, worker)| {
        let mut entry = worker.entry(&format!("w{at}"));
        for (name, value) in fields {
            entry[*name] = value.clone();
        }
        entry
    });
    let config = json!({
        "gateway": { "restart_delay": "100ms" }, "servers": entries.collect::<Vec<_>>(),
    });
    let mut fronts = Vec::new();
    for _ in 0..FRONTS {
        let front = Gateway::start(GatewayOptions::new(config.to_string())).await;
        for at in 0..workers.len() {
            is(&front, &format!("w{at}"), "ready").await;
        }
        fronts.push(front);
    }
    fronts
}

/// Waits until a gateway says this of a server.
async fn is(gateway: &Gateway, server: &str, state: &str) -> Value {
    let what = format!("{server} to be {state}");
    wait::until(&what, SOON, async || {
        let now = status(gateway, server).await;
        (now["state"] == state).then_some(now)
    })
    .await
}

async fn status(gateway: &Gateway, server: &str) -> Value {
    let text = http::get(gateway.addr(), "/status").await.text();
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let mut servers = all["servers"].as_array().expect("a list").iter();
    servers
        .find(|it| it["name"] == server)
        .cloned()
        .unwrap_or_default()
}

async fn client(gateway: &Gateway) -> Client<Streamable> {
    let client = Streamable::client(gateway.addr()).await;
    client.initialize().await;
    client
}

/// All entries of a list, as a client sees them.
async fn list(client: &Client<Streamable>, method: &str) -> Vec<Value> {
    let answer = client.call(method, None, DEADLINE).await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let lists = answer["result"].as_object().expect("a result");
    let list = lists.values().find_map(Value::as_array);
    list.unwrap_or_else(|| panic!("{answer}")).clone()
}

async fn names(client: &Client<Streamable>) -> Vec<String> {
    tool_names(&client.call("tools/list", None, DEADLINE).await)
}

/// Waits until a client's call of this tool is answered by its server again.
async fn heals(client: &Client<Streamable>, tool: &str) {
    wait::until("an answer", SOON, async || {
        let answer = client.call_tool(tool, r#"{"text":"there"}"#).await;
        answer.contains(r#""text":"there""#).then_some(())
    })
    .await;
}

/// What the fixture offers when it offers everything, marked by its name.
fn offering(name: &str) -> Value {
    let instructions = format!("Read {name} first.");
    fixture(
        name,
        &[
            "--offers",
            "--marker",
            name,
            "--instructions",
            &instructions,
        ],
    )
}
