//! Between the callers and the one thread that writes: a bounded queue that never makes a caller
//! wait. What does not fit is dropped and counted, and the count is logged when there is room.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ::log::Level;
use tokio::time::Instant; // std's own where no runtime is, as on the writing thread

use super::format::Format;
use super::gate::{Gate, Sum};
use super::zone;
use crate::telemetry::metrics::Counter;

/// Lines that may wait for the writing thread, the one that it writes included.
pub(super) const CAPACITY: usize = 2048;
/// How often dropped lines are reported while the queue never runs empty.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Where the lines go in the end. Runs on the writing thread only, so it may block there.
pub(super) trait Output: Send + 'static {
    /// Before the first line.
    fn open(&mut self) {}
    /// Writes one line that ends with a newline. Its failures are its own business: there is
    /// nobody left to tell.
    fn write(&mut self, line: &[u8]);
}

/// The callers' end.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    /// As long as the backlog has room: a bounded channel takes the memory for all lines at once.
    items: Sender<Item>,
    backlog: Arc<Backlog>,
}

/// What the writing thread is handed.
#[derive(Debug)]
enum Item {
    Line(Box<[u8]>),
    /// The gate has begun to leave lines out: they are to be summed up later.
    Wake,
    /// The program ends: what was left out is summed up now.
    SumUp,
}

/// What was handed over and not written yet.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: Mutex<usize>,
    empty: Condvar,
    /// Dropped and not reported yet.
    dropped: AtomicU64,
    /// Dropped since the start.
    lost: Counter,
}

/// Starts the writing thread. It ends when the last queue is dropped.
pub(super) fn start(format: Format, output: impl Output, gate: Arc<Gate>) -> io::Result<Queue> {
    let (sender, items) = channel();
    let backlog = Arc::new(Backlog::default());
    let writer = LineWriter {
        format,
        output,
        is_open: false,
        gate,
        backlog: Arc::clone(&backlog),
        reported: Instant::now(),
        zone_read: Instant::now(),
    };
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.run(&items))?;
    Ok(Queue {
        items: sender,
        backlog,
    })
}

impl Queue {
    /// Hands a line over that ends with a newline.
    pub(super) fn put(&self, line: Box<[u8]>) {
        if !self.hand(Item::Line(line)) {
            self.backlog.dropped.fetch_add(1, Ordering::Relaxed);
            self.backlog.lost.inc();
        }
    }

    /// See [`Item::Wake`]. A thread with a full queue is awake.
    pub(super) fn wake(&self) {
        self.hand(Item::Wake);
    }

    /// See [`Item::SumUp`].
    pub(super) fn sum_up(&self) {
        self.hand(Item::SumUp);
    }

    /// See [`Backlog::wait_empty`] for the end of the program.
    pub(super) fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    fn hand(&self, item: Item) -> bool {
        if !self.backlog.add() {
            return false;
        }
        let is_taken = self.items.send(item).is_ok();
        if !is_taken {
            self.backlog.remove();
        }
        is_taken
    }
}

impl Backlog {
    /// Whether there is room for one more.
    fn add(&self) -> bool {
        let mut waiting = self.lock();
        let has_room = *waiting < CAPACITY;
        *waiting += usize::from(has_room);
        has_room
    }

    fn remove(&self) {
        let mut waiting = self.lock();
        *waiting = waiting.saturating_sub(1);
        if *waiting == 0 {
            self.empty.notify_all();
        }
    }

    /// How many lines were dropped since the start.
    pub(super) fn lost(&self) -> &Counter {
        &self.lost
    }

    /// Waits until everything was written, at most `limit`; false if that was too short.
    pub(super) fn wait_empty(&self, limit: Duration) -> bool {
        let waited = self
            .empty
            .wait_timeout_while(self.lock(), limit, |waiting| *waiting > 0);
        let (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *waiting == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, usize> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LineWriter<O> {
    format: Format,
    output: O,
    is_open: bool,
    gate: Arc<Gate>,
    backlog: Arc<Backlog>,
    reported: Instant,
    zone_read: Instant,
}

impl<O: Output> LineWriter<O> {
    #[expect(clippy::disallowed_methods, reason = "the thread that writes")]
    fn run(mut self, items: &Receiver<Item>) {
        loop {
            let now = Instant::now();
            let next = self.gate.next();
            if next.is_some_and(|due| due <= now) {
                let sums = self.gate.sums(now);
                self.write_sums(&sums);
                continue;
            }
            let received = match next {
                Some(due) => items.recv_timeout(due - now),
                None => items.recv().map_err(RecvTimeoutError::from),
            };
            self.look_at_zone();
            match received {
                Ok(Item::Line(line)) => self.write(&line),
                Ok(Item::SumUp) => {
                    let sums = self.gate.rest(Instant::now());
                    self.write_sums(&sums);
                }
                Ok(Item::Wake) => {}
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.report_dropped();
            self.backlog.remove();
        }
    }

    fn look_at_zone(&mut self) {
        if self.zone_read.elapsed() >= zone::HOLDS {
            zone::read();
            self.zone_read = Instant::now();
        }
    }

    /// A log that is not there is said only by who has something to log.
    fn write(&mut self, line: &[u8]) {
        if !std::mem::replace(&mut self.is_open, true) {
            self.output.open();
        }
        self.output.write(line);
    }

    fn write_sums(&mut self, sums: &[Sum]) {
        for sum in sums {
            let line = self.format.line(sum.level, format_args!("{}", sum.text));
            self.write(&line);
        }
    }

    /// The report waits until this line was the last one: written into a flood it would only be
    /// one more line. A flood that does not end is interrupted once a second.
    fn report_dropped(&mut self) {
        let caught_up = *self.backlog.lock() <= 1;
        if !caught_up && self.reported.elapsed() < REPORT_INTERVAL {
            return;
        }
        let dropped = self.backlog.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let text = format_args!("{dropped} log lines were dropped: the log was too slow");
            self.write(&self.format.line(Level::Warn, text));
            self.reported = Instant::now();
        }
    }
}
