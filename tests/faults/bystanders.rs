//! Nine servers that have nothing to do with the fault, called all the time: every call must succeed with its own
//! text, and in about the time it takes when nothing is wrong.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use crate::support::client::StreamableClient;
use crate::support::fleet::Answer;
use crate::support::servers;

/// How many there are beside the server that misbehaves.
pub(crate) const COUNT: usize = 9;
/// Calls that say how long a call takes when nothing is wrong.
const BASELINE: usize = 180;
/// Between two calls: enough of them for a percentile, and the machine is left to the fault.
const PAUSE: Duration = Duration::from_millis(2);
/// What two busy cores may add to any call.
const NOISE: Duration = Duration::from_millis(150);

/// Their entries.
pub(crate) fn entries() -> Vec<Value> {
    let entry = |number| servers::fixture(&name(number), &[]);
    (0..COUNT).map(entry).collect()
}

fn name(number: usize) -> String {
    format!("by{}", number % COUNT + 1)
}

/// What was seen of them.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) calls: usize,
    pub(crate) p99: Duration,
    pub(crate) baseline: Duration,
}

impl Seen {
    /// What p99 may be: twice the baseline, or what the machine's noise makes of it.
    pub(crate) fn bound(&self) -> Duration {
        (2 * self.baseline).max(NOISE)
    }
}

/// The running calls. Dropping it ends them.
pub(crate) struct Bystanders {
    stop: watch::Sender<bool>,
    calling: JoinSet<Vec<Duration>>,
    baseline: Duration,
}

impl Bystanders {
    /// Measures the baseline, then calls until [`Self::stop`].
    ///
    /// # Panics
    /// When a call fails.
    pub(crate) async fn start(client: StreamableClient) -> Self {
        let mut before = Vec::new();
        for number in 0..BASELINE {
            before.push(call(&client, number).await);
        }
        let (stop, stopped) = watch::channel(false);
        let mut calling = JoinSet::new();
        calling.spawn(async move {
            let mut took = Vec::new();
            loop {
                took.push(call(&client, BASELINE + took.len()).await);
                if *stopped.borrow() {
                    return took;
                }
                time::sleep(PAUSE).await;
            }
        });
        Self {
            stop,
            calling,
            baseline: p99(before),
        }
    }

    /// Ends the calls.
    ///
    /// # Panics
    /// When one of them failed.
    pub(crate) async fn stop(mut self) -> Seen {
        self.stop.send_replace(true);
        let took = self.calling.join_next().await.expect("one task");
        let took = took.expect("every bystander's call succeeds");
        let calls = took.len();
        assert!(calls > 0, "no bystander was called while the fault lasted");
        Seen {
            calls,
            p99: p99(took),
            baseline: self.baseline,
        }
    }
}

/// One call with a text of its own.
async fn call(client: &StreamableClient, number: usize) -> Duration {
    let text = format!("bystander {number}");
    let arguments = serde_json::json!({ "text": text }).to_string();
    let start = Instant::now();
    let raw = client
        .call_tool(&format!("{}__echo", name(number)), &arguments)
        .await;
    let took = start.elapsed();
    let answer = Answer::of(&raw);
    assert_eq!(
        (answer.text.as_str(), answer.is_error),
        (text.as_str(), false)
    );
    took
}

fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    let at = took.len().saturating_sub(1) * 99 / 100;
    took.get(at).copied().unwrap_or_default()
}
