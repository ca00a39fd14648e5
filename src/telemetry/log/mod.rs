//! The log: `env_logger` filters and formats in the caller, a bounded queue takes the finished
//! line, one thread hands it to syslog or stdout. A sink that blocks, breaks or is missing never
//! reaches an actor. Called by main once; everybody else uses the `log` macros.

mod format;
mod queue;
mod stdout;
mod syslog;
#[cfg(test)]
mod tests;

use std::io;
use std::panic::{self, PanicHookInfo};
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ::log::LevelFilter;
use jiff::Zoned;

use self::format::Format;
use self::queue::{Backlog, Output};
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
    backlog: Arc<Backlog>,
}

impl LogGuard {
    /// Counts the lines that are dropped because the sink is too slow.
    #[must_use]
    pub fn lines_dropped(&self) -> Counter {
        self.backlog.lost().clone()
    }

    /// Waits until everything logged so far is written, at most one second. For ends that run no
    /// destructors (`process::exit`).
    pub fn flush(&self) {
        // What was not written in time is lost: an end that waits for a stuck reader is worse.
        self.backlog.wait_empty(FLUSH_LIMIT);
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
    let (logger, guard) = match sink {
        Sink::Syslog(path) => {
            let format = Format::Syslog { pid: process::id() };
            let output = syslog::Syslog::new(path, format, io::stderr());
            start(format, level, output)?
        }
        Sink::Stdout => start(Format::Stdout, level, stdout::Stdout(io::stdout()))?,
    };
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
    let (queue, backlog) = queue::start(format, output)?;
    let logger = env_logger::Builder::new()
        .filter_level(level.min(LevelFilter::Warn))
        .filter_module(env!("CARGO_PKG_NAME"), level)
        // It warns of every watch that ended with its file; what matters it also returns.
        .filter_module("notify", LevelFilter::Off)
        .format(move |out, record| format.write(out, &Zoned::now(), record.level(), *record.args()))
        .target(env_logger::Target::Pipe(Box::new(queue)))
        .build();
    Ok((logger, LogGuard { backlog }))
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
