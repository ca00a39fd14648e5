//! What is done once at the start: whether another gateway uses the directory is seen by a lock, and
//! what nobody needs any more is removed.

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: before there are workers, or beside them"
)]

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat};

use super::file::{CATALOGUES, CONFIGURATIONS, LAST, LIVES, LOCK, NAMES, REPLACED};
use super::{Configuration, Folder, PRIVATE, StateDir, StateFile, UNFINISHED, closing, earlier};
use crate::files;

/// What is kept of a configuration file goes when the file was not used for so long.
const UNUSED: Duration = Duration::from_secs(90 * 24 * 3600);
/// Of so many files it is kept at most: whoever is used least recently goes.
const CONFIGURATIONS_AT_MOST: usize = 64;

/// Takes the lock and tidies up; `used` stays, however old it is. Without the lock nothing is removed:
/// it may be another's.
pub(super) fn tend(directory: &StateDir, used: &Configuration) -> Option<Flock<File>> {
    let lock = lock(directory)?;
    // At the first start there is none.
    directory.touch(&StateFile::LastConfiguration(used)).ok();
    let at_the_top = closing::children(directory.path());
    let below = closing::ours(directory.path());
    for path in at_the_top.into_iter().chain(below) {
        if is_unfinished(&path) {
            // A link goes, and not what it leads to.
            let removed = fs::remove_file(&path);
            log::debug!("left unfinished: {}: {removed:?}", path.display());
        }
    }
    earlier::take_over(directory);
    remove_unused(&directory.path().join(CONFIGURATIONS), SystemTime::now());
    Some(lock)
}

fn lock(directory: &StateDir) -> Option<Flock<File>> {
    let shown = directory.path().display();
    let flags = files::FLAGS | OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW;
    let opened = directory
        .folder(Folder::Top, true)
        .and_then(|folder| Ok(openat(&folder, LOCK, flags, PRIVATE)?));
    let file = match opened {
        Ok(opened) => File::from(opened),
        Err(error) => {
            log::debug!("{shown} can't be locked: {error}");
            return None;
        }
    };
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Some(lock),
        Err((_, Errno::EWOULDBLOCK)) => {
            log::warn!(
                "Another gateway uses the state directory {shown}, too: they share the key of their \
                 sessions; give this one its own with --state-dir"
            );
            None
        }
        Err((_, error)) => {
            log::debug!("{shown} can't be locked: {error}");
            None
        }
    }
}

/// Whether it has a name that only files have that are being written, whoever made it.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.strip_suffix(UNFINISHED));
    let is_below = path
        .parent()
        .is_some_and(|folder| folder.ends_with(LIVES) || folder.ends_with(CATALOGUES));
    name.is_some_and(|name| {
        let ours = name.strip_prefix('.').unwrap_or_default();
        let is_ours = |known: &&str| ours.starts_with(*known);
        is_below || NAMES.iter().chain(&REPLACED).any(is_ours)
    })
}

fn remove_unused(configurations: &Path, now: SystemTime) {
    let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|data| data.is_dir());
    if !is_folder(configurations) {
        return;
    }
    let entries = fs::read_dir(configurations).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let is_key = entry
            .file_name()
            .to_str()
            .is_some_and(Configuration::is_key);
        is_key && is_folder(&entry.path())
    });
    let with_age = ours.filter_map(|entry| {
        let kept = entry.path();
        let used = fs::metadata(kept.join(LAST));
        let used = used.or_else(|_| entry.metadata()).ok()?.modified().ok()?;
        Some((now.duration_since(used).unwrap_or_default(), kept))
    });
    let mut by_age: Vec<_> = with_age.collect();
    by_age.sort();
    for (at, (age, path)) in by_age.iter().enumerate() {
        if *age > UNUSED || at >= CONFIGURATIONS_AT_MOST {
            let removed = fs::remove_dir_all(path);
            log::debug!("not used any more: {}: {removed:?}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_files_that_are_not_used_goes() {
        let home = tempfile::tempdir().unwrap();
        for number in 0..=CONFIGURATIONS_AT_MOST {
            fs::create_dir(home.path().join(format!("{number:016x}"))).unwrap();
        }
        let left = || fs::read_dir(home.path()).unwrap().count();
        remove_unused(home.path(), SystemTime::now());
        assert_eq!(left(), CONFIGURATIONS_AT_MOST);
        fs::create_dir(home.path().join("of somebody else")).unwrap();
        remove_unused(home.path(), SystemTime::now() + UNUSED + UNUSED);
        assert_eq!(left(), 1);
    }

    #[test]
    fn what_is_in_use_stays_however_old_it_is() {
        let home = tempfile::tempdir().unwrap();
        let (used, other) = (Path::new("/used.json"), Path::new("/other.json"));
        let [used, other] = [used, other].map(Configuration::at);
        let directory = StateDir::new(home.path());
        let long_ago = SystemTime::now() - UNUSED - UNUSED;
        for of in [&used, &other] {
            let last = StateFile::LastConfiguration(of);
            directory.replace(&last, b"[]").unwrap();
            let file = File::open(home.path().join(last.path())).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        let kept = |of| directory.read(&StateFile::LastConfiguration(of)).unwrap();
        let _lock = tend(&directory, &used).unwrap();
        assert!(kept(&used).is_some() && kept(&other).is_none());
    }
}
