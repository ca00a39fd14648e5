//! Files whose maker keeps them locked for as long as it runs.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, renameat};

use super::{StateDir, StateFile};
use crate::files;

/// The lock; it ends with this, or with its holder.
#[derive(Debug)]
pub struct FileLock {
    _lock: Flock<File>,
}

impl StateDir {
    /// Has `file` hold `bytes`, locked before it gets its name: nobody finds it without its lock.
    ///
    /// # Errors
    /// As [`replace`](Self::replace), or if it can't be locked.
    pub fn hold(&self, file: &StateFile<'_>, bytes: &[u8]) -> io::Result<FileLock> {
        self.write(file, bytes, |folder, unfinished, name, written| {
            let held = lock(written)?.ok_or_else(|| io::Error::other("another has locked it"))?;
            renameat(folder, unfinished, folder, name)?;
            Ok(held)
        })
    }

    /// Locks `file`, and what is in it; `None` if another has locked it, or it is gone.
    ///
    /// # Errors
    /// As [`read`](Self::read), or if it can't be locked.
    pub fn take(&self, file: &StateFile<'_>) -> io::Result<Option<(FileLock, Vec<u8>)>> {
        let take = || {
            // NFS locks for itself alone only what may be written.
            let opened = File::from(self.opened(file, OFlag::O_RDWR)?);
            let (bytes, _) = files::contents(opened.try_clone()?, file.most())?;
            Ok(lock(opened)?.map(|held| (held, bytes)))
        };
        match take() {
            Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
            taken => taken.map_err(|error| self.about(file, &error)),
        }
    }
}

/// `None` if another has locked it.
fn lock(file: File) -> io::Result<Option<FileLock>> {
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(FileLock { _lock: lock })),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let directory = StateDir::new(home.path());
        let file = StateFile::Life("x");
        assert!(directory.take(&file).unwrap().is_none(), "it is not there");
        let held = directory.hold(&file, b"said").unwrap();
        assert!(directory.take(&file).unwrap().is_none());
        drop(held);
        let (_held, said) = directory.take(&file).unwrap().unwrap();
        assert_eq!(said, b"said");
        assert!(directory.take(&file).unwrap().is_none());
        directory.replace(&file, &[0; 5000]).unwrap_err();
    }
}
