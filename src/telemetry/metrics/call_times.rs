//! How long a server's calls took. A call costs two additions; once a minute one of them closes the minute, from
//! which come the calls of each minute of the last hour, and the percentiles of the last five.

use std::array;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};
use tokio::time::Instant;

/// The upper ends of the buckets, in microseconds; there is one more for what takes longer.
const BOUNDS: [u64; BUCKETS - 1] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
];
const BUCKETS: usize = 17;
/// So many minutes are told of, the current one among them.
const MINUTES: usize = 60;
/// The percentiles are of so many minutes, and what there is of the current one.
const RECENT: usize = 5;
/// What was counted until the minute before them is known.
const BEFORE: usize = RECENT + 1;

type Counts = [u64; BUCKETS];

/// The calls that have ended, by how long they took. Clones are the same.
#[derive(Clone)]
pub struct CallTimes(Arc<Inner>);

struct Inner {
    since: Instant,
    counts: [AtomicU64; BUCKETS],
    /// What they took together, in microseconds.
    sum: AtomicU64,
    /// The minute that is not closed yet.
    minute: AtomicU64,
    /// None of a server that nobody has called, which costs no memory then.
    closed: Mutex<Option<Box<Closed>>>,
}

/// What is known of minutes that are over.
#[derive(Default)]
struct Closed {
    /// Those that were closed, which is the number of the first that is not.
    count: u64,
    /// The calls of each, the last 59.
    calls: VecDeque<u64>,
    /// All calls until then.
    total: u64,
    /// All that was counted until the end of each of the last of them.
    counts: VecDeque<Counts>,
}

/// What is told of the last minutes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recent {
    /// The calls that ended in each minute of the last hour, oldest first.
    pub per_minute: Vec<u64>,
    /// So long took half of those of the last five minutes, at most; `None` if there were none.
    pub p50: Option<Duration>,
    /// And so long 99 of 100.
    pub p99: Option<Duration>,
}

impl Default for CallTimes {
    fn default() -> Self {
        Self(Arc::new(Inner {
            since: Instant::now(),
            counts: array::from_fn(|_| AtomicU64::new(0)),
            sum: AtomicU64::new(0),
            minute: AtomicU64::new(0),
            closed: Mutex::default(),
        }))
    }
}

impl CallTimes {
    /// A call that was sent at `sent` has ended now.
    pub fn ended(&self, sent: Instant, now: Instant) {
        let inner = &self.0;
        let minute = inner.minute_of(now);
        if minute > inner.minute.load(Ordering::Relaxed) {
            inner.close_until(minute);
        }
        let took = now.saturating_duration_since(sent).as_micros();
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < took);
        if let Some(count) = inner.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        inner.sum.fetch_add(took, Ordering::Relaxed);
    }

    /// What there is to say of the last minutes.
    #[must_use]
    pub fn recent(&self, now: Instant) -> Recent {
        let counts = self.0.counts();
        let mut recent = Recent {
            per_minute: vec![0; MINUTES],
            ..Recent::default()
        };
        if total(&counts) == 0 {
            return recent;
        }
        self.0.close_until(self.0.minute_of(now));
        let closed = self.0.closed();
        let closed = closed.as_deref();
        let before = closed.map_or(0, |closed| closed.total);
        let current = total(&counts).saturating_sub(before);
        let past = closed.into_iter().flat_map(|closed| &closed.calls);
        let minutes = past
            .chain([&current])
            .rev()
            .zip(recent.per_minute.iter_mut().rev());
        minutes.for_each(|(calls, place)| *place = *calls);
        let before = closed.and_then(|closed| {
            closed
                .counts
                .front()
                .filter(|_| closed.counts.len() == BEFORE)
        });
        let before = before.copied().unwrap_or_default();
        let counts = array::from_fn(|at| of(&counts, at).saturating_sub(of(&before, at)));
        recent.p50 = percentile(&counts, 50);
        recent.p99 = percentile(&counts, 99);
        recent
    }
}

impl Inner {
    fn minute_of(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.since).as_secs() / 60
    }

    fn counts(&self) -> Counts {
        array::from_fn(|at| {
            self.counts
                .get(at)
                .map_or(0, |count| count.load(Ordering::Relaxed))
        })
    }

    fn closed(&self) -> MutexGuard<'_, Option<Box<Closed>>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All minutes before this one are over. What was counted since the last that was closed is the first one's:
    /// the next call would have closed it.
    fn close_until(&self, minute: u64) {
        let mut closed = self.closed();
        let closed = closed.get_or_insert_default();
        if minute <= closed.count {
            return;
        }
        let counts = self.counts();
        let sum = total(&counts);
        let (calls, idle) = (sum.saturating_sub(closed.total), minute - closed.count - 1);
        let idle = usize::try_from(idle).unwrap_or(MINUTES).min(MINUTES);
        push(&mut closed.calls, calls, MINUTES - 1);
        push(&mut closed.counts, counts, BEFORE);
        for _ in 0..idle {
            push(&mut closed.calls, 0, MINUTES - 1);
            push(&mut closed.counts, counts, BEFORE);
        }
        (closed.count, closed.total) = (minute, sum);
        self.minute.store(minute, Ordering::Relaxed);
    }
}

fn push<T>(to: &mut VecDeque<T>, what: T, most: usize) {
    if to.len() >= most {
        to.pop_front();
    }
    to.push_back(what);
}

fn total(counts: &Counts) -> u64 {
    counts.iter().sum()
}

fn of(counts: &Counts, at: usize) -> u64 {
    counts.get(at).copied().unwrap_or(0)
}

/// By how it is usually guessed from a histogram: what is in a bucket is spread evenly. More than the last bound is
/// told as that bound.
fn percentile(counts: &Counts, percent: u64) -> Option<Duration> {
    let all = total(counts);
    let wanted = (all * percent).div_ceil(100);
    let (mut before, mut lower) = (0, 0);
    for (count, upper) in counts.iter().zip(BOUNDS) {
        if *count > 0 && before + count >= wanted {
            let share = (wanted - before) * (upper - lower) / count;
            return Some(Duration::from_micros(lower + share));
        }
        (before, lower) = (before + count, upper);
    }
    (all > 0).then(|| Duration::from_micros(lower))
}

impl EncodeMetric for CallTimes {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let counts = self.0.counts();
        let bounds = BOUNDS.map(|bound| Duration::from_micros(bound).as_secs_f64());
        let bounds = bounds.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let sum = Duration::from_micros(self.0.sum.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, total(&counts), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for CallTimes {
    const TYPE: MetricType = MetricType::Histogram;
}

impl fmt::Debug for CallTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallTimes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const MS: Duration = Duration::from_millis(1);

    fn last(recent: &Recent, minutes: usize) -> &[u64] {
        &recent.per_minute[MINUTES - minutes..]
    }

    #[test]
    fn calls_are_told_by_the_minute_also_when_nobody_looked() {
        let times = CallTimes::default();
        let begun = times.0.since;
        assert_eq!(times.recent(begun).per_minute, [0; MINUTES]);
        for minute in [0, 0, 1, 4, 4, 4] {
            let now = begun + MINUTE * minute + MINUTE / 2;
            times.ended(now - MS, now);
        }
        let now = begun + MINUTE * 4 + MINUTE / 2;
        assert_eq!(last(&times.recent(now), 6), [0, 2, 1, 0, 0, 3]);
        assert_eq!(last(&times.recent(now + 2 * MINUTE), 6), [1, 0, 0, 3, 0, 0]);
        let hour = times.recent(now + 59 * MINUTE);
        assert_eq!(hour.per_minute[..2], [3, 0]);
        assert_eq!(times.recent(now + 60 * MINUTE).per_minute, [0; MINUTES]);
        times.ended(now, now + 10_000 * MINUTE);
        assert_eq!(last(&times.recent(now + 10_000 * MINUTE), 2), [0, 1]);
        let closed = times.0.closed();
        let closed = closed.as_deref().unwrap();
        assert_eq!((closed.calls.len(), closed.counts.len()), (59, BEFORE));
    }

    #[test]
    fn percentiles_are_of_the_last_five_minutes() {
        let times = CallTimes::default();
        let begun = times.0.since;
        let took = |at, time| times.ended(at, at + time);
        let p = |now| {
            let recent = times.recent(now);
            (recent.p50, recent.p99)
        };
        assert_eq!(p(begun), (None, None));
        (0..99).for_each(|_| took(begun, 40 * MS));
        took(begun, 700 * MS);
        let is_within = |time: Option<Duration>, least: u32, most: u32| {
            let time = time.unwrap();
            time >= MS * least && time <= MS * most
        };
        let (p50, p99) = p(begun + MINUTE);
        assert!(
            is_within(p50, 25, 50) && is_within(p99, 25, 50),
            "{p50:?} {p99:?}"
        );
        took(begun, 700 * MS);
        let (_, p99) = p(begun + MINUTE);
        assert!(is_within(p99, 500, 1000), "{p99:?}");
        let (p50, _) = p(begun + 5 * MINUTE);
        assert!(is_within(p50, 25, 50), "{p50:?}");
        assert_eq!(p(begun + 7 * MINUTE), (None, None));
        let late = begun + 7 * MINUTE;
        took(late, 900 * MINUTE);
        assert_eq!(
            p(late).0,
            Some(Duration::from_secs(300)),
            "more than is told apart"
        );
    }
}
