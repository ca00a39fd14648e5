//! Between the callers and the one thread that writes: a bounded queue that never makes a caller
//! wait. What does not fit is dropped and counted, and the count is logged when there is room.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ::log::Level;
use tokio::time::Instant; // std's own where no runtime is, as on the writing thread

use super::format::Format;
use crate::telemetry::metrics::Counter;

/// Lines that may wait for the writing thread.
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

/// The callers' end, given to `env_logger` as its pipe: one `write` is one line.
#[derive(Debug)]
pub(super) struct Queue {
    lines: SyncSender<Box<[u8]>>,
    backlog: Arc<Backlog>,
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

/// Starts the writing thread. It ends when the queue is dropped.
pub(super) fn start(format: Format, output: impl Output) -> io::Result<(Queue, Arc<Backlog>)> {
    let (sender, lines) = sync_channel(CAPACITY);
    let backlog = Arc::new(Backlog::default());
    let writer = Writer {
        format,
        output,
        backlog: Arc::clone(&backlog),
        reported: Instant::now(),
    };
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.run(&lines))?;
    let queue = Queue {
        lines: sender,
        backlog: Arc::clone(&backlog),
    };
    Ok((queue, backlog))
}

impl io::Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.backlog.add();
        if self.lines.try_send(line.into()).is_err() {
            self.backlog.dropped.fetch_add(1, Ordering::Relaxed);
            self.backlog.lost.inc();
            self.backlog.remove();
        }
        Ok(line.len())
    }

    /// Callers never wait; see [`Backlog::wait_empty`] for the end of the program.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Backlog {
    fn add(&self) {
        *self.lock() += 1;
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

struct Writer<O> {
    format: Format,
    output: O,
    backlog: Arc<Backlog>,
    reported: Instant,
}

impl<O: Output> Writer<O> {
    #[expect(clippy::disallowed_methods, reason = "the thread that writes")]
    fn run(mut self, lines: &Receiver<Box<[u8]>>) {
        self.output.open();
        while let Ok(line) = lines.recv() {
            self.output.write(&line);
            self.report_dropped();
            self.backlog.remove();
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
            self.output.write(&self.format.line(Level::Warn, text));
            self.reported = Instant::now();
        }
    }
}
