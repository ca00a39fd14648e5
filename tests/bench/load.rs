//! The load: closed-loop workers that call, check the answer and call again, and what they saw. The same for the
//! bare pipe and for the gateway.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Something that answers calls.
pub(crate) trait Caller: Send + Sync + 'static {
    /// Calls a tool with `text` and gives the whole raw answer. `turn` chooses the tool.
    fn call(&self, turn: usize, text: &str) -> impl Future<Output = anyhow::Result<String>> + Send;
}

/// A number of callers with a number of calls in flight each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) sessions: usize,
    pub(crate) in_flight: usize,
}

/// The shapes that are always measured.
pub(crate) const SHAPES: [Shape; 3] = [
    Shape {
        name: "c1",
        sessions: 1,
        in_flight: 1,
    },
    Shape {
        name: "c16",
        sessions: 1,
        in_flight: 16,
    },
    Shape {
        name: "c64",
        sessions: 8,
        in_flight: 8,
    },
];

/// What a run saw.
pub(crate) struct Sample {
    pub(crate) elapsed: Duration,
    /// Sorted, one per call.
    latencies: Vec<Duration>,
}

impl Sample {
    pub(crate) fn new(elapsed: Duration, mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        Self { elapsed, latencies }
    }

    pub(crate) fn calls(&self) -> usize {
        self.latencies.len()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of calls are far below 2^52"
    )]
    pub(crate) fn per_second(&self) -> f64 {
        self.calls() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that `percent` of the calls did not exceed, in µs.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.calls() * percent).div_ceil(100).saturating_sub(1);
        self.latencies
            .get(rank)
            .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// Keeps `in_flight` calls going on each caller for `time`.
///
/// # Errors
/// When an answer is missing or not the one that belongs to its call.
pub(crate) async fn run<C: Caller>(
    callers: &[Arc<C>],
    in_flight: usize,
    time: Duration,
) -> anyhow::Result<Sample> {
    let begin = Instant::now();
    let mut workers = JoinSet::new();
    for (number, caller) in callers.iter().enumerate() {
        for lane in 0..in_flight {
            let worker = number * in_flight + lane;
            workers.spawn(work(Arc::clone(caller), worker, begin + time));
        }
    }
    let mut latencies = Vec::new();
    while let Some(worker) = workers.join_next().await {
        latencies.append(&mut worker.context("a worker died")??);
    }
    Ok(Sample::new(begin.elapsed(), latencies))
}

async fn work<C: Caller>(
    caller: Arc<C>,
    worker: usize,
    end: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for turn in 0.. {
        let text = format!("worker {worker} turn {turn}");
        let begin = Instant::now();
        // Workers begin at different tools, so that the calls spread over all upstreams at any time.
        let answer = caller.call(worker + turn, &text).await?;
        let now = Instant::now();
        latencies.push(now - begin);
        check(&answer, &text)?;
        if now >= end {
            break;
        }
    }
    Ok(latencies)
}

/// The result must have come through byte for byte.
///
/// # Errors
/// When it has not, with what came.
pub(crate) fn check(answer: &str, text: &str) -> anyhow::Result<()> {
    let expected = format!(r#""content":[{{"type":"text","text":"{text}"}}]}}"#);
    ensure!(
        answer.contains(&expected),
        "the call with {text:.80?} was answered with {answer:.300}"
    );
    Ok(())
}

/// The middle one; of an even number the lower one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(f64::NAN)
}
