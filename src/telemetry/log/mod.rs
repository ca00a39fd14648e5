//! The log: `env_logger` filters and formats in the caller, the gate leaves out what comes too
//! fast, a bounded queue takes the finished line, one thread hands it to syslog or stdout. A sink that blocks, breaks or is missing never
//! reaches an actor. Called by main once; everybody else uses the `log` macros.

mod format;
mod gate;
mod queue;
mod single;
mod stdout;
mod syslog;
#[cfg(test)]
mod tests;
mod zone;

use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ::log::LevelFilter;
use tokio::time::Instant;

use self::format::Format;
pub(crate) use self::format::is_unsafe;
use self::gate::{Gate, Verdict};
use self::queue::{Output, Queue};
pub use self::single::say;
pub use self::syslog::SyslogPath;
use super::metrics::Counter;

/// How long the end of the program waits for lines that are not written yet.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// syslogd, as `mcp-gateway`, facility daemon; stderr while there is none.
    Syslog(SyslogPath),
    /// Standard output (`--log`).
    Stdout,
}

/// Keeps the promise that what was logged is written: dropping it waits for the log thread, at
/// most one second. Hold it in `main` until the end.
#[derive(Debug)]
#[must_use = "dropping the guard waits for the log; hold it until the program ends"]
pub struct LogGuard {
    queue: Queue,
    screen: Screen,
}

/// Whether the log is before somebody's eyes, on a terminal: what it says is not to be said there a
/// second time, nor to be broken into.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    /// The log's way to standard output.
    queue: Option<Queue>,
    is_shown: Arc<AtomicBool>,
}

impl Screen {
    /// Whether it is.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.is_shown.load(Ordering::Relaxed)
    }

    /// Shows a text between the lines of the log, as it is. `false` if it is not shown there.
    #[must_use]
    pub fn show(&self, text: &str) -> bool {
        let queue = self.queue.as_ref().filter(|_| self.is_shown());
        queue
            .map(|queue| queue.put(format!("{text}\n").into_bytes().into()))
            .is_some()
    }
}

impl LogGuard {
    /// Counts the lines that are dropped because the sink is too slow.
    #[must_use]
    pub fn lines_dropped(&self) -> Counter {
        self.queue.backlog().lost().clone()
    }

    /// Where the log can be seen.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screen.clone()
    }

    /// Waits until everything logged so far is written, at most one second. For ends that run no
    /// destructors (`process::exit`).
    pub fn flush(&self) {
        // What was not written in time is lost: an end that waits for a stuck reader is worse.
        self.queue.sum_up();
        self.queue.backlog().wait_empty(FLUSH_LIMIT);
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Starts the log thread, installs the logger of the `log` macros, and a panic hook that logs a
/// panic as one line: actors panic and are restarted, which is news, not a reason for a backtrace.
///
/// `level` is that of mcproxy's own lines; those of other packages are shown from warnings up.
///
/// # Errors
/// When the thread cannot be started, or when a logger was installed before.
#[expect(
    clippy::disallowed_methods,
    reason = "handed to the thread that writes"
)]
pub fn init(sink: Sink, level: LevelFilter) -> io::Result<LogGuard> {
    zone::read();
    let is_shown = Arc::new(AtomicBool::new(false));
    let (logger, mut guard) = match sink {
        Sink::Syslog(path) => {
            let format = Format::Syslog { pid: process::id() };
            let output = syslog::Syslog::new(path, format, io::stderr());
            let output = output.seen_in(Arc::clone(&is_shown));
            start(format, level, output)?
        }
        Sink::Stdout => {
            is_shown.store(io::stdout().is_terminal(), Ordering::Relaxed);
            let (logger, mut guard) = start(Format::Stdout, level, stdout::Stdout(io::stdout()))?;
            guard.screen.queue = Some(guard.queue.clone());
            (logger, guard)
        }
    };
    guard.screen.is_shown = is_shown;
    ::log::set_max_level(logger.filter());
    ::log::set_boxed_logger(Box::new(logger)).map_err(io::Error::other)?;
    panic::set_hook(Box::new(log_panic));
    Ok(guard)
}

/// A logger of its own; `init` makes it the program's.
fn start(
    format: Format,
    level: LevelFilter,
    output: impl Output,
) -> io::Result<(env_logger::Logger, LogGuard)> {
    let gate = Arc::new(Gate::new(Instant::now()));
    let queue = queue::start(format, output, Arc::clone(&gate))?;
    let guard = LogGuard {
        queue: queue.clone(),
        screen: Screen::default(),
    };
    let logger = env_logger::Builder::new()
        .filter_level(level.min(LevelFilter::Warn))
        .filter_module(env!("CARGO_PKG_NAME"), level)
        // It warns of every watch that ended with its file; what matters it also returns.
        .filter_module("notify", LevelFilter::Off)
        .format(move |_, record| {
            let now = Instant::now();
            match gate.asks(now, record) {
                Verdict::Pass(key) => {
                    let line = format.line(record.level(), *record.args());
                    gate.pay(now, key, line.len());
                    queue.put(line.into());
                }
                Verdict::First => queue.wake(),
                Verdict::Another => {}
            }
            Ok(())
        })
        .target(env_logger::Target::Pipe(Box::new(io::sink())))
        .build();
    Ok((logger, guard))
}

fn log_panic(info: &PanicHookInfo<'_>) {
    ::log::error!("{}", describe_panic(info));
}

/// `thread 'x' panicked at src/file.rs:1:2: message`
fn describe_panic(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let current = thread::current();
    let name = current.name().unwrap_or("unnamed");
    match info.location() {
        Some(place) => format!("thread '{name}' panicked at {place}: {message}"),
        None => format!("thread '{name}' panicked: {message}"),
    }
}
