//! The watch over the file. Editors replace files, Kubernetes swaps symbolic links, container
//! engines bind-mount single files: so the file, its directory, and the directory of what it
//! links to are watched, and every event only means "look again".

use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A running watch; dropping it ends it.
pub(super) struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Calls `changed`, from another thread, after whatever may have changed the file.
    ///
    /// Errors: the system refuses any watch at all; then only polling notices changes.
    pub(super) fn over(path: &Path, changed: impl Fn() + Send + 'static) -> notify::Result<Self> {
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.as_ref().map_or(true, may_have_changed) {
                changed();
            }
        })?;
        let mut refused = None;
        let mut is_watching = false;
        for place in places(path) {
            match watcher.watch(&place, RecursiveMode::NonRecursive) {
                Ok(()) => is_watching = true,
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if !is_watching => Err(error),
            _ => Ok(Self { _watcher: watcher }),
        }
    }
}

/// The file, its directory, and the directory of what it is a link to.
fn places(path: &Path) -> Vec<PathBuf> {
    let directory = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut places = vec![directory(path), path.to_owned()];
    if let Ok(target) = path.canonicalize() {
        places.push(directory(&target));
    }
    places
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
