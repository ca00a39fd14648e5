//! Makes the directory for the gateway's own user alone, and closes to others what is in it, should an
//! earlier umask, a copy or a restored backup have left it open.

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: before there are workers, or beside them"
)]

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::ROOT;
use super::file::NAMES;

const OTHERS: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;
/// Who may write to a directory with this bit may not replace what is another's.
const STICKY: u32 = 0o1000;

/// How deep it goes below the state directory.
const DEEPEST: usize = 4;

/// Makes the directory, and those above it.
pub(super) fn make(directory: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory)
}

/// Makes `directory` if it is missing, and takes all rights of others from what is ours in it.
/// `false` if it must not be used, because another user has put there what should be ours: whoever
/// made the key knows the ids of all sessions. Who needs the directory and cannot have it says so.
#[must_use]
pub(super) fn close(directory: &Path) -> bool {
    if let Err(error) = make(directory) {
        log::debug!("no state directory {}: {error}", directory.display());
        return true;
    }
    let trusted = [geteuid().as_raw(), ROOT];
    if let Some(foreign) = foreign(directory, &trusted) {
        let foreign = foreign.display();
        log::error!(
            "The state directory is not used: {foreign} belongs to another user; remove it"
        );
        return false;
    }
    if fs::metadata(directory).is_ok_and(|data| others_may_replace(&data, &trusted)) {
        let directory = directory.display();
        log::warn!(
            "Other users may write to the state directory {directory}: chown it to the gateway's \
             user, and chmod go-w {directory}"
        );
    }
    close_files(directory);
    true
}

fn close_files(directory: &Path) {
    let open: Vec<PathBuf> = ours(directory)
        .into_iter()
        .filter(|path| is_open(path))
        .collect();
    let Some(first) = open.first() else {
        return;
    };
    let (count, first) = (open.len(), first.display());
    match open.iter().try_for_each(|path| take_rights(path)) {
        Ok(()) => log::warn!(
            "State files were open to other users and are not any more ({count}, {first} first); if \
             others may have read session.key, remove it and restart: all sessions begin anew"
        ),
        Err(error) => log::warn!("State files are open to other users: {first}: {error}"),
    }
}

fn others_may_replace(directory: &Metadata, trusted: &[u32]) -> bool {
    let mode = directory.permissions().mode();
    let is_open = mode & OTHERS_WRITE != 0 && mode & STICKY == 0;
    is_open || !trusted.contains(&directory.uid())
}

/// What is neither of the `trusted` users' nor leads to what is.
fn foreign(directory: &Path, trusted: &[u32]) -> Option<PathBuf> {
    let is_foreign = |data: Metadata| !trusted.contains(&data.uid());
    ours(directory).into_iter().find(|path| {
        fs::symlink_metadata(path).is_ok_and(is_foreign) || fs::metadata(path).is_ok_and(is_foreign)
    })
}

/// What is ours in `directory`, directories after what is in them.
pub(super) fn ours(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in NAMES {
        with_all_in(directory.join(name), DEEPEST, &mut found);
    }
    found
}

pub(super) fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// `path` and everything below it; what links lead to is not below it.
fn with_all_in(path: PathBuf, deep: usize, found: &mut Vec<PathBuf>) {
    let is_directory = fs::symlink_metadata(&path).is_ok_and(|data| data.is_dir());
    if is_directory && deep > 0 {
        for child in children(&path) {
            with_all_in(child, deep - 1, found);
        }
    }
    found.push(path);
}

/// Links are left alone: what they lead to may not be ours.
fn is_open(path: &Path) -> bool {
    let is_open = |data: Metadata| !data.is_symlink() && data.permissions().mode() & OTHERS != 0;
    fs::symlink_metadata(path).is_ok_and(is_open)
}

fn take_rights(path: &Path) -> std::io::Result<()> {
    let mode = fs::symlink_metadata(path)?.permissions().mode();
    fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn open(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_ours_is_closed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("a/state");
        assert!(close(&state));
        assert_eq!(mode(&state), 0o700);
        let catalogues = state.join("configurations");
        fs::create_dir(&catalogues).unwrap();
        let files = [state.join("session.key"), catalogues.join("x.json")];
        let theirs = [state.join("notes.txt"), home.path().join("elsewhere")];
        for file in files.iter().chain(&theirs) {
            fs::write(file, "x").unwrap();
            open(file, 0o666);
        }
        std::os::unix::fs::symlink(&theirs[1], catalogues.join("link")).unwrap();
        open(&catalogues, 0o777);
        open(&state, 0o755);
        assert!(close(&state));
        assert_eq!(mode(&catalogues), 0o700);
        for file in &files {
            assert_eq!(mode(file), 0o600, "{file:?}");
        }
        for file in &theirs {
            assert_eq!(mode(file), 0o666, "{file:?}");
        }
        assert_eq!(mode(&state), 0o755, "it may be for others, too");
    }

    #[test]
    fn what_another_user_has_put_there_is_found() {
        let home = tempfile::tempdir().unwrap();
        let me = fs::metadata(home.path()).unwrap().uid();
        let (mine, theirs) = (&[me, ROOT], &[me + 1]);
        assert_eq!(foreign(home.path(), theirs), None, "nothing is there");
        let key = home.path().join("session.key");
        std::os::unix::fs::symlink("/nowhere", &key).unwrap();
        assert_eq!(foreign(home.path(), theirs), Some(key.clone()), "a link");
        fs::remove_file(&key).unwrap();
        fs::create_dir(home.path().join("configurations")).unwrap();
        let file = home.path().join("configurations/x.json");
        fs::write(&file, "x").unwrap();
        assert_eq!(foreign(home.path(), theirs), Some(file));
        assert_eq!(foreign(home.path(), mine), None);
        assert!(close(home.path()));
        let directory = fs::metadata(home.path()).unwrap();
        assert!(others_may_replace(&directory, theirs));
        assert!(!others_may_replace(&directory, mine));
    }
}
