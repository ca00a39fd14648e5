//! Gateways that were killed, with no chance to end their servers: the next one that has the same
//! state directory finds what they left by its marker, and ends it.
//!
//! Every gateway has a file there, named after its life and locked for as long as it runs, that
//! says which process it is. Only a gateway whose death that proves (`proof.rs`) is gone: the lock
//! merely keeps two from ending the same. There may be several, and several gateways with one
//! directory.

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: before there are workers, or beside them"
)]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag};

use super::group::Groups;
use super::kin::of_lives;
use super::leftovers::{GRACE, complain_of, end};
use super::life::Life;
use super::look::Seen;
use super::proof::{Standing, of_own, standing};
use crate::files;

/// Where the files are, below the state directory.
const DIRECTORY: &str = "lives";
/// No record is longer, in bytes.
const LONGEST: u64 = 256;

/// This gateway's file; removed at its orderly end.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Record {
    /// Puts this gateway on record, and ends what those left behind that are on record and gone.
    /// Call it before the first child of `groups` is spawned.
    ///
    /// # Errors
    /// If nothing can be written there; then nothing was ended.
    pub async fn begin(state_dir: &Path, groups: &Groups) -> io::Result<Self> {
        let directory = state_dir.join(DIRECTORY);
        let _at_work = files::at_work(&directory);
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&directory)?;
        let record = Self::make(&directory, groups.life())?;
        end_former(groups, gone(&directory)?).await;
        Ok(record)
    }

    /// Locked before it gets its name, so that nobody takes it for one of a gateway that is gone.
    fn make(directory: &Path, life: Life) -> io::Result<Self> {
        let path = directory.join(life.to_string());
        let unfinished = path.with_extension("unfinished");
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600);
        let file = file.open(&unfinished)?;
        let mut lock = lock(file).ok_or_else(|| io::Error::other("it can't be locked"))?;
        lock.write_all(of_own().as_bytes())?;
        fs::rename(unfinished, &path)?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // If it stays, the next gateway looks for what this one left, finds nothing and removes it.
        fs::remove_file(&self.path).ok();
    }
}

fn lock(file: File) -> Option<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()
}

/// The gateways on record that are gone, each by its life and with its file. The locks keep others
/// from ending the same.
fn gone(directory: &Path) -> io::Result<Vec<(Life, Record)>> {
    let mut unknown: Vec<PathBuf> = Vec::new();
    let files = fs::read_dir(directory)?.filter_map(|entry| {
        let path = entry.ok()?.path();
        let life = Life::parse(path.file_name()?.to_str()?)?;
        let (lock, text) = locked(&path)?;
        match standing(&text) {
            Standing::Dead => return Some((life, Record { path, _lock: lock })),
            Standing::Alive => {}
            Standing::Unknown => unknown.push(path),
        }
        None
    });
    let gone = files.collect();
    // Others may put any number of them there: one line for all.
    if let Some(path) = unknown.first() {
        log::warn!(
            "It can't be told whether the gateways of {} files still run, {} among them; what their \
             servers may have left is not ended. Remove the files of those that don't",
            unknown.len(),
            path.display()
        );
    }
    Ok(gone)
}

/// The file at `path` and what it says, unless another has locked it. A pipe, a device or a link
/// that somebody put there is no record.
fn locked(path: &Path) -> Option<(Flock<File>, String)> {
    let flags = files::FLAGS | OFlag::O_NOFOLLOW;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits());
    let lock = lock(options.open(path).ok()?)?;
    let (bytes, _) = files::contents(lock.try_clone().ok()?, LONGEST).ok()?;
    Some((lock, String::from_utf8(bytes).ok()?))
}

async fn end_former(groups: &Groups, gone: Vec<(Life, Record)>) {
    if gone.is_empty() {
        return;
    }
    let lives: Vec<Life> = gone.iter().map(|(life, _)| *life).collect();
    let own = std::process::id().cast_signed();
    let find = move |seen: &[Seen]| of_lives(&lives, own, seen);
    let ended = end(groups.looks(), find, GRACE).await;
    if ended.found > 0 {
        log::warn!(
            "A former gateway ended without stopping its servers; {} processes they left are ended",
            ended.found - ended.left
        );
    }
    complain_of(ended);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.collect()
    }

    #[tokio::test]
    async fn a_gateway_is_on_record_while_it_runs() {
        let state = tempfile::tempdir().unwrap();
        let (one, other) = (Groups::default(), Groups::default());
        let directory = state.path().join(DIRECTORY);
        let record = Record::begin(state.path(), &one).await.unwrap();
        let mode = record.path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Record::begin(state.path(), &other).await.unwrap();
        assert_eq!(names(&directory).len(), 2, "both run");
        drop(record);
        assert_eq!(names(&directory), [other.life().to_string()]);
        drop(second);
        assert_eq!(names(&directory), [""; 0]);
    }

    #[test]
    fn only_what_is_proved_dead_is_gone() {
        let state = tempfile::tempdir().unwrap();
        let running = Record::make(state.path(), Life::new()).unwrap();
        let killed = Life::new();
        let dead = of_own().replacen(' ', " 1", 1);
        fs::write(state.path().join(killed.to_string()), dead).unwrap();
        let copy = state.path().join(Life::new().to_string());
        fs::write(&copy, of_own()).unwrap();
        let older = state.path().join(Life::new().to_string());
        fs::write(&older, "").unwrap();
        fs::write(state.path().join("somebody's.txt"), "").unwrap();
        let pipe = state.path().join(Life::new().to_string());
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let found = gone(state.path()).unwrap();
        let lives: Vec<Life> = found.iter().map(|(life, _)| *life).collect();
        assert_eq!(lives, [killed]);
        drop(found);
        assert!(copy.exists() && older.exists());
        fs::remove_file(copy).unwrap();
        fs::remove_file(older).unwrap();
        fs::remove_file(pipe).unwrap();
        assert_eq!(names(state.path()).len(), 2);
        drop(running);
        assert_eq!(names(state.path()), ["somebody's.txt"]);
    }
}
