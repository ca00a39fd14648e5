//! Tests of the whole tree without HTTP: shell scripts as servers, and a frontend that hands the
//! sessions to the test in the place of a port.

mod instances;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::protocol::jsonrpc;
use crate::supervise::chaos::Chaos;
use crate::supervise::{Fault, Moment};
use crate::tree::{
    self, CallError, Exit, FrontendLinks, Outbound, Part, Portless, SessionHandle, SessionsHandle,
    Settings, Tree,
};

/// A server with one tool, `t`: ready, then what follows.
const READY: &str = r#"
    read hello
    echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}}}}'
    read initialized; read list
    echo '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}}'
"#;
const SOON: Duration = Duration::from_secs(30);

struct House {
    tree: Tree,
    doors: UnboundedReceiver<FrontendLinks>,
    sessions: SessionsHandle,
    chaos: Chaos,
    settings: Settings,
    directory: TempDir,
}

fn entry(name: &str, script: &str) -> Value {
    json!({"name": name, "command": "sh", "args": ["-c", script]})
}

fn write(directory: &Path, servers: &[(&str, &str)]) {
    let servers: Vec<Value> = servers
        .iter()
        .map(|(name, script)| entry(name, script))
        .collect();
    write_entries(directory, &servers);
}

fn write_entries(directory: &Path, servers: &[Value]) {
    let text = json!({"servers": servers}).to_string();
    let mut file = std::fs::File::create(directory.join("mcp-servers.json")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

impl House {
    async fn of(servers: &[(&str, &str)]) -> Self {
        let entries: Vec<Value> = servers
            .iter()
            .map(|(name, script)| entry(name, script))
            .collect();
        Self::of_entries(&entries).await
    }

    async fn of_entries(servers: &[Value]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        write_entries(directory.path(), servers);
        let settings = Settings::new(directory.path().join("mcp-servers.json"));
        let (door, mut doors) = mpsc::unbounded_channel();
        let chaos = Chaos::default();
        let tree = tree::start(settings.clone(), chaos.clone(), Portless(door))
            .await
            .unwrap();
        let sessions = timeout(SOON, doors.recv()).await.unwrap().unwrap().sessions;
        Self {
            tree,
            doors,
            sessions,
            chaos,
            settings,
            directory,
        }
    }

    async fn client(&self) -> Client {
        let opened = self.sessions.open_sse().await.unwrap();
        let session = self.sessions.find(&opened.id).await.unwrap();
        let stream = opened.stream;
        Client { session, stream }
    }

    /// Waits until so many servers run.
    async fn runs(&self, count: usize) {
        let deadline = Instant::now() + SOON;
        while self.settings.groups.len() != count {
            let running = self.settings.groups.len();
            assert!(
                Instant::now() < deadline,
                "{running} servers run, not {count}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stops(mut self) {
        let start = Instant::now();
        self.tree.stop();
        assert_eq!(timeout(SOON, self.tree.wait()).await, Ok(Exit::Stopped));
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
        assert!(self.settings.groups.is_empty());
    }
}

struct Client {
    session: SessionHandle,
    stream: Outbound,
}

impl Client {
    fn asks(&self, id: u64, method: &str, params: &Value) {
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let text = Bytes::from(message.to_string());
        let message = jsonrpc::decode(&text).unwrap();
        self.session.deliver(message).unwrap();
    }

    fn calls(&self, id: u64, tool: &str) {
        self.asks(id, "tools/call", &json!({"name": tool}));
    }

    async fn next_or_end(&mut self) -> Option<Value> {
        let event = timeout(SOON, self.stream.next()).await.unwrap()?;
        Some(serde_json::from_slice(&event.message).unwrap())
    }

    async fn next(&mut self) -> Value {
        self.next_or_end().await.unwrap()
    }

    /// Waits until this tool can be called.
    async fn lists(&mut self, tool: &str) {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            self.asks(0, "tools/list", &json!({}));
            let answer = loop {
                let message = self.next().await;
                if message["id"] == 0 {
                    break message.to_string();
                }
            };
            if answer.contains(tool) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{tool} is never listed");
    }
}

fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"].as_str().unwrap()
}

fn hanging() -> String {
    format!("{READY} cat >/dev/null")
}

#[tokio::test]
async fn a_stop_answers_everything_before_the_streams_end() {
    let slow = "cat >/dev/null";
    let house = House::of(&[("s", &hanging()), ("slow", slow)]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    client.calls(2, "slow__t");
    client.asks(3, "tools/list", &json!({}));
    // The first call has been sent when a ping after it is answered and its server is up.
    client.asks(4, "ping", &json!({}));
    assert_eq!(client.next().await["id"], 4);
    house.runs(2).await;
    let mut answers = Vec::new();
    let reading = async {
        while let Some(message) = client.next_or_end().await {
            answers.push(message);
        }
    };
    tokio::join!(reading, house.stops());
    let mut ids: Vec<u64> = answers.iter().filter_map(|m| m["id"].as_u64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3], "{answers:?}");
    for answer in &answers {
        let said = answer.to_string();
        let is_said = said.contains("being stopped") || said.contains("the gateway is stopping");
        assert!(is_said, "{said}");
    }
}

#[tokio::test]
async fn a_call_that_its_server_never_answers_is_answered_by_the_stop() {
    let house = House::of(&[("s", &hanging())]).await;
    let mut client = house.client().await;
    client.lists("s__t").await;
    client.calls(1, "s__t");
    client.asks(2, "ping", &json!({}));
    assert_eq!(client.next().await["id"], 2);
    let sessions = house.sessions.clone();
    let start = Instant::now();
    let reading = async {
        let answer = client.next().await;
        assert!(
            text(&answer).contains("server 's' is being stopped"),
            "{answer}"
        );
        let waited = start.elapsed();
        assert!(
            waited >= Duration::from_secs(2),
            "it had its time: {waited:?}"
        );
        assert_eq!(client.next_or_end().await, None);
    };
    tokio::join!(reading, house.stops());
    assert_eq!(sessions.open_sse().await.err(), Some(CallError::Gone));
}

#[tokio::test]
async fn a_stop_without_clients_and_with_obeying_servers_is_quick() {
    let house = House::of(&[("a", &hanging()), ("b", &hanging())]).await;
    let mut client = house.client().await;
    client.lists("b__t").await;
    let start = Instant::now();
    house.stops().await;
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(client.next_or_end().await, None);
}

#[tokio::test]
async fn the_registry_and_the_config_actor_may_die_and_no_call_fails() {
    let echoes = format!(
        r#"{READY}
        id=2
        while read call; do
            echo "{{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{{}}}}"; id=$((id + 1))
        done"#
    );
    let house = House::of(&[("s", &echoes)]).await;
    let mut client = house.client().await;
    client.lists("s__t").await;
    let mut id = 0;
    for kind in ["registry", "config", "registry"] {
        house.chaos.plan(kind, Moment::Message, 1, Fault::Panic);
        // Something for both to do: an entry that is another each time.
        let news = format!("exit {id}");
        write(house.directory.path(), &[("s", &echoes), ("x", &news)]);
        house.tree.reload();
        let (enough, deadline) = (id + 300, Instant::now() + SOON);
        while id < enough || house.chaos.pending() > 0 {
            assert!(Instant::now() < deadline, "{kind} has not died");
            id += 1;
            client.calls(id, "s__t");
            let answer = client.next().await;
            assert_eq!(answer["result"], json!({"content": []}), "{answer}");
            assert_eq!(answer["id"], id);
        }
    }
    house.stops().await;
}

#[tokio::test]
async fn the_sessions_are_restarted_and_the_listener_after_them() {
    let mut house = House::of(&[("s", &hanging())]).await;
    let mut client = house.client().await;
    client.lists("s__t").await;
    house
        .chaos
        .plan("sessions", Moment::Message, 0, Fault::Error);
    let lost = house.sessions.open_sse().await;
    assert_eq!(lost.err(), Some(CallError::Gone));
    assert_eq!(client.next_or_end().await, None);
    house.sessions = timeout(SOON, house.doors.recv())
        .await
        .unwrap()
        .unwrap()
        .sessions;
    let mut client = house.client().await;
    client.lists("s__t").await;
    house.stops().await;
}

#[tokio::test]
async fn too_many_restarts_end_it_with_nothing_left() {
    let mut house = House::of(&[("s", &hanging())]).await;
    let mut client = house.client().await;
    client.lists("s__t").await;
    for _ in 0..6 {
        house
            .chaos
            .plan("listener", Moment::Started, 0, Fault::Panic);
    }
    house
        .chaos
        .plan("sessions", Moment::Message, 0, Fault::Panic);
    let lost = house.sessions.open_sse().await;
    assert_eq!(lost.err(), Some(CallError::Gone));
    let exit = timeout(SOON, house.tree.wait()).await.unwrap();
    assert_eq!((exit, exit.code()), (Exit::GaveUp, 70));
    house.runs(0).await;
}

#[tokio::test]
async fn whoever_does_not_answer_a_beat_is_named_and_the_round_goes_on() {
    let house = House::of(&[]).await;
    let pulse = house.tree.pulse();
    let (sender, late) = oneshot::channel();
    let told = |missing: &BTreeSet<Part>| drop(sender.send(missing.clone()));
    tokio::select! {
        () = pulse.round(Duration::from_secs(2), told) => panic!("without an accept loop"),
        missing = timeout(SOON, late) => {
            let missing = missing.unwrap().unwrap();
            assert_eq!(missing, BTreeSet::from([Part::AcceptLoop]));
        }
    }
    house.stops().await;
}
