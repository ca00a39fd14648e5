//! Nine servers that have nothing to do with the fault, called all the time: every call must succeed with its own
//! text, and in about the time it takes when nothing is wrong.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::control::Control;
use crate::support::client::StreamableClient;
use crate::support::fleet::Answer;
use crate::support::servers;

/// How many there are beside the server that misbehaves.
pub(crate) const COUNT: usize = 9;
/// Calls that one percentile is of. When the gateway stalls, it is a call of each of the nine that waits, which is
/// more than one in a hundred of these, however long all of it lasts.
const WINDOW: usize = 200;
/// Between two calls of one: the machine is left to the fault.
const PAUSE: Duration = Duration::from_millis(50);
/// A call by the gateway waits for a core some times more often than one over a pipe.
const CONTROL_FACTOR: u32 = 8;
/// What two busy cores may add to any call.
const NOISE: Duration = Duration::from_millis(150);

/// Their entries.
pub(crate) fn entries() -> Vec<Value> {
    let entry = |number| servers::fixture(&format!("by{number}"), &[]);
    (1..=COUNT).map(entry).collect()
}

/// How long a call took, and when it was over.
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
    fn of(mut calls: Vec<Call>, control: &[Call], baseline: Duration) -> Self {
        calls.sort_unstable_by_key(|call| call.end);
        let worst = windows(&calls).map(|window| {
            let (begin, end) = span(window);
            let meanwhile = |call: &&Call| begin <= call.end && call.end - call.took <= end;
            let control: Vec<Call> = control.iter().filter(meanwhile).copied().collect();
            let noise = (CONTROL_FACTOR * p99(&control)).max(NOISE);
            (p99(window), noise.max(2 * baseline))
        });
        let excess = |(p99, bound): &(Duration, Duration)| p99.as_secs_f64() / bound.as_secs_f64();
        let worst = worst.max_by(|one, other| excess(one).total_cmp(&excess(other)));
        let (p99, bound) = worst.expect("there are enough calls");
        Self {
            calls: calls.len(),
            p99,
            bound,
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

fn span(calls: &[Call]) -> (Instant, Instant) {
    let begin = calls.iter().map(|call| call.end - call.took).min();
    let end = calls.iter().map(|call| call.end).max();
    begin.zip(end).expect("there is a call")
}

/// The running calls. Dropping it ends them.
pub(crate) struct Bystanders {
    stop: watch::Sender<bool>,
    calling: JoinSet<Vec<Call>>,
    control: JoinSet<Vec<Call>>,
    baseline: Duration,
}

impl Bystanders {
    /// Measures the baseline, then calls until [`Self::stop`].
    ///
    /// # Panics
    /// When a call fails.
    pub(crate) async fn start(client: StreamableClient) -> Self {
        let client = Arc::new(client);
        let (stop, stopped) = watch::channel(true);
        let before = all(&client, &stopped).join_all().await.concat();
        stop.send_replace(false);
        let mut control = JoinSet::new();
        let mut bare = Control::start().await;
        let is_over = stopped.clone();
        control.spawn(repeat(is_over, async move |_| bare.call().await));
        Self {
            calling: all(&client, &stopped),
            stop,
            control,
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
        let control = self.control.join_all().await.concat();
        Seen::of(calls, &control, self.baseline)
    }
}

/// Each of them is called, all at the same time.
fn all(client: &Arc<StreamableClient>, stopped: &watch::Receiver<bool>) -> JoinSet<Vec<Call>> {
    let mut calling = JoinSet::new();
    for bystander in 1..=COUNT {
        let client = client.clone();
        let call = async move |number| call(&client, bystander, number).await;
        calling.spawn(repeat(stopped.clone(), call));
    }
    calling
}

/// One call after the other until it is over; as many at least as its part of a window.
async fn repeat(
    stopped: watch::Receiver<bool>,
    mut call: impl AsyncFnMut(usize) -> Duration,
) -> Vec<Call> {
    let mut calls = Vec::new();
    while !*stopped.borrow() || calls.len() * COUNT < WINDOW {
        let took = call(calls.len()).await;
        let end = Instant::now();
        calls.push(Call { end, took });
        time::sleep(PAUSE).await;
    }
    calls
}

/// One call with a text of its own.
async fn call(client: &StreamableClient, bystander: usize, number: usize) -> Duration {
    let text = format!("bystander {bystander}, call {number}");
    let arguments = serde_json::json!({ "text": text }).to_string();
    let start = Instant::now();
    let raw = client
        .call_tool(&format!("by{bystander}__echo"), &arguments)
        .await;
    let took = start.elapsed();
    let answer = Answer::of(&raw);
    assert_eq!(
        (answer.text.as_str(), answer.is_error),
        (text.as_str(), false)
    );
    took
}

fn p99(calls: &[Call]) -> Duration {
    let mut took: Vec<Duration> = calls.iter().map(|call| call.took).collect();
    took.sort_unstable();
    let at = took.len().saturating_sub(1) * 99 / 100;
    took.get(at).copied().unwrap_or_default()
}
