//! Clients that call without a pause, half of them on a connection that they keep, and what they saw.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::support::http::{Connection, Response};
use crate::support::streamable::{Endpoint, call_tool};

const VERSION: &str = "2025-11-25";
/// No call takes so long.
const DEADLINE: Duration = Duration::from_secs(20);

/// What all clients together saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Calls with their own answer.
    pub(crate) answered: usize,
    /// Why calls had no answer of a server.
    pub(crate) failed: Vec<String>,
    /// Answers that a client had not asked for, or twice.
    pub(crate) crossed: usize,
    /// Sessions that were not known any more.
    pub(crate) lost: usize,
    /// The longest time in which nobody had an answer.
    pub(crate) silence: Duration,
}

/// Clients at work.
pub(crate) struct Clients {
    tasks: JoinSet<Vec<Call>>,
    goes_on: Arc<AtomicBool>,
    /// The process that answered each of them last.
    pub(crate) last: Vec<Arc<std::sync::atomic::AtomicU32>>,
}

struct Call {
    at: Instant,
    outcome: Outcome,
}

enum Outcome {
    Answered,
    Crossed,
    Lost,
    Failed(String),
}

impl Clients {
    /// So many, each with a session of its own.
    pub(crate) async fn start(addr: SocketAddr, count: usize) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let (mut tasks, mut last) = (JoinSet::new(), Vec::new());
        for client in 0..count {
            let endpoint = Endpoint::initialized(addr, VERSION).await;
            let answered_by = Arc::new(std::sync::atomic::AtomicU32::new(0));
            last.push(answered_by.clone());
            let goes_on = goes_on.clone();
            tasks.spawn(async move {
                let mut caller = Caller {
                    endpoint,
                    keeps: client % 2 == 0,
                    connection: None,
                };
                let (mut calls, mut id) = (Vec::new(), 10);
                while goes_on.load(Ordering::Relaxed) {
                    id += 1;
                    let outcome = caller.call(id, &answered_by).await;
                    let at = Instant::now();
                    if matches!(outcome, Outcome::Failed(_)) {
                        // As a client does that is told to try again.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    calls.push(Call { at, outcome });
                }
                calls
            });
        }
        Self {
            tasks,
            goes_on,
            last,
        }
    }

    /// How many were answered by one of these processes last.
    pub(crate) fn of(&self, is_it: impl Fn(u32) -> bool) -> usize {
        let last = self.last.iter().map(|pid| pid.load(Ordering::Relaxed));
        last.filter(|pid| is_it(*pid)).count()
    }

    /// Ends them all: what they saw.
    pub(crate) async fn stop(mut self) -> Seen {
        self.goes_on.store(false, Ordering::Relaxed);
        let (mut seen, mut times) = (Seen::default(), Vec::new());
        while let Some(calls) = self.tasks.join_next().await {
            for call in calls.expect("a client does not fail") {
                match call.outcome {
                    Outcome::Answered => {
                        seen.answered += 1;
                        times.push(call.at);
                    }
                    Outcome::Crossed => seen.crossed += 1,
                    Outcome::Lost => seen.lost += 1,
                    Outcome::Failed(why) => seen.failed.push(why),
                }
            }
        }
        times.sort();
        let pauses = times.windows(2).map(|two| two[1] - two[0]);
        seen.silence = pauses.max().unwrap_or_default();
        seen
    }
}

struct Caller {
    endpoint: Endpoint,
    keeps: bool,
    connection: Option<Connection>,
}

impl Caller {
    /// Asks who answers, with an argument that no other call has.
    async fn call(&mut self, id: u32, answered_by: &std::sync::atomic::AtomicU32) -> Outcome {
        let body = call_tool(id, "fx__pid", "{}");
        let reply = match timeout(DEADLINE, self.exchange(&body)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => return Outcome::Failed(format!("the connection broke: {error}")),
            Err(_) => return Outcome::Failed("no answer in time".to_owned()),
        };
        match reply.status {
            200 => {}
            404 => return Outcome::Lost,
            status => return Outcome::Failed(format!("{status}: {:.200}", reply.text())),
        }
        let answer: Value = match serde_json::from_str(&reply.text()) {
            Ok(answer) => answer,
            Err(error) => return Outcome::Failed(format!("{error}: {:.200}", reply.text())),
        };
        if answer["id"] != id {
            return Outcome::Crossed;
        }
        let text = answer["result"]["content"][0]["text"].as_str();
        let said = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
        match said.and_then(|said| u32::try_from(said["pid"].as_u64()?).ok()) {
            Some(pid) => {
                answered_by.store(pid, Ordering::Relaxed);
                Outcome::Answered
            }
            None => Outcome::Failed(answer.to_string()),
        }
    }

    /// On the connection that it keeps, as long as that goes on, else on one for this call.
    async fn exchange(&mut self, body: &str) -> std::io::Result<Response> {
        let head = self.endpoint.post_head(&[("accept", "application/json")]);
        let kept = self.connection.take().filter(Connection::is_idle);
        let mut connection = match kept {
            Some(kept) => kept,
            None => Connection::open(self.endpoint.addr).await?,
        };
        connection.post(&head, body.as_bytes()).await?;
        let reply = connection.response().await?;
        let goes_on = reply.header("connection") != Some("close");
        self.connection = (self.keeps && goes_on).then_some(connection);
        Ok(reply)
    }
}
