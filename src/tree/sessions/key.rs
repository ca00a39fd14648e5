//! The key of the session ids: 32 random bytes in the state directory, made once and readable by
//! the gateway's own user only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A key's bytes.
pub(super) const SIZE: usize = 32;
const NAME: &str = "session.key";

/// The key that is kept in `state_dir`. If there can't be one, a key for this run; none without
/// random bits from the operating system.
pub(super) fn load(state_dir: Option<&Path>) -> Option<[u8; SIZE]> {
    let kept = state_dir.map(|directory| read_or_make(&directory.join(NAME)));
    match kept {
        Some(Ok(key)) => return Some(key),
        Some(Err(error)) => {
            log::error!("Sessions will not outlive this run: no key for their ids: {error}");
        }
        None => log::debug!("sessions will not outlive this run: there is no state directory"),
    }
    let report = |error| log::error!("No random bits for the key of session ids: {error}");
    random().map_err(report).ok()
}

fn random() -> Result<[u8; SIZE], getrandom::Error> {
    let mut key = [0; SIZE];
    getrandom::fill(&mut key).map(|()| key)
}

fn read_or_make(path: &Path) -> io::Result<[u8; SIZE]> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(path)?;
            read(path)
        }
        outcome => outcome,
    }
}

fn read(path: &Path) -> io::Result<[u8; SIZE]> {
    let bytes = fs::read(path)?;
    let size = bytes.len();
    bytes.try_into().map_err(|_| {
        let path = path.display();
        io::Error::other(format!("{path} has {size} bytes, not {SIZE}; remove it"))
    })
}

/// Makes the file as a whole or not at all. If another gateway does so at the same time, one of
/// the keys is taken by both.
fn make(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory)?;
    }
    let unfinished = path.with_extension(format!("{:x}.unfinished", fastrand::u64(..)));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(&random().map_err(io::Error::other)?)?;
    file.sync_all()?;
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("a/b");
        let key = load(Some(&state));
        assert!(key.is_some_and(|key| key != [0; SIZE]));
        assert_eq!(load(Some(&state)), key);
        let names: Vec<_> = fs::read_dir(&state).unwrap().flatten().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let mode = names[0].metadata().unwrap().permissions().mode();
        assert_eq!((names[0].file_name(), mode & 0o777), (NAME.into(), 0o600));
    }

    #[test]
    fn who_is_late_takes_the_key_that_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        fs::write(&path, [5; SIZE]).unwrap();
        make(&path).unwrap();
        assert_eq!(read(&path).unwrap(), [5; SIZE]);
    }

    #[test]
    fn without_a_place_or_with_a_broken_file_a_key_is_for_this_run() {
        assert_ne!(load(None), load(None));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        fs::write(&path, "short").unwrap();
        assert_ne!(load(Some(directory.path())), load(Some(directory.path())));
        assert_eq!(
            fs::read(&path).unwrap(),
            b"short",
            "it is not ours to replace"
        );
    }
}
