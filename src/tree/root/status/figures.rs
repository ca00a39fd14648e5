//! The figures of a server for the status: its calls and its processes. The latter are looked at while somebody asks,
//! and seldom, beside the workers: `/proc` may hang.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Mutex as Turn;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use crate::ids::ServerName;
use crate::process::{Groups, Usage};
use crate::telemetry::metrics::{Counter, Metrics, Recent, ServerMetrics};

/// From one look to the next.
const PAUSE: Duration = Duration::from_secs(10);
/// Who asks waits so long for a look, and is then told what was seen before.
const PATIENCE: Duration = Duration::from_millis(250);

/// A server's calls.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CallsStatus {
    /// Those that have ended, in whatever way.
    total: u64,
    /// Those of them that failed: no answer, no room, or an answer that is an error.
    failed: u64,
    /// Those that the server ended, in each minute of the last hour, oldest first.
    per_minute: Vec<u64>,
    /// So long half of those of the last five minutes took, at most.
    p50_ms: Option<f64>,
    /// And so long 99 of 100.
    p99_ms: Option<f64>,
}

/// What a server's processes use, with all that come from them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ProcessesStatus {
    /// How many they are.
    count: u64,
    /// What they hold in memory.
    memory_bytes: u64,
    /// What they have used of cores since the gateway's start, as far as it was looked at.
    cpu_seconds: f64,
    /// What they use of a core: between the last two looks, or at the first since their start.
    cpu_percent: f64,
}

impl CallsStatus {
    pub(in crate::tree::root) fn of(metrics: &ServerMetrics, now: Instant) -> Self {
        let figures = &metrics.figures;
        let Recent {
            per_minute,
            p50,
            p99,
        } = figures.times.recent(now);
        let lost = [&metrics.timed_out, &metrics.lost, &metrics.refused];
        let lost: u64 = lost.into_iter().map(Counter::get).sum();
        let ms = |time: Duration| rounded(time.as_secs_f64() * 1000.0);
        Self {
            total: metrics.answered.get() + metrics.cancelled.get() + lost,
            failed: lost + figures.errors.get(),
            per_minute,
            p50_ms: p50.map(ms),
            p99_ms: p99.map(ms),
        }
    }
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Who looks at the servers' processes. Clones are the same.
#[derive(Debug, Clone)]
pub(in crate::tree::root) struct Sampler(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    groups: Groups,
    metrics: Metrics,
    /// Held by a look for as long as it takes, and if it hangs for ever: then there is no other.
    turn: Arc<Turn<()>>,
    last: Mutex<Sample>,
}

/// What was seen.
#[derive(Debug, Default)]
struct Sample {
    at: Option<Instant>,
    /// What each child had used of cores.
    cpu: HashMap<u64, Duration>,
    servers: HashMap<Arc<str>, ProcessesStatus>,
}

impl Sampler {
    pub(in crate::tree::root) fn new(groups: Groups, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            groups,
            metrics,
            turn: Arc::default(),
            last: Mutex::default(),
        }))
    }

    /// Somebody wants to know: looks, unless somebody has a moment ago.
    pub(in crate::tree::root) async fn look(&self) {
        let is_fresh = |at: Instant| at.elapsed() < PAUSE;
        if self.last().at.is_some_and(is_fresh) {
            return;
        }
        let inner = Arc::clone(&self.0);
        let look = async move {
            let turn = Arc::clone(&inner.turn).lock_owned().await;
            if inner.last().at.is_some_and(is_fresh) {
                return;
            }
            let look = move || {
                let _until_it_is_over = turn;
                inner.note(&inner.groups.usage(), Instant::now());
            };
            drop(spawn_blocking(look).await);
        };
        if timeout(PATIENCE, look).await.is_err() {
            log::debug!("the look at the servers' processes takes long");
        }
    }

    /// What was seen of a server's processes.
    pub(in crate::tree::root) fn of(&self, server: &ServerName) -> Option<ProcessesStatus> {
        self.last().servers.get(server.as_str()).cloned()
    }

    fn last(&self) -> MutexGuard<'_, Sample> {
        self.0.last()
    }
}

impl Inner {
    fn last(&self) -> MutexGuard<'_, Sample> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, seen: &[Usage], now: Instant) {
        let mut last = self.last();
        let since = last.at.map(|at| now.saturating_duration_since(at));
        let mut servers: HashMap<Arc<str>, (ProcessesStatus, Duration)> = HashMap::new();
        for tree in seen {
            let before = last.cpu.get(&tree.child);
            let used = tree.cpu.saturating_sub(before.copied().unwrap_or_default());
            let over = since.filter(|_| before.is_some()).unwrap_or(tree.age);
            let (status, more) = servers.entry(Arc::clone(&tree.name)).or_default();
            status.count += tree.processes;
            status.memory_bytes += tree.memory;
            status.cpu_percent += percent(used, over);
            *more += used;
        }
        let gone = last
            .servers
            .keys()
            .filter(|name| !servers.contains_key(*name));
        for name in gone {
            self.count(name, &ProcessesStatus::default(), Duration::ZERO);
        }
        let servers = servers.into_iter().map(|(name, (mut status, more))| {
            status.cpu_percent = rounded(status.cpu_percent);
            status.cpu_seconds = rounded(self.count(&name, &status, more));
            (name, status)
        });
        let servers = servers.collect();
        *last = Sample {
            at: Some(now),
            cpu: seen.iter().map(|tree| (tree.child, tree.cpu)).collect(),
            servers,
        };
    }

    /// Gives what they have used of cores so far.
    fn count(&self, name: &str, status: &ProcessesStatus, more: Duration) -> f64 {
        let name = ServerName::new(name).ok();
        let Some(figures) = name.and_then(|name| self.metrics.figures(&name)) else {
            return 0.0;
        };
        let signed = |number: u64| number.try_into().unwrap_or(i64::MAX);
        figures.processes.set(signed(status.count));
        figures.memory.set(signed(status.memory_bytes));
        figures.cpu.inc_by(more.as_secs_f64());
        figures.cpu.get()
    }
}

fn percent(used: Duration, over: Duration) -> f64 {
    if over.is_zero() {
        return 0.0;
    }
    used.as_secs_f64() / over.as_secs_f64() * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(child: u64, name: &str, cpu: u64) -> Usage {
        Usage {
            child,
            name: name.into(),
            processes: 2,
            memory: 1000,
            cpu: Duration::from_secs(cpu),
            age: Duration::from_secs(100),
        }
    }

    #[test]
    fn a_server_is_all_its_processes_and_its_time_never_goes_back() {
        let metrics = Metrics::default();
        let name = ServerName::new("a").unwrap();
        drop(metrics.server(&name));
        let sampler = Sampler::new(Groups::default(), metrics.clone());
        let (note, now) = (
            |seen: &[Usage], at| sampler.0.note(seen, at),
            Instant::now(),
        );
        let seen = || {
            let status = sampler.of(&name);
            status.map(|s| (s.count, s.memory_bytes, s.cpu_seconds, s.cpu_percent))
        };
        assert_eq!(seen(), None);
        note(
            &[usage(1, "a", 10), usage(2, "a", 1), usage(3, "x", 1)],
            now,
        );
        assert_eq!(seen(), Some((4, 2000, 11.0, 11.0)));
        // One of its children was taken away, with its time.
        note(&[usage(1, "a", 7)], now + PAUSE);
        assert_eq!(seen(), Some((2, 1000, 11.0, 0.0)));
        note(&[usage(1, "a", 12)], now + 2 * PAUSE);
        assert_eq!(seen(), Some((2, 1000, 16.0, 50.0)));
        note(&[], now + 3 * PAUSE);
        assert_eq!(seen(), None);
        let figures = metrics.figures(&name).unwrap();
        assert_eq!((figures.processes.get(), figures.memory.get()), (0, 0));
        note(&[usage(4, "a", 1)], now + 4 * PAUSE);
        assert_eq!(seen(), Some((2, 1000, 17.0, 1.0)));
        metrics.forget(&name);
        note(&[usage(4, "a", 1)], now + 5 * PAUSE);
        assert!(
            !metrics.text().contains(r#"server="a""#),
            "it is not brought back"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_does_not_wait_for_a_look_that_hangs() {
        let sampler = Sampler::new(Groups::default(), Metrics::default());
        let hangs = Arc::clone(&sampler.0.turn).lock_owned().await;
        let begun = Instant::now();
        sampler.look().await;
        assert_eq!(begun.elapsed(), PATIENCE);
        assert_eq!(sampler.last().at, None);
        drop(hangs);
        sampler.look().await;
        assert!(sampler.last().at.is_some());
    }
}
