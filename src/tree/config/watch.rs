//! The watch over the file. Editors replace files, Kubernetes swaps symbolic links, container
//! engines bind-mount single files: so the file, its directory, and the directory of what it
//! links to are watched, and an event means no more than "look whether the file is another one".

#![expect(
    clippy::disallowed_methods,
    reason = "a look is taken beside the workers, and the watch has a thread of its own"
)]

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A running watch; dropping it ends it.
pub(super) struct Watch {
    _watcher: RecommendedWatcher,
    paths: Vec<WatchedPath>,
}

/// Something that is watched, and which inode that was: a watch stays with the inode when the name
/// is given to another one.
#[derive(PartialEq, Eq)]
struct WatchedPath {
    path: PathBuf,
    inode: Option<(u64, u64)>,
}

impl Watch {
    /// Whether it watches what is to be watched now: the file, its directory or a link may be
    /// another one since.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        self.paths == paths(path)
    }

    /// Calls `changed`, from another thread, after whatever may have changed the file.
    ///
    /// Errors: the system refuses any watch at all; then only polling notices changes.
    pub(super) fn over(path: &Path, changed: impl Fn() + Send + 'static) -> notify::Result<Self> {
        let file = path.to_owned();
        let mut last = signature(&file);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if !event.as_ref().map_or(true, may_have_changed) {
                return;
            }
            // Servers may write all day long in the same directory, which is none of our business.
            let now = signature(&file);
            if now != last {
                last = now;
                changed();
            }
        })?;
        let mut refused = None;
        let mut is_watching = false;
        let paths = paths(path);
        for WatchedPath { path, .. } in &paths {
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => is_watching = true,
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if !is_watching => Err(error),
            _ => Ok(Self {
                _watcher: watcher,
                paths,
            }),
        }
    }
}

/// The file, its directory, and the directory of what it is a link to.
fn paths(path: &Path) -> Vec<WatchedPath> {
    let directory = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut paths = vec![directory(path), path.to_owned()];
    if let Ok(target) = path.canonicalize() {
        paths.push(directory(&target));
    }
    let with_inode = |path: PathBuf| {
        let inode = fs::metadata(&path)
            .ok()
            .map(|meta| (meta.dev(), meta.ino()));
        WatchedPath { path, inode }
    };
    paths.into_iter().map(with_inode).collect()
}

/// What differs after every change of the file, links followed: device, inode, size, and the time
/// of the last change, which nobody can set back.
fn signature(path: &Path) -> Option<(u64, u64, u64, i64, i64)> {
    let of = |meta: Metadata| {
        let (device, inode, size) = (meta.dev(), meta.ino(), meta.size());
        (device, inode, size, meta.ctime(), meta.ctime_nsec())
    };
    fs::metadata(path).ok().map(of)
}

/// Reading the file makes events of its own, which must not lead to reading it again.
fn may_have_changed(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    fn watch(path: &Path) -> (Watch, Receiver<()>) {
        let (sender, changes) = channel();
        let tell = move || sender.send(()).unwrap_or_default();
        (Watch::over(path, tell).unwrap(), changes)
    }

    #[test]
    fn others_in_the_directory_are_none_of_its_business() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("servers.json");
        fs::write(&path, "[]").unwrap();
        let (_watch, changes) = watch(&path);
        for number in 0..50 {
            let other = directory.path().join(format!("{number}.log"));
            fs::write(&other, "noise").unwrap();
            fs::remove_file(other).unwrap();
        }
        fs::write(&path, "[ ]").unwrap();
        changes.recv_timeout(DEADLINE).unwrap();
        // Events come in order: the hundreds about the others have been looked at by now. The one
        // write is a few: it empties the file, fills it, and closes it.
        assert!(changes.try_iter().count() < 10);
    }

    #[test]
    fn it_knows_when_it_watches_the_wrong_place() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("conf");
        let path = directory.join("servers.json");
        fs::create_dir(&directory).unwrap();
        fs::write(&path, "[]").unwrap();
        let (first, _changes) = watch(&path);
        fs::write(&path, "[ ]").unwrap();
        assert!(first.is_current(&path), "the same inodes");

        fs::rename(&directory, home.path().join("old")).unwrap();
        assert!(!first.is_current(&path), "nothing is there");
        fs::create_dir(&directory).unwrap();
        fs::write(&path, "[]").unwrap();
        assert!(!first.is_current(&path), "another directory");
        let (second, changes) = watch(&path);
        assert!(second.is_current(&path));
        fs::write(&path, "[ ]").unwrap();
        changes.recv_timeout(DEADLINE).unwrap();
    }
}
