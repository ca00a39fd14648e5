//! The key of the session ids: 32 random bytes in the state directory, made once and readable by
//! the gateway's own user only.

use std::io;

use crate::state_dir::{StateDir, StateFile};

/// A key's bytes.
pub(super) const SIZE: usize = 32;

/// What ids are signed with.
pub(super) type SigningKey = [u8; SIZE];

/// The key that is kept in `state_dir`. If there can't be one, a key for this run; none without
/// random bits from the operating system.
pub(super) fn load(state_dir: Option<&StateDir>) -> Option<SigningKey> {
    let kept = state_dir.map(read_or_make);
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

fn random() -> Result<SigningKey, getrandom::Error> {
    let mut key = [0; SIZE];
    getrandom::fill(&mut key).map(|()| key)
}

/// If another gateway makes one at the same time, one of the keys is taken by both.
fn read_or_make(state_dir: &StateDir) -> io::Result<SigningKey> {
    if let Some(key) = read(state_dir)? {
        return Ok(key);
    }
    let made = random().map_err(io::Error::other)?;
    state_dir.create(&StateFile::SessionKey, &made)?;
    Ok(read(state_dir)?.unwrap_or(made))
}

fn read(state_dir: &StateDir) -> io::Result<Option<SigningKey>> {
    let Some(bytes) = state_dir.read(&StateFile::SessionKey)? else {
        return Ok(None);
    };
    let size = bytes.len();
    let key = bytes.try_into().map_err(|_| {
        let path = state_dir.path().join("session.key");
        let path = path.display();
        io::Error::other(format!("{path} has {size} bytes, not {SIZE}; remove it"))
    });
    key.map(Some)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_outlives_its_maker() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::new(&directory.path().join("a/b"));
        let key = load(Some(&state));
        assert!(key.is_some_and(|key| key != [0; SIZE]));
        assert_eq!(load(Some(&state)), key);
    }

    #[test]
    fn without_a_place_or_with_a_broken_file_a_key_is_for_this_run() {
        assert_ne!(load(None), load(None));
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::new(directory.path());
        let path = directory.path().join("session.key");
        fs::write(&path, "short").unwrap();
        assert_ne!(load(Some(&state)), load(Some(&state)));
        let kept = fs::read(&path).unwrap();
        assert_eq!(kept, b"short", "it is not ours to replace");
    }
}
