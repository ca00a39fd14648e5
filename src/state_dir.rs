//! The state directory: made for the gateway's own user alone, and what is in it closed to others,
//! should an earlier umask, a copy or a restored backup have left it open. `main` calls this before
//! anything is read there.

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What is ours there: files, and directories of files. The directory itself may be shared.
const OURS: [&str; 4] = ["session.key", "last-configuration", "catalogues", "lives"];

const OTHERS: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;
/// Who may write to a directory with this bit may not replace what is another's.
const STICKY: u32 = 0o1000;

/// Makes `directory` if it is missing, and takes all rights of others from what is ours in it. Who
/// needs the directory and cannot have it says so.
pub fn close(directory: &Path) {
    let mut builder = DirBuilder::new();
    if let Err(error) = builder.recursive(true).mode(0o700).create(directory) {
        log::debug!("no state directory {}: {error}", directory.display());
        return;
    }
    if fs::metadata(directory).is_ok_and(|data| others_may_replace(&data)) {
        let directory = directory.display();
        log::warn!(
            "Other users may write to the state directory {directory}: chmod go-w {directory}"
        );
    }
    let open: Vec<PathBuf> = ours(directory).filter(|path| is_open(path)).collect();
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

fn others_may_replace(directory: &Metadata) -> bool {
    let mode = directory.permissions().mode();
    mode & OTHERS_WRITE != 0 && mode & STICKY == 0
}

fn ours(directory: &Path) -> impl Iterator<Item = PathBuf> {
    OURS.into_iter().flat_map(move |name| {
        let path = directory.join(name);
        let inside = fs::read_dir(&path).into_iter().flatten().flatten();
        let inside: Vec<PathBuf> = inside.map(|entry| entry.path()).collect();
        inside.into_iter().chain([path])
    })
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
        close(&state);
        assert_eq!(mode(&state), 0o700);
        let catalogues = state.join("catalogues");
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
        close(&state);
        assert_eq!(mode(&catalogues), 0o700);
        for file in &files {
            assert_eq!(mode(file), 0o600, "{file:?}");
        }
        for file in &theirs {
            assert_eq!(mode(file), 0o666, "{file:?}");
        }
        assert_eq!(mode(&state), 0o755, "it may be for others, too");
    }
}
