//! Who has to do with which file right now: a file system that hangs holds its thread for good, and
//! says nothing. Whoever opens a file that may be on one notes it; the program's watchdog looks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

static NEXT: AtomicU64 = AtomicU64::new(0);
static AT_WORK: Mutex<BTreeMap<u64, (PathBuf, Instant)>> = Mutex::new(BTreeMap::new());

/// The file is read, written or looked at until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct AtWork(u64);

/// Notes that the file at `path` is about to be read, written or looked at.
pub fn at_work(path: &Path) -> AtWork {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    all().insert(number, (path.to_owned(), Instant::now()));
    AtWork(number)
}

/// The files that somebody has had to do with for so long, each once.
#[must_use]
pub fn stuck(since: Duration) -> Vec<PathBuf> {
    let all = all();
    let stuck = all.values().filter(|(_, begin)| begin.elapsed() >= since);
    let mut paths: Vec<PathBuf> = stuck.map(|(path, _)| path.clone()).collect();
    paths.sort();
    paths.dedup();
    paths
}

impl Drop for AtWork {
    fn drop(&mut self) {
        all().remove(&self.0);
    }
}

/// Nothing in here can panic half-way: what a poisoned lock guards is whole.
fn all() -> MutexGuard<'static, BTreeMap<u64, (PathBuf, Instant)>> {
    AT_WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_stuck_while_somebody_is_at_it() {
        let path = Path::new("/a file/of this test");
        let is_stuck = |since| stuck(since).iter().filter(|stuck| *stuck == path).count();
        let (one, other) = (at_work(path), at_work(path));
        assert_eq!(is_stuck(Duration::ZERO), 1, "once");
        assert_eq!(is_stuck(Duration::from_secs(3600)), 0);
        drop(one);
        assert_eq!(is_stuck(Duration::ZERO), 1);
        drop(other);
        assert_eq!(is_stuck(Duration::ZERO), 0);
    }
}
