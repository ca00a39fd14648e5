//! The state directory: the one place that reads and replaces the files in it. Others may be able to
//! write there, so no link is followed, what another user owns is not read, and a file is replaced as
//! a whole by one that nobody else could have opened.
//!
//! ```text
//! session.key  deleted-sessions  lock
//! configurations/KEY/last-configuration       KEY stands for the path of a configuration file:
//! configurations/KEY/catalogues/SERVER.json   what is kept of one is never used with another
//! lives/…
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: before there are workers, or beside them"
)]

mod closing;
mod earlier;
mod file;
mod file_lock;
mod tending;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstat, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use nix::unistd::{UnlinkatFlags, fsync, geteuid, linkat, unlinkat};

pub use self::file::{Configuration, Folder, StateFile};
pub use self::file_lock::FileLock;
use crate::files;

const FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC);
const PRIVATE_FOLDER: Mode = Mode::S_IRWXU;
const PRIVATE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);
const ROOT: u32 = 0;
/// How the name of a file ends that is being written, or was when its writer was killed.
const UNFINISHED: &str = ".unfinished";

/// The directory; a clone is the same one.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: Arc<Path>,
    /// Held for as long as the gateway runs; absent where another gateway has it.
    lock: Option<Arc<Flock<File>>>,
}

impl StateDir {
    /// Makes the directory if it is missing, sees to it that nothing of ours is open to others, and
    /// removes what a killed gateway left unfinished. `None`, said in the log, if it must not be
    /// used, because another user has put there what should be ours.
    #[must_use]
    pub fn open(path: &Path, used: &Configuration) -> Option<Self> {
        let _at_work = files::at_work(path);
        if !closing::close(path) {
            return None;
        }
        let mut directory = Self::new(path);
        directory.lock = tending::tend(&directory, used).map(Arc::new);
        Some(directory)
    }

    /// The directory without the care of [`open`](Self::open).
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            path: path.into(),
            lock: None,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether no other gateway uses it, as far as that can be seen.
    #[must_use]
    pub fn is_ours_alone(&self) -> bool {
        self.lock.is_some()
    }

    /// What is in `file`; `None` if it is not there.
    ///
    /// # Errors
    /// If it can't be read, is no plain file, is too large or belongs to another user. The text names
    /// the file.
    pub fn read(&self, file: &StateFile<'_>) -> io::Result<Option<Vec<u8>>> {
        match self.try_read(file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.about(file, &error)),
        }
    }

    /// Has `file` hold `bytes`, now and after a crash: all of them, or what it held before.
    ///
    /// # Errors
    /// If it can't be written. The text names the file.
    pub fn replace(&self, file: &StateFile<'_>, bytes: &[u8]) -> io::Result<()> {
        self.write(file, bytes, |folder, unfinished, name, _| {
            Ok(renameat(folder, unfinished, folder, name)?)
        })
    }

    /// The same, unless there is such a file: then that one stays.
    ///
    /// # Errors
    /// As [`replace`](Self::replace).
    pub fn create(&self, file: &StateFile<'_>, bytes: &[u8]) -> io::Result<()> {
        self.write(file, bytes, |folder, unfinished, name, _| {
            let linked = linkat(folder, unfinished, folder, name, AtFlags::empty());
            unlinkat(folder, unfinished, UnlinkatFlags::NoRemoveDir)?;
            match linked {
                Err(Errno::EEXIST) => Ok(()),
                other => Ok(other?),
            }
        })
    }

    /// Removes `file`, if it is there.
    ///
    /// # Errors
    /// If it stays. The text names the file.
    pub fn remove(&self, file: &StateFile<'_>) -> io::Result<()> {
        let removed = file.split().and_then(|(folder, name)| {
            let folder = self.folder(folder, false)?;
            Ok(unlinkat(&folder, &*name, UnlinkatFlags::NoRemoveDir)?)
        });
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.about(file, &error)),
            _ => Ok(()),
        }
    }

    /// Notes that `file` is in use: what [`list`](Self::list) says of it is now.
    ///
    /// # Errors
    /// If it is not there or not ours. The text names the file.
    pub fn touch(&self, file: &StateFile<'_>) -> io::Result<()> {
        let touched = self.opened(file, OFlag::O_RDONLY).and_then(|opened| {
            Ok(futimens(
                &opened,
                &TimeSpec::UTIME_NOW,
                &TimeSpec::UTIME_NOW,
            )?)
        });
        touched.map_err(|error| self.about(file, &error))
    }

    /// The names in `folder`, finished ones, and when each was written. Whether one may be used is
    /// seen when it is read.
    pub fn list(&self, folder: Folder<'_>) -> io::Result<Vec<(String, SystemTime)>> {
        let entries = match std::fs::read_dir(self.path.join(folder.path())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let entries = entries.flatten();
        let named = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_finished = !name.starts_with('.') && !name.ends_with(UNFINISHED);
            let written = entry.metadata().and_then(|data| data.modified()).ok()?;
            is_finished.then_some((name, written))
        });
        Ok(named.collect())
    }

    fn try_read(&self, file: &StateFile<'_>) -> io::Result<Vec<u8>> {
        let _at_work = files::at_work(&self.path.join(file.path()));
        let (bytes, _) = files::contents(self.opened(file, OFlag::O_RDONLY)?.into(), file.most())?;
        Ok(bytes)
    }

    fn opened(&self, file: &StateFile<'_>, access: OFlag) -> io::Result<OwnedFd> {
        let (folder, name) = file.split()?;
        let folder = self.folder(folder, false)?;
        let flags = files::FLAGS | access | OFlag::O_NOFOLLOW;
        let opened = openat(&folder, &*name, flags, Mode::empty()).map_err(in_words)?;
        check_owner(&opened)?;
        Ok(opened)
    }

    /// Writes `bytes` under a name that nobody knows, and has `finish` give it its own.
    fn write<T>(
        &self,
        file: &StateFile<'_>,
        bytes: &[u8],
        finish: impl FnOnce(&OwnedFd, &str, &str, File) -> io::Result<T>,
    ) -> io::Result<T> {
        let _at_work = files::at_work(&self.path.join(file.path()));
        let write = || {
            if bytes.len() as u64 > file.most() {
                return Err(io::Error::other("it would be larger than is read again"));
            }
            let (folder, name) = file.split()?;
            let folder = self.folder(folder, true)?;
            let unfinished = format!(".{name}.{:016x}{UNFINISHED}", fastrand::u64(..));
            let flags = files::FLAGS | OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
            let opened = openat(&folder, &*unfinished, flags, PRIVATE)?;
            let finished = fill(opened.into(), bytes)
                .and_then(|filled| finish(&folder, &unfinished, &name, filled));
            if finished.is_err() {
                unlinkat(&folder, &*unfinished, UnlinkatFlags::NoRemoveDir).ok();
                return finished;
            }
            // The new name must be there after a crash, too.
            fsync(&folder)?;
            finished
        };
        write().map_err(|error| self.about(file, &error))
    }

    /// The directory of `parts` below this one, each step made if it `is_made` here, none of them a link.
    fn folder(&self, folder: Folder<'_>, is_made: bool) -> io::Result<OwnedFd> {
        if is_made {
            closing::make(&self.path)?;
        }
        let mut here = nix::fcntl::open(&*self.path, FOLDER, Mode::empty())?;
        for part in folder.parts() {
            if is_made {
                match mkdirat(&here, part, PRIVATE_FOLDER) {
                    Err(error) if error != Errno::EEXIST => return Err(error.into()),
                    _ => {}
                }
            }
            let flags = FOLDER | OFlag::O_NOFOLLOW;
            here = openat(&here, part, flags, Mode::empty()).map_err(in_words)?;
            check_owner(&here)?;
        }
        Ok(here)
    }

    fn about(&self, file: &StateFile<'_>, error: &io::Error) -> io::Error {
        let path: PathBuf = self.path.join(file.path());
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    }
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<File> {
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

fn check_owner(opened: &OwnedFd) -> io::Result<()> {
    if [geteuid().as_raw(), ROOT].contains(&fstat(opened)?.st_uid) {
        return Ok(());
    }
    let why = "it belongs to another user and is not used; remove it";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

fn in_words(error: Errno) -> io::Error {
    if error == Errno::ELOOP {
        return io::Error::other("it is a link, which is not followed");
    }
    error.into()
}
