//! The syslog socket: connects, sends, connects again. Whatever cannot be sent goes to stderr, so
//! that nothing is lost while syslogd is away. Runs on the log thread; a send waits at most
//! [`STALL`].

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::log::Level;
use syslog::LoggerBackend;
use tokio::time::Instant;

use super::format::{Format, without_priority};
use super::queue::Output;

/// How long one send may wait for a daemon that does not read.
const STALL: Duration = Duration::from_millis(250);
/// The first pause before another attempt to connect; it doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause: a daemon that is back is used again after this at the latest.
const LAST_PAUSE: Duration = Duration::from_secs(3);

/// Where syslogd may listen; the first socket that answers is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogPath(Vec<PathBuf>);

impl SyslogPath {
    /// One socket and no other.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(vec![path])
    }
}

impl Default for SyslogPath {
    /// `/dev/log`, else `/var/run/syslog`.
    fn default() -> Self {
        Self(vec!["/dev/log".into(), "/var/run/syslog".into()])
    }
}

/// The output that sends to syslogd and writes to `fallback` (stderr) while it cannot.
pub(super) struct Syslog<W> {
    path: SyslogPath,
    format: Format,
    fallback: W,
    /// Whether lines go to the fallback now.
    is_diverted: Arc<AtomicBool>,
    link: Link,
}

enum Link {
    Up(LoggerBackend),
    Down(Outage),
}

#[derive(Clone, Copy)]
struct Outage {
    next_try: Instant,
    pause: Duration,
    /// Lines that went to the fallback, `None` before the outage was told of.
    diverted: Option<u64>,
}

impl<W: Write + Send + 'static> Syslog<W> {
    /// Not connected yet: [`Output::open`] does it on the log thread.
    pub(super) fn new(path: SyslogPath, format: Format, fallback: W) -> Self {
        Self {
            path,
            format,
            fallback,
            is_diverted: Arc::default(),
            link: Link::Down(Outage::new()),
        }
    }

    /// Tells there whether lines go to the fallback.
    pub(super) fn seen_in(self, is_diverted: Arc<AtomicBool>) -> Self {
        Self {
            is_diverted,
            ..self
        }
    }

    /// Sends over the link as it is, or over a new one if its time has come.
    fn send(&mut self, line: &[u8]) -> io::Result<()> {
        let datagram = line.strip_suffix(b"\n").unwrap_or(line);
        if let Link::Up(backend) = &mut self.link {
            let sent = send(backend, datagram);
            match sent {
                Ok(()) => return Ok(()),
                // A restart of syslogd breaks the old connection; the new socket is there
                // already more often than not. One that does not read gets no second wait.
                Err(error) => {
                    self.link = Link::Down(Outage::new());
                    if is_stalled(&error) {
                        self.fail_attempt();
                        return Err(error);
                    }
                }
            }
        }
        self.reconnect(datagram)
    }

    fn reconnect(&mut self, datagram: &[u8]) -> io::Result<()> {
        let Link::Down(outage) = self.link else {
            return Ok(());
        };
        if Instant::now() < outage.next_try {
            return Err(ErrorKind::NotConnected.into());
        }
        let attempt = self.path.connect().and_then(|mut backend| {
            // Only what arrives proves that the daemon reads, so the link is up after a send.
            if let Some(diverted) = outage.diverted {
                let text = format_args!("syslog is back; lines that went to stderr: {diverted}");
                let back = self.format.line(Level::Warn, text);
                send(&mut backend, back.strip_suffix(b"\n").unwrap_or(&back))?;
            }
            send(&mut backend, datagram)?;
            Ok(backend)
        });
        match attempt {
            Ok(backend) => {
                self.link = Link::Up(backend);
                Ok(())
            }
            Err(error) => {
                self.fail_attempt();
                Err(error)
            }
        }
    }

    fn fail_attempt(&mut self) {
        if let Link::Down(outage) = &mut self.link {
            outage.next_try = Instant::now() + outage.pause;
            outage.pause = (outage.pause * 2).min(LAST_PAUSE);
        }
    }

    /// Says once per outage why lines come here.
    fn tell(&mut self, why: &io::Error) {
        if let Link::Down(outage) = &mut self.link
            && outage.diverted.is_none()
        {
            outage.diverted = Some(0);
            let text = format_args!(
                "no syslog ({why}): logging to stderr until it is there; --log writes to stdout"
            );
            let line = self.format.line(Level::Warn, text);
            write_fallback(&mut self.fallback, &line);
        }
    }
}

impl<W: Write + Send + 'static> Output for Syslog<W> {
    /// Looks for the socket at once, so that its absence is said at the start and not in front of
    /// the first line that mattered.
    fn open(&mut self) {
        match self.path.connect() {
            Ok(backend) => self.link = Link::Up(backend),
            Err(error) => {
                self.is_diverted.store(true, Ordering::Relaxed);
                self.fail_attempt();
                self.tell(&error);
            }
        }
    }

    fn write(&mut self, line: &[u8]) {
        let sent = self.send(line);
        self.is_diverted.store(sent.is_err(), Ordering::Relaxed);
        let Err(error) = sent else { return };
        self.tell(&error);
        if let Link::Down(outage) = &mut self.link {
            outage.diverted = outage.diverted.map(|lines| lines + 1);
        }
        write_fallback(&mut self.fallback, line);
    }
}

impl Outage {
    fn new() -> Self {
        Self {
            next_try: Instant::now(),
            pause: FIRST_PAUSE,
            diverted: None,
        }
    }
}

impl SyslogPath {
    /// The first socket that takes a connection; the error names every one that was tried.
    fn connect(&self) -> io::Result<LoggerBackend> {
        let mut failures = Vec::new();
        for path in &self.0 {
            match connect(path) {
                Ok(backend) => return Ok(backend),
                Err(error) => failures.push(format!("{}: {error}", path.display())),
            }
        }
        Err(io::Error::other(failures.join("; ")))
    }
}

/// The `syslog` crate makes the connection (datagram, else stream); the limit on a send, which it
/// lacks, is set on its socket here.
fn connect(path: &Path) -> io::Result<LoggerBackend> {
    let backend = syslog::unix_custom((), path).map_err(io_cause)?.backend;
    match &backend {
        LoggerBackend::Unix(socket) => socket.set_write_timeout(Some(STALL))?,
        LoggerBackend::UnixStream(stream) => stream.get_ref().set_write_timeout(Some(STALL))?,
        LoggerBackend::Udp(..) | LoggerBackend::Tcp(_) => {}
    }
    Ok(backend)
}

/// The operating system's error inside the crate's.
fn io_cause(error: syslog::Error) -> io::Error {
    match error {
        syslog::Error::Io(cause) | syslog::Error::Write(cause) => cause,
        syslog::Error::Initialization(inner) => match inner.downcast::<syslog::Error>() {
            Ok(inner) => io_cause(*inner),
            Err(other) => io::Error::other(other),
        },
    }
}

fn send(backend: &mut LoggerBackend, datagram: &[u8]) -> io::Result<()> {
    backend.write(datagram).map(|_| ())
}

/// Sends one line over a connection of its own.
pub(super) fn send_once(path: &SyslogPath, line: &[u8]) -> io::Result<()> {
    send(
        &mut path.connect()?,
        line.strip_suffix(b"\n").unwrap_or(line),
    )
}

/// The daemon is there and does not read; connecting again would only mean waiting again.
fn is_stalled(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Stderr may be closed or broken: then there is no place left to say so.
fn write_fallback(fallback: &mut impl Write, line: &[u8]) {
    if fallback.write_all(without_priority(line)).is_ok() {
        fallback.flush().ok();
    }
}
