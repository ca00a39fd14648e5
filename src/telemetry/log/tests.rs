//! The log against a fake syslogd: what arrives, and what happens when it restarts, is missing,
//! or does not read.

use std::io::{self, Write};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::log::{Level, LevelFilter, Log, Record};
use tokio::time::Instant;

use super::format::Format;
use super::stdout::Stdout;
use super::syslog::{Syslog, SyslogPath};
use super::{FLUSH_LIMIT, LogGuard, describe_panic, start};

const DEADLINE: Duration = Duration::from_secs(10);

/// A writer whose content the test can read, and which it can hold shut with [`Tape::lock`].
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    fn text(&self) -> String {
        String::from_utf8(self.lock().clone()).unwrap()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A logger to syslog at a path in a directory of its own.
struct Bench {
    _directory: tempfile::TempDir,
    path: PathBuf,
    stderr: Tape,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        Self {
            _directory: directory,
            path,
            stderr: Tape::default(),
        }
    }

    fn syslogd(&self) -> UnixDatagram {
        let socket = UnixDatagram::bind(&self.path).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket
    }

    fn logger(&self) -> (env_logger::Logger, LogGuard) {
        let format = Format::Syslog { pid: 12345 };
        let path = SyslogPath::at(self.path.clone());
        let output = Syslog::new(path, format, self.stderr.clone());
        start(format, LevelFilter::Info, output).unwrap()
    }
}

fn write(logger: &env_logger::Logger, level: Level, text: &str) {
    let mut record = Record::builder();
    // As many as there are: what the gate leaves out is the business of its own tests.
    let rate = [("rate", u32::MAX)];
    record
        .target("mcproxy::test")
        .level(level)
        .key_values(&rate);
    logger.log(&record.args(format_args!("{text}")).build());
}

fn is_written(guard: &LogGuard) -> bool {
    guard.queue.backlog().wait_empty(FLUSH_LIMIT)
}

fn receive(socket: &UnixDatagram) -> io::Result<String> {
    let mut buffer = [0; 16 * 1024];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8(buffer[..length].to_vec()).unwrap())
}

fn remove(socket: UnixDatagram, path: &Path) {
    drop(socket);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn the_datagram_is_to_the_letter() {
    let bench = Bench::new();
    let syslogd = bench.syslogd();
    let (logger, _guard) = bench.logger();
    write(&logger, Level::Info, "Server 'playwright' started");
    let line = receive(&syslogd).unwrap();
    let (start, end) = (line.get(..4).unwrap(), line.get(19..).unwrap());
    assert_eq!(start, "<30>");
    assert_eq!(
        end,
        " mcp-gateway[12345]: [INFO] Server 'playwright' started"
    );
    let time = format!("2025 {}", &line[4..19]);
    jiff::civil::DateTime::strptime("%Y %b %d %H:%M:%S", time).unwrap();
    for (level, priority) in [(Level::Error, "<27>"), (Level::Warn, "<28>")] {
        write(&logger, level, "x");
        assert!(receive(&syslogd).unwrap().starts_with(priority));
    }
    assert_eq!(bench.stderr.text(), "");
}

#[test]
fn the_level_filters() {
    let tape = Tape::default();
    let output = Stdout(tape.clone());
    let (logger, guard) = start(Format::Stdout, LevelFilter::Debug, output).unwrap();
    write(&logger, Level::Debug, "ours");
    write(&logger, Level::Trace, "too fine");
    let mut record = Record::builder();
    record.target("hyper::proto").level(Level::Debug);
    logger.log(&record.args(format_args!("theirs")).build());
    assert!(is_written(&guard));
    let text = tape.text();
    assert!(text.ends_with(" [DEBUG] ours\n"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_restart_of_syslogd_loses_nothing() {
    let bench = Bench::new();
    let syslogd = bench.syslogd();
    let (logger, guard) = bench.logger();
    write(&logger, Level::Info, "before");
    assert!(receive(&syslogd).unwrap().ends_with("before"));
    remove(syslogd, &bench.path);

    let syslogd = bench.syslogd();
    write(&logger, Level::Info, "after");
    assert!(receive(&syslogd).unwrap().ends_with("after"));
    remove(syslogd, &bench.path);

    write(&logger, Level::Info, "away");
    assert!(is_written(&guard));
    let stderr = bench.stderr.text();
    assert!(stderr.contains("no syslog ("), "{stderr}");
    assert!(stderr.ends_with(" mcp-gateway[12345]: [INFO] away\n"));
    assert!(!stderr.contains('<'), "{stderr}");

    let syslogd = bench.syslogd();
    syslogd
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let since = Instant::now();
    let back = loop {
        write(&logger, Level::Info, "again");
        if let Ok(line) = receive(&syslogd) {
            break line;
        }
        assert!(since.elapsed() < Duration::from_secs(5), "no reconnection");
    };
    let diverted = bench.stderr.text().matches("[INFO]").count();
    assert!(
        back.ends_with(&format!(
            "[WARN] syslog is back; lines that went to stderr: {diverted}"
        )),
        "{back}"
    );
    assert!(receive(&syslogd).unwrap().ends_with("again"));
}

#[test]
fn without_a_socket_stderr_is_told_once_and_used() {
    let bench = Bench::new();
    let (logger, guard) = bench.logger();
    for number in 0..20 {
        write(&logger, Level::Info, &format!("line {number}"));
    }
    assert!(is_written(&guard));
    let stderr = bench.stderr.text();
    let path = bench.path.display().to_string();
    assert_eq!(stderr.matches("no syslog (").count(), 1, "{stderr}");
    assert!(stderr.lines().next().unwrap().contains(&path), "{stderr}");
    assert!(stderr.contains("No such file"), "{stderr}");
    assert_eq!(stderr.matches("[INFO] line").count(), 20, "{stderr}");
}

#[test]
fn a_stream_socket_is_understood() {
    use std::io::Read;
    let bench = Bench::new();
    let listener = UnixListener::bind(&bench.path).unwrap();
    let (logger, guard) = bench.logger();
    write(&logger, Level::Info, "stream");
    assert!(is_written(&guard));
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut received = Vec::new();
    while received.last() != Some(&0) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        received.extend(byte);
    }
    assert!(received.ends_with(b"[INFO] stream\0"));
}

#[test]
fn a_daemon_that_never_reads_delays_no_caller() {
    const LINES: usize = 10_000;
    let bench = Bench::new();
    let syslogd = bench.syslogd();
    let (logger, guard) = bench.logger();

    let stderr_is_stuck_too = bench.stderr.lock();
    let since = Instant::now();
    let mut slowest = Duration::ZERO;
    for number in 0..LINES {
        let at = Instant::now();
        write(&logger, Level::Info, &format!("line {number}"));
        slowest = slowest.max(at.elapsed());
    }
    assert!(since.elapsed() < Duration::from_secs(5));
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let since = Instant::now();
    assert!(!is_written(&guard), "nothing can have been written");
    assert!(since.elapsed() < DEADLINE);
    drop(stderr_is_stuck_too);

    // Everything is accounted for: in the daemon's buffer, on stderr, or counted as dropped.
    let since = Instant::now();
    while !is_written(&guard) {
        assert!(since.elapsed() < DEADLINE);
    }
    let stderr = bench.stderr.text();
    let (_, report) = stderr.split_once("[WARN] ").unwrap();
    assert!(report.starts_with("no syslog ("), "{report}");
    let dropped: usize = stderr
        .lines()
        .filter_map(|line| line.split_once("[WARN] ")?.1.split_once(" log lines were"))
        .map(|(count, _)| count.parse::<usize>().unwrap())
        .sum();
    assert!(dropped > 0);
    assert_eq!(guard.lines_dropped().get(), dropped as u64);
    let diverted = stderr.matches("[INFO] line").count();
    syslogd.set_nonblocking(true).unwrap();
    let mut received = 0;
    while let Ok(line) = receive(&syslogd) {
        received += usize::from(line.contains("[INFO] line"));
    }
    assert_eq!(received + diverted + dropped, LINES, "{received}");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let (logger, guard) = start(Format::Stdout, LevelFilter::Info, Stdout(Broken)).unwrap();
    write(&logger, Level::Info, "into the void");
    write(&logger, Level::Info, "and on");
    assert!(is_written(&guard));
}

#[test]
fn a_panic_is_one_line() {
    let seen = Arc::new(Mutex::new(String::new()));
    let (place, old) = (Arc::clone(&seen), std::panic::take_hook());
    let thread = std::thread::Builder::new().name("falls".to_owned());
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some("falls") {
            *place.lock().unwrap() = describe_panic(info);
        } else {
            old(info);
        }
    }));
    let joined = thread.spawn(|| panic!("number {}", 7)).unwrap().join();
    assert!(joined.is_err());
    let line = seen.lock().unwrap().clone();
    assert!(line.starts_with("thread 'falls' panicked at "), "{line}");
    assert!(line.ends_with(": number 7"), "{line}");
}
