//! The thread that writes the file, and the bounded queue in front of it.

#![expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, which may block"
)]

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use crate::files;
use crate::telemetry::metrics::Counter;

/// So many records may wait.
pub(super) const CAPACITY: usize = 4096;
/// So much is written at once.
const BATCH: usize = 64 * 1024;
/// How often the log says that records are lost.
const SAY_EVERY: Duration = Duration::from_secs(60);
/// How long after a failure the file is opened again.
const RETRY: Duration = Duration::from_secs(1);

/// The callers' end. A line, or nothing: there is something else to do.
#[derive(Debug)]
pub(super) struct Writer {
    items: Sender<Option<Box<[u8]>>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<usize>,
    empty: Condvar,
    is_moved: AtomicBool,
    lost: Counter,
    /// Lost, and not said yet.
    unsaid: AtomicU64,
}

impl Writer {
    pub(super) fn start(path: PathBuf) -> io::Result<Self> {
        let (items, queue) = channel();
        let shared = Arc::<Shared>::default();
        let mut course = Course {
            path,
            shared: Arc::clone(&shared),
            file: None,
            failed: None,
            said_at: None,
            is_said: false,
            is_torn: false,
            is_exposed: false,
        };
        let thread = thread::Builder::new().name("call log".to_owned());
        thread.spawn(move || {
            course.open();
            course.say();
            course.run(&queue);
        })?;
        Ok(Self { items, shared })
    }

    /// Hands over a line that ends with a newline.
    pub(super) fn put(&self, line: Box<[u8]>) {
        if !self.hand(Some(line)) {
            self.shared.lose(1);
        }
    }

    pub(super) fn reopen(&self) {
        self.shared.is_moved.store(true, Ordering::Release);
        // A thread with a full queue is awake.
        self.hand(None);
    }

    pub(super) fn finish(&self, limit: Duration) {
        let waiting = self.shared.waiting();
        let is_busy = |waiting: &mut usize| *waiting > 0;
        // What was not written by then is lost: an end that waits for a disk is worse.
        drop(
            self.shared
                .empty
                .wait_timeout_while(waiting, limit, is_busy),
        );
    }

    pub(super) fn lost(&self) -> Counter {
        self.shared.lost.clone()
    }

    fn hand(&self, item: Option<Box<[u8]>>) -> bool {
        let mut waiting = self.shared.waiting();
        let has_room = *waiting < CAPACITY && self.items.send(item).is_ok();
        *waiting += usize::from(has_room);
        has_room
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, usize> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, count: u64) {
        self.lost.inc_by(count);
        self.unsaid.fetch_add(count, Ordering::Relaxed);
    }

    fn done(&self, count: usize) {
        let mut waiting = self.waiting();
        *waiting = waiting.saturating_sub(count);
        if *waiting == 0 {
            self.empty.notify_all();
        }
    }
}

/// What the thread knows.
struct Course {
    path: PathBuf,
    shared: Arc<Shared>,
    file: Option<File>,
    /// When the file failed, and why.
    failed: Option<(Instant, String)>,
    said_at: Option<Instant>,
    /// Whether the log says that it can't be written.
    is_said: bool,
    /// What was written last ends within a record.
    is_torn: bool,
    /// Whether the log says that others may read it.
    is_exposed: bool,
}

impl Course {
    fn run(&mut self, queue: &Receiver<Option<Box<[u8]>>>) {
        loop {
            let first = match queue.recv_timeout(SAY_EVERY) {
                Ok(item) => item,
                Err(RecvTimeoutError::Timeout) => {
                    self.say();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut batch = Vec::new();
            let mut count = 1;
            batch.extend(first.into_iter().flatten());
            while batch.len() < BATCH
                && let Ok(item) = queue.try_recv()
            {
                batch.extend(item.into_iter().flatten());
                count += 1;
            }
            if self.shared.is_moved.swap(false, Ordering::AcqRel) {
                self.file = None;
                self.failed = None;
                self.is_torn = false;
                self.open();
            }
            self.write(&batch);
            self.say();
            self.shared.done(count);
        }
    }

    fn open(&mut self) {
        let is_early = |(at, _): &(Instant, String)| at.elapsed() < RETRY;
        if self.file.is_some() || self.failed.as_ref().is_some_and(is_early) {
            return;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        // Neither a pipe that nobody reads nor a terminal holds the thread up.
        options.custom_flags(files::FLAGS.bits());
        match options.open(&self.path) {
            Ok(file) => {
                self.look_at(&file);
                self.file = Some(file);
            }
            Err(error) => self.fail(&error),
        }
    }

    /// A file that was there keeps its mode, which may be more than its owner wants.
    fn look_at(&mut self, file: &File) {
        let Ok(metadata) = file.metadata() else {
            return;
        };
        if is_open_to_others(&metadata) && !self.is_exposed {
            self.is_exposed = true;
            let mode = metadata.permissions().mode() & 0o7777;
            log::warn!(
                "The call log {path} is open to other users (its mode is {mode:04o}): it says who calls what; \
                 'chmod 600 {path}' keeps it to the gateway",
                path = self.path.display()
            );
        }
    }

    fn write(&mut self, batch: &[u8]) {
        if batch.is_empty() {
            return;
        }
        self.open();
        let mut rest = batch;
        if let Some(file) = &mut self.file {
            let begun = if self.is_torn {
                file.write_all(b"\n")
            } else {
                Ok(())
            };
            match begun.and_then(|()| write_all(file, &mut rest)) {
                Ok(()) => {
                    self.is_torn = false;
                    let was_failed = self.failed.take().is_some();
                    if was_failed && std::mem::take(&mut self.is_said) {
                        log::info!("The call log {} is written again", self.path.display());
                    }
                    return;
                }
                Err(error) => {
                    let written = batch.strip_suffix(rest).unwrap_or_default();
                    if let Some(last) = written.last() {
                        self.is_torn = *last != b'\n';
                    }
                    self.fail(&error);
                }
            }
        }
        let lines = memchr::memchr_iter(b'\n', rest).count();
        self.shared.lose(lines.try_into().unwrap_or(u64::MAX));
    }

    fn fail(&mut self, error: &io::Error) {
        self.file = None;
        self.failed = Some((Instant::now(), error.to_string()));
    }

    /// Says that it can't be written, and what is lost: at once, and then from time to time.
    fn say(&mut self) {
        let unsaid = self.shared.unsaid.load(Ordering::Relaxed);
        if unsaid == 0 {
            return self.say_failed();
        }
        let is_early = |at: Instant| at.elapsed() < SAY_EVERY;
        if self.said_at.is_some_and(is_early) {
            return;
        }
        self.said_at = Some(Instant::now());
        self.is_said = self.failed.is_some();
        self.shared.unsaid.fetch_sub(unsaid, Ordering::Relaxed);
        let path = self.path.display();
        if let Some((_, why)) = &self.failed {
            log::warn!(
                "The call log {path} can't be written ({why}): {unsaid} records lost; calls go on, and it is tried again"
            );
        } else {
            log::warn!("The call log {path} is too slow: {unsaid} records lost; calls go on");
        }
    }

    /// Nothing is lost yet.
    fn say_failed(&mut self) {
        if let Some((_, why)) = self.failed.as_ref().filter(|_| !self.is_said) {
            let path = self.path.display();
            log::warn!(
                "The call log {path} can't be written ({why}): records are lost until it can; calls go on, and it is \
                 tried again"
            );
            self.is_said = true;
        }
    }
}

/// Whether it is a file that other users than its owner and group may read or change it.
fn is_open_to_others(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.permissions().mode() & 0o006 != 0
}

/// Leaves in `rest` what was not written.
fn write_all(file: &mut File, rest: &mut &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *rest = rest.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::path::Path;

    use super::*;

    fn course(path: &Path) -> Course {
        Course {
            path: path.to_owned(),
            shared: Arc::default(),
            file: None,
            failed: None,
            said_at: None,
            is_said: false,
            is_torn: false,
            is_exposed: false,
        }
    }

    #[tokio::test]
    async fn what_is_said_to_be_lost_is_what_is_counted() {
        let home = tempfile::tempdir().unwrap();
        let mut course = course(&home.path().join("no/such/directory"));
        course.open();
        course.say();
        assert!(course.is_said && course.said_at.is_none());
        course.write(b"a\nb\nc\n");
        assert_eq!(course.shared.lost.get(), 3);
        assert_eq!(course.shared.unsaid.load(Ordering::Relaxed), 3);
        course.say();
        assert!(course.said_at.is_some());
        assert_eq!(course.shared.unsaid.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_file_that_others_may_read_is_noted() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("calls");
        fs::write(&path, "").unwrap();
        for (mode, is_noted) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let mut course = course(&path);
            course.open();
            assert_eq!(course.is_exposed, is_noted, "{mode:o}");
        }
        let mut course = course(Path::new("/dev/null"));
        course.open();
        assert!(!course.is_exposed, "it is no file");
    }
}
