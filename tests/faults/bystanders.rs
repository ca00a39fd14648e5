//! Nine servers that have nothing to do with the fault, called all the time: every call must succeed with its own
//! text, and in about the time it takes when nothing is wrong. While the kernel has no core for the gateway, the
//! server or this test, nobody counts the time: that is the machine's doing. While the gateway stalls, it counts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use crate::support::client::{DEADLINE, StreamableClient};
use crate::support::fleet;
use crate::support::gateway::Gateway;
use crate::support::proc::Stopwatch;
use crate::support::servers;
use crate::support::wait;

/// How many there are beside the server that misbehaves.
pub(crate) const COUNT: usize = 9;
/// Calls that one percentile is of. When the gateway stalls, it is a call of each of the nine that waits, which is
/// more than one in a hundred of these, however long all of it lasts.
const WINDOW: usize = 200;
/// Between two calls of one: the machine is left to the fault.
const PAUSE: Duration = Duration::from_millis(50);
/// What two busy cores may add to any call.
const NOISE: Duration = Duration::from_millis(150);

/// Their entries.
pub(crate) fn entries() -> Vec<Value> {
    let entry = |number| servers::fixture(&format!("by{number}"), &[&marker(number)]);
    (1..=COUNT).map(entry).collect()
}

/// An argument that tells its process.
fn marker(number: usize) -> String {
    format!("--marker=(by{number})")
}

/// How long a call took without waiting for a core, and when it was over.
#[derive(Clone, Copy, Debug)]
struct Call {
    end: Instant,
    took: Duration,
}

/// What was seen of them.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) calls: usize,
    /// Of the worst [`WINDOW`] of them.
    pub(crate) p99: Duration,
    /// What that may be: twice what it was before the fault, or what the noise of the machine makes of it.
    pub(crate) bound: Duration,
}

impl Seen {
    fn of(mut calls: Vec<Call>, baseline: Duration) -> Self {
        calls.sort_unstable_by_key(|call| call.end);
        Self {
            calls: calls.len(),
            p99: windows(&calls).map(p99).max().unwrap_or_default(),
            bound: (2 * baseline).max(NOISE),
        }
    }
}

/// `calls` by the number; what is left over belongs to the last.
fn windows(calls: &[Call]) -> impl Iterator<Item = &[Call]> {
    let count = (calls.len() / WINDOW).max(1);
    (0..count).map(move |number| {
        let end = if number + 1 == count {
            calls.len()
        } else {
            (number + 1) * WINDOW
        };
        calls.get(number * WINDOW..end).unwrap_or_default()
    })
}

/// The running calls. Dropping it ends them.
pub(crate) struct Bystanders {
    stop: watch::Sender<bool>,
    calling: JoinSet<Vec<Call>>,
    baseline: Duration,
}

impl Bystanders {
    /// Measures the baseline, then calls until [`Self::stop`].
    ///
    /// # Panics
    /// When a call fails.
    pub(crate) async fn start(client: StreamableClient, gateway: &Gateway) -> Self {
        let client = Arc::new(client);
        let (stop, stopped) = watch::channel(true);
        let before = all(&client, gateway, &stopped).await;
        let before = before.join_all().await.concat();
        stop.send_replace(false);
        Self {
            calling: all(&client, gateway, &stopped).await,
            stop,
            baseline: p99(&before),
        }
    }

    /// Ends the calls.
    ///
    /// # Panics
    /// When one of them failed.
    pub(crate) async fn stop(self) -> Seen {
        self.stop.send_replace(true);
        let calls = self.calling.join_all().await.concat();
        Seen::of(calls, self.baseline)
    }
}

/// Each of them is called, all at the same time. After a start of the gateway they may not run yet.
async fn all(
    client: &Arc<StreamableClient>,
    gateway: &Gateway,
    stopped: &watch::Receiver<bool>,
) -> JoinSet<Vec<Call>> {
    let mut calling = JoinSet::new();
    for bystander in 1..=COUNT {
        let server = wait::until("a bystander's process", DEADLINE, async || {
            gateway.child(&marker(bystander))
        });
        let server = server.await;
        let pids = [gateway.pid(), server.pid];
        calling.spawn(repeat(client.clone(), stopped.clone(), bystander, pids));
    }
    calling
}

/// One call after the other until it is over; as many at least as its part of a window.
async fn repeat(
    client: Arc<StreamableClient>,
    stopped: watch::Receiver<bool>,
    bystander: usize,
    pids: [u32; 2],
) -> Vec<Call> {
    let mut calls = Vec::new();
    while !*stopped.borrow() || calls.len() * COUNT < WINDOW {
        let watch = Stopwatch::start(&pids);
        call(&client, bystander, calls.len()).await;
        calls.push(Call {
            took: watch.elapsed(),
            end: Instant::now(),
        });
        time::sleep(PAUSE).await;
    }
    calls
}

/// One call with a text of its own.
async fn call(client: &StreamableClient, bystander: usize, number: usize) {
    let text = format!("bystander {bystander}, call {number}");
    let answer = fleet::echo(client, &format!("by{bystander}"), &text).await;
    assert_eq!((&*answer.text, answer.is_error), (&*text, false));
}

fn p99(calls: &[Call]) -> Duration {
    let mut took: Vec<Duration> = calls.iter().map(|call| call.took).collect();
    took.sort_unstable();
    let at = took.len().saturating_sub(1) * 99 / 100;
    took.get(at).copied().unwrap_or_default()
}
