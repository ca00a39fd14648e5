//! Gateways that were killed, with no chance to end their servers: the next one that has the same
//! state directory finds what they left by its marker, and ends it.
//!
//! Every gateway has a file there, named after its life and locked for as long as it runs, that
//! says which process it is. Only a gateway whose death that proves (`proof.rs`), and whose servers
//! are below no gateway that runs, is gone: the lock merely keeps two from ending the same. There may
//! be several, and several gateways with one directory.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, SystemTime};

use super::gateway_run::GatewayRun;
use super::group::Groups;
use super::leftovers::end_former;
use super::lineage::in_use;
use super::procfs::{Seen, runs_our_program};
use super::proof::{Standing, of_own, standing};
use crate::state_dir::{FileLock, Folder, StateDir, StateFile};

/// So many files that prove nothing are kept, the latest, and each for so long: in its own namespace
/// one may prove something, but a container has another at each start.
const UNPROVED_AT_MOST: usize = 16;
const UNPROVED: Duration = Duration::from_secs(7 * 24 * 3600);

/// This gateway's file; removed at its orderly end.
#[derive(Debug)]
pub struct Record(Entry);

impl Record {
    /// Puts this gateway on record, and ends what those left behind that are on record and gone.
    /// Call it before the first child of `groups` is spawned, where it may block.
    ///
    /// # Errors
    /// If nothing can be written there; then nothing was ended.
    pub async fn begin(state_dir: &StateDir, groups: &Groups) -> io::Result<Self> {
        let record = Self::make(state_dir, groups.life())?;
        let files = on_record(state_dir);
        if !files.is_empty() {
            let seen = groups.looks().look().await;
            end_gone(groups, sort(files, &seen)).await;
        }
        Ok(record)
    }

    fn make(state_dir: &StateDir, life: GatewayRun) -> io::Result<Self> {
        let file = life.to_string();
        let held = state_dir.hold(&StateFile::Life(&file), of_own().as_bytes())?;
        Ok(Self(Entry {
            state_dir: state_dir.clone(),
            life,
            _held: held,
        }))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// A file that is locked here, so that no other looks at the same.
#[derive(Debug)]
struct Entry {
    state_dir: StateDir,
    life: GatewayRun,
    _held: FileLock,
}

impl Entry {
    fn remove(&self) {
        let file = self.life.to_string();
        // If it stays, the next gateway looks for what this one left, finds nothing and removes it.
        self.state_dir.remove(&StateFile::Life(&file)).ok();
    }
}

/// The file of a gateway that does not hold it.
struct Former {
    entry: Entry,
    standing: Standing,
    /// How long ago it began.
    age: Duration,
}

/// The files that no gateway holds, the latest first. What is no record, such as a pipe or a link
/// that somebody put there, is not among them.
fn on_record(state_dir: &StateDir) -> Vec<Former> {
    let now = SystemTime::now();
    let files = state_dir
        .list(Folder::Lives)
        .unwrap_or_default()
        .into_iter();
    let free = files.filter_map(|(name, written)| {
        let life = GatewayRun::parse(&name)?;
        let (held, text) = state_dir.take(&StateFile::Life(&name)).ok()??;
        Some(Former {
            entry: Entry {
                state_dir: state_dir.clone(),
                life,
                _held: held,
            },
            standing: standing(&String::from_utf8_lossy(&text)),
            age: now.duration_since(written).unwrap_or_default(),
        })
    });
    let mut free: Vec<Former> = free.collect();
    free.sort_by_key(|former| former.age);
    free
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// What its gateway left is ended, then it goes.
    End,
    Remove,
    Keep,
    /// Kept, and said.
    Doubt,
}

/// `is_used`: a gateway that runs is above a process of its. `is_seen`: there is a process of its
/// at all. `may_stay`: nothing it proves is no reason to remove it yet.
fn fate(standing: Standing, is_used: bool, is_seen: bool, may_stay: bool) -> Fate {
    match standing {
        Standing::Past => Fate::Remove,
        Standing::Dead if !is_used => Fate::End,
        Standing::Apart | Standing::Unknown if !is_seen && !may_stay => Fate::Remove,
        Standing::Apart if !is_seen => Fate::Keep,
        Standing::Alive => Fate::Keep,
        Standing::Dead | Standing::Apart | Standing::Unknown => Fate::Doubt,
    }
}

/// Those that left what is to be ended. Files that are of no use to anybody are removed.
fn sort(files: Vec<Former>, seen: &[Seen]) -> Vec<Entry> {
    let own = std::process::id().cast_signed();
    let lives: Vec<GatewayRun> = files.iter().map(|former| former.entry.life).collect();
    let used = in_use(&lives, own, seen, runs_our_program);
    let markers = seen.iter().filter_map(|process| process.marker);
    let visible: HashSet<GatewayRun> = markers.map(|marker| marker.life).collect();
    let (mut gone, mut doubted, mut unproved) = (Vec::new(), Vec::new(), 0);
    for former in files {
        let Former {
            entry,
            standing,
            age,
        } = former;
        let is_unproved = matches!(standing, Standing::Apart | Standing::Unknown);
        unproved += usize::from(is_unproved);
        let may_stay = unproved <= UNPROVED_AT_MOST && age <= UNPROVED;
        let is_used = used.contains(&entry.life);
        let is_seen = visible.contains(&entry.life);
        match fate(standing, is_used, is_seen, may_stay) {
            Fate::End => gone.push(entry),
            Fate::Remove => {
                log::debug!("the file of {} proves nothing and is removed", entry.life);
                entry.remove();
            }
            Fate::Keep => {}
            Fate::Doubt => doubted.push(entry),
        }
    }
    complain_about(&doubted);
    gone
}

/// Others may put any number of files there: one line for all.
fn complain_about(doubted: &[Entry]) {
    let Some(Entry {
        state_dir, life, ..
    }) = doubted.first()
    else {
        return;
    };
    log::warn!(
        "It can't be told whether the gateways of {} files still run, {}/lives/{life} among them; \
         what their servers may have left is not ended. Remove the files of those that don't",
        doubted.len(),
        state_dir.path().display()
    );
}

async fn end_gone(groups: &Groups, gone: Vec<Entry>) {
    if gone.is_empty() {
        return;
    }
    let lives = gone.iter().map(|entry| entry.life).collect();
    let ended = end_former(groups, lives).await;
    if ended.found > 0 {
        log::warn!(
            "A former gateway ended without stopping its servers; {} processes they left are ended",
            ended.found - ended.left
        );
    }
    gone.iter().for_each(Entry::remove);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.collect()
    }

    #[tokio::test]
    async fn a_gateway_is_on_record_while_it_runs() {
        let home = tempfile::tempdir().unwrap();
        let state = StateDir::new(home.path());
        let (one, other) = (Groups::default(), Groups::default());
        let directory = home.path().join("lives");
        let record = Record::begin(&state, &one).await.unwrap();
        let path = directory.join(one.life().to_string());
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Record::begin(&state, &other).await.unwrap();
        assert_eq!(names(&directory).len(), 2, "both run");
        drop(record);
        assert_eq!(names(&directory), [other.life().to_string()]);
        drop(second);
        assert_eq!(names(&directory), [""; 0]);
    }

    #[test]
    fn only_what_is_proved_dead_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let state = StateDir::new(home.path());
        let running = Record::make(&state, GatewayRun::new()).unwrap();
        let directory = home.path().join("lives");
        let write = |text: &str| {
            let life = GatewayRun::new();
            fs::write(directory.join(life.to_string()), text).unwrap();
            life
        };
        let killed = write(&of_own().replacen(' ', " 1", 1));
        let copy = write(&of_own());
        let older = write("");
        let past = write(&of_own().replace('-', "0"));
        fs::write(directory.join("somebody's.txt"), "").unwrap();
        let pipe = directory.join(GatewayRun::new().to_string());
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let found = sort(on_record(&state), &[]);
        let lives: Vec<GatewayRun> = found.iter().map(|entry| entry.life).collect();
        assert_eq!(lives, [killed]);
        drop(found);
        let left = names(&directory);
        for life in [killed, copy, older] {
            assert!(left.contains(&life.to_string()));
        }
        assert!(!left.contains(&past.to_string()), "nothing of it can run");
        drop(running);
        assert_eq!(names(&directory).len(), 5);
    }

    #[test]
    fn files_that_prove_nothing_do_not_pile_up() {
        let home = tempfile::tempdir().unwrap();
        let state = StateDir::new(home.path());
        let directory = home.path().join("lives");
        fs::create_dir(&directory).unwrap();
        let apart = of_own().replace('\n', "1\n");
        for number in 0..3 * UNPROVED_AT_MOST {
            let text = if number % 2 == 0 { "" } else { &*apart };
            fs::write(directory.join(GatewayRun::new().to_string()), text).unwrap();
        }
        assert_eq!(sort(on_record(&state), &[]).len(), 0);
        assert_eq!(names(&directory).len(), UNPROVED_AT_MOST);
        let mut files = on_record(&state);
        for former in &mut files {
            former.age += UNPROVED;
        }
        sort(files, &[]);
        assert_eq!(names(&directory), [""; 0]);
    }

    #[test]
    fn nothing_is_ended_without_proof() {
        for standing in [
            Standing::Alive,
            Standing::Past,
            Standing::Apart,
            Standing::Unknown,
        ] {
            for bits in 0..8 {
                let [is_used, is_seen, may_stay] = [0, 1, 2].map(|bit| bits >> bit & 1 == 1);
                let fate = fate(standing, is_used, is_seen, may_stay);
                assert_ne!(fate, Fate::End, "{standing:?}");
            }
        }
        assert_eq!(fate(Standing::Dead, true, true, true), Fate::Doubt);
        assert_eq!(fate(Standing::Dead, false, true, false), Fate::End);
        assert_eq!(fate(Standing::Apart, false, true, false), Fate::Doubt);
        assert_eq!(fate(Standing::Apart, false, false, true), Fate::Keep);
    }
}
