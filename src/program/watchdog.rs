//! The watchdog of the program's own: a thread outside of the runtime that sees which turn on a
//! worker does not end, says so while it lasts, and wakes another worker meanwhile. A runtime's
//! driver is looked after by whoever has nothing else to do, and a worker that is woken for one
//! task wakes no other: without it one busy handler would hold up every socket and timer. It also
//! says which file somebody has waited for too long. While no turn is taken it sleeps.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::files;
use crate::turn::{self, Running, Turn};

/// How often it looks.
const TICK: Duration = Duration::from_millis(50);
/// What one turn may use of a core before the log says so.
const LIMIT: Duration = Duration::from_millis(100);
/// After a line, further turns are summed up for so long.
const SUM: Duration = Duration::from_secs(60);
/// What a file system may take for one file before the log says so; and how often it looks for that
/// while nothing else is to be seen.
const STUCK: Duration = Duration::from_secs(5);
/// Of one file it is said once in so long.
const STUCK_AGAIN: Duration = Duration::from_secs(600);

/// The workers that are looked after.
#[derive(Debug, Clone, Default)]
pub(super) struct Workers(Arc<OnceLock<Handle>>);

impl Workers {
    /// From now on those of this runtime.
    pub(super) fn are(&self, runtime: &Handle) {
        self.0.get_or_init(|| runtime.clone());
    }
}

/// Starts the thread, which ends with the process. Says whose workers it looks after.
#[expect(clippy::disallowed_methods, reason = "the thread's own wait")]
pub(super) fn start() -> io::Result<Workers> {
    let (mut watchdog, workers) = (Watchdog::default(), Workers::default());
    let looked_after = workers.clone();
    thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            loop {
                let running = turn::running();
                let seen = watchdog.look(&running, Instant::now());
                if let Some(runtime) = workers.0.get().filter(|_| seen.is_anybody_busy) {
                    runtime.spawn(async {});
                }
                let stuck = watchdog.said.news(files::stuck(STUCK), Instant::now());
                for line in seen.lines.iter().chain(&stuck) {
                    log::warn!("{line}");
                }
                if running.is_empty() {
                    turn::await_next(STUCK);
                }
                thread::park_timeout(TICK);
            }
        })?;
    Ok(looked_after)
}

/// The files that it was said of that they take long, and when.
#[derive(Debug, Default)]
struct Said(HashMap<PathBuf, Instant>);

impl Said {
    /// What is to be said of these.
    fn news(&mut self, stuck: Vec<PathBuf>, now: Instant) -> Vec<String> {
        self.0.retain(|_, said| now - *said < STUCK_AGAIN);
        let news = stuck.into_iter().filter(|path| !self.0.contains_key(path));
        let news: Vec<PathBuf> = news.collect();
        self.0.extend(news.iter().map(|path| (path.clone(), now)));
        let line = |path: PathBuf| {
            format!(
                "{}: no answer within {} s; its file system may hang, and what needs it waits",
                path.display(),
                STUCK.as_secs()
            )
        };
        news.into_iter().map(line).collect()
    }
}

/// What a look has shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Look {
    /// A turn lasts since the look before.
    is_anybody_busy: bool,
    /// What the log is to say.
    lines: Vec<String>,
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Watchdog {
    /// By thread.
    turns: HashMap<i32, Seen>,
    sum: Option<Sum>,
    said: Said,
}

/// A turn that was not over at a look.
#[derive(Debug, Clone, Copy)]
struct Seen {
    number: u64,
    /// What the thread had used when it was seen first.
    cpu: Duration,
    is_noted: bool,
}

/// The turns since a line that were too long, and the longest.
#[derive(Debug)]
struct Sum {
    since: Instant,
    count: usize,
    longest: Option<(Turn, Duration)>,
}

impl Watchdog {
    fn look(&mut self, running: &[Running], now: Instant) -> Look {
        let mut look = Look::default();
        self.turns
            .retain(|thread, _| running.iter().any(|turn| turn.thread == *thread));
        for running in running {
            let first = Seen {
                number: running.number,
                cpu: running.cpu,
                is_noted: false,
            };
            let seen = self.turns.entry(running.thread).or_insert(first);
            if seen.number != running.number {
                *seen = first;
                continue;
            }
            let used = running.cpu.saturating_sub(seen.cpu);
            look.is_anybody_busy |= used > Duration::ZERO;
            if used < LIMIT {
                continue;
            }
            let is_new = !std::mem::replace(&mut seen.is_noted, true);
            look.lines
                .extend(note(&mut self.sum, (running.turn, used), is_new, now));
        }
        look.lines.extend(self.sum_up(now));
        look
    }

    /// What came after a line, in one line, once its time is over.
    fn sum_up(&mut self, now: Instant) -> Option<String> {
        let sum = self.sum.take_if(|sum| now - sum.since >= SUM)?;
        let (turn, used) = sum.longest.filter(|_| sum.count > 0)?;
        let (count, since) = (sum.count, SUM.as_secs());
        // The next one is summed up too: only a quiet time makes it news.
        self.sum = Some(Sum {
            since: now,
            count: 0,
            longest: None,
        });
        Some(format!(
            "{count} more turns used over {} ms of a core in the last {since} s, the longest {}",
            LIMIT.as_millis(),
            words(turn, used)
        ))
    }
}

/// Notes a turn that is too long, still: the first is said at once.
fn note(
    sum: &mut Option<Sum>,
    (turn, used): (Turn, Duration),
    is_new: bool,
    now: Instant,
) -> Option<String> {
    let Some(sum) = sum else {
        *sum = Some(Sum {
            since: now,
            count: 0,
            longest: None,
        });
        return Some(format!("Still busy: {}", words(turn, used)));
    };
    sum.count += usize::from(is_new);
    if sum.longest.is_none_or(|(_, longest)| used > longest) {
        sum.longest = Some((turn, used));
    }
    None
}

fn words(turn: Turn, used: Duration) -> String {
    let Turn { actor, message } = turn;
    format!(
        "{actor}, at {message} for {} ms of a core",
        used.as_millis()
    )
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio::runtime;

    use super::*;

    const TOY: Turn = Turn {
        actor: "toy",
        message: "Word",
    };

    fn running(number: u64, millis: u64) -> Running {
        Running {
            turn: TOY,
            thread: 7,
            number,
            cpu: Duration::from_millis(millis),
        }
    }

    #[test]
    fn a_long_turn_is_said_while_it_lasts_and_once() {
        let (mut watchdog, now) = (Watchdog::default(), Instant::now());
        assert_eq!(watchdog.look(&[running(1, 1000)], now), Look::default());
        let busy = watchdog.look(&[running(1, 1060)], now);
        assert!(busy.is_anybody_busy && busy.lines.is_empty());
        let long = watchdog.look(&[running(1, 1110)], now);
        assert_eq!(
            long.lines,
            ["Still busy: toy, at Word for 110 ms of a core"]
        );
        assert_eq!(watchdog.look(&[running(1, 1160)], now).lines, [""; 0]);
    }

    /// The worker that looks after the sockets is woken by one of them, for one task, which keeps it busy.
    #[test]
    fn while_one_is_busy_another_looks_after_the_sockets() {
        let workers = start().unwrap();
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        workers.are(runtime.handle());
        let (busy, other) = runtime
            .block_on(async {
                let listen = || TcpListener::bind("127.0.0.1:0");
                Ok::<_, io::Error>((listen().await?, listen().await?))
            })
            .unwrap();
        let address = |socket: &TcpListener| socket.local_addr().unwrap();
        let (at_busy, at_other) = (address(&busy), address(&other));
        let (is_over, is_busy) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (over, begun) = (Arc::clone(&is_over), Arc::<AtomicBool>::clone(&is_busy));
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn_on(
            turn::of("toy", "Spin", async move {
                let accepted = busy.accept().await;
                begun.store(true, Ordering::Relaxed);
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                drop(accepted);
            }),
            runtime.handle(),
        );
        tasks.spawn_on(
            async move {
                while let Ok((mut client, _)) = other.accept().await {
                    client.write_all(b"!").await.ok();
                }
            },
            runtime.handle(),
        );
        let answer = |wait: Duration| {
            let mut client = TcpStream::connect(at_other)?;
            client.set_read_timeout(Some(wait))?;
            client.read_exact(&mut [0])
        };
        answer(Duration::from_secs(20)).unwrap();
        let mut victim = TcpStream::connect(at_busy).unwrap();
        victim.write_all(b"!").unwrap();
        while !is_busy.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        let answered = answer(Duration::from_secs(20));
        is_over.store(true, Ordering::Relaxed);
        answered.unwrap();
    }

    #[test]
    fn turns_that_end_or_wait_are_not_long() {
        let (mut watchdog, now) = (Watchdog::default(), Instant::now());
        for number in 1..100 {
            let look = watchdog.look(&[running(number, number * 500)], now);
            assert_eq!(look, Look::default());
        }
        // The system has no core for it.
        for _ in 0..100 {
            assert_eq!(watchdog.look(&[running(99, 49_500)], now), Look::default());
        }
    }

    #[test]
    fn a_file_that_takes_long_is_said_once_in_a_while() {
        let (mut said, begin) = (Said::default(), Instant::now());
        let mut at = |names: &[&str], after: Duration| {
            let stuck = names.iter().map(PathBuf::from).collect();
            said.news(stuck, begin + after).len()
        };
        assert_eq!(at(&["/a"], Duration::ZERO), 1);
        assert_eq!(at(&["/a", "/b"], TICK), 1);
        assert_eq!(at(&["/a", "/b"], STUCK_AGAIN / 2), 0);
        assert_eq!(at(&["/a", "/b"], STUCK_AGAIN), 1);
    }

    #[test]
    fn what_follows_is_summed_up_until_it_is_quiet() {
        let (mut watchdog, begin) = (Watchdog::default(), Instant::now());
        let mut lines = Vec::new();
        let mut long = |number: u64, at: Duration| {
            for millis in [0, 200 + number] {
                let look = watchdog.look(&[running(number, millis)], begin + at);
                lines.extend(look.lines);
            }
        };
        (1..=4).for_each(|number| long(number, Duration::ZERO));
        long(5, SUM);
        long(6, SUM * 2);
        lines.extend(watchdog.look(&[], begin + SUM * 3).lines);
        lines.extend(watchdog.look(&[], begin + SUM * 4).lines);
        let more = |count: usize, used: u64| {
            format!(
                "{count} more turns used over 100 ms of a core in the last 60 s, the longest \
                 toy, at Word for {used} ms of a core"
            )
        };
        let first = "Still busy: toy, at Word for 201 ms of a core".to_owned();
        assert_eq!(lines, [first, more(3, 204), more(1, 205), more(1, 206)]);
    }
}
