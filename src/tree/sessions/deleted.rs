//! The signed ids that their clients gave up: the only ones that are not taken up again, by later
//! runs of the gateway neither. So many are remembered, the latest; who gave an id up does not come
//! back with it later.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout, timeout_at};

use crate::state_dir::{StateDir, StateFile};
use crate::turn;

/// How many are remembered.
const LIMIT: usize = 4_096;
/// Between two times that the file is written: what comes meanwhile is written as one.
const PAUSE: Duration = Duration::from_millis(250);
/// How long they are read, and waited for at the stop: a file system may hang.
const READ: Duration = Duration::from_secs(2);
const FLUSH: Duration = Duration::from_millis(400);

/// What made the ids unique.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    known: HashSet<u128>,
    in_order: VecDeque<u128>,
    /// To the task that writes them down.
    to_keep: Option<mpsc::Sender<u128>>,
    /// Whether it was said that they are not written down.
    has_complained: bool,
    /// That task.
    keeper: JoinSet<()>,
}

impl Deleted {
    /// Those that are on file, and from now on every other is put there.
    pub(super) async fn load(state_dir: Option<StateDir>) -> Self {
        let mut deleted = Self::default();
        let Some(state_dir) = state_dir else {
            return deleted;
        };
        let to_read = state_dir.clone();
        let reading = spawn_blocking(move || read(&to_read));
        match timeout(READ, reading).await {
            // Fails only as the runtime ends.
            Ok(kept) => {
                for random in kept.unwrap_or_default() {
                    deleted.remember(random);
                }
            }
            Err(_) => log::warn!(
                "Which sessions were deleted is not known: the state directory does not answer"
            ),
        }
        let (sender, queue) = mpsc::channel(LIMIT);
        let keeping = keep(state_dir, queue);
        deleted
            .keeper
            .spawn(turn::of("sessions", "deleted", keeping));
        deleted.to_keep = Some(sender);
        deleted
    }

    /// Returns when all that was given up is on file, or cannot be put there in time.
    pub(super) async fn flush(&mut self) {
        self.to_keep = None;
        if timeout(FLUSH, self.keeper.join_next()).await.is_err() {
            log::warn!("The latest deleted sessions may be taken up again after a restart");
        }
    }

    pub(super) fn insert(&mut self, random: u128) {
        if self.remember(random)
            && let Some(to_keep) = &self.to_keep
            && let Err(TrySendError::Full(_)) = to_keep.try_send(random)
            && !std::mem::replace(&mut self.has_complained, true)
        {
            log::warn!(
                "Deleted sessions may be taken up again after a restart: the state directory does not \
                 answer"
            );
        }
    }

    /// Whether it is new.
    fn remember(&mut self, random: u128) -> bool {
        if !self.known.insert(random) {
            return false;
        }
        self.in_order.push_back(random);
        if self.in_order.len() > LIMIT
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    pub(super) fn contains(&self, random: u128) -> bool {
        self.known.contains(&random)
    }
}

/// Writes down what comes, for as long as somebody is there to send it.
async fn keep(state_dir: StateDir, mut queue: mpsc::Receiver<u128>) {
    let mut is_well = true;
    let mut batch = Vec::new();
    while !batch.is_empty() || queue.recv_many(&mut batch, LIMIT).await > 0 {
        let (state_dir, new) = (state_dir.clone(), std::mem::take(&mut batch));
        let written = spawn_blocking(move || add(&state_dir, new)).await;
        if let Ok(Err(error)) = &written
            && is_well
        {
            log::warn!("Deleted sessions may be taken up again after a restart: {error}");
        }
        is_well = matches!(written, Ok(Ok(())));
        // At the end nobody waits: what is left is written at once.
        let next = Instant::now() + PAUSE;
        while let Ok(1..) = timeout_at(next, queue.recv_many(&mut batch, LIMIT)).await {}
    }
}

/// Another gateway may have put some there, too.
fn add(state_dir: &StateDir, new: Vec<u128>) -> std::io::Result<()> {
    let mut all = read(state_dir);
    all.extend(new);
    let too_many = all.len().saturating_sub(LIMIT);
    let latest = all.iter().skip(too_many);
    let bytes: Vec<u8> = latest.flat_map(|random| random.to_be_bytes()).collect();
    state_dir.replace(&StateFile::DeletedSessions, &bytes)
}

fn read(state_dir: &StateDir) -> Vec<u128> {
    let kept = state_dir.read(&StateFile::DeletedSessions);
    let unreadable = |error| log::warn!("Which sessions were deleted is not known: {error}");
    let bytes = kept.map_err(unreadable).ok().flatten().unwrap_or_default();
    let (all, _) = bytes.as_chunks();
    all.iter().copied().map(u128::from_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    #[test]
    fn the_latest_are_remembered() {
        let mut deleted = Deleted::default();
        let limit = u128::try_from(LIMIT).unwrap();
        for random in [0, 0].into_iter().chain(1..=limit) {
            deleted.insert(random);
        }
        assert!(!deleted.contains(0) && deleted.contains(1) && deleted.contains(limit));
        assert_eq!(
            (deleted.known.len(), deleted.in_order.len()),
            (LIMIT, LIMIT)
        );
    }

    #[test]
    fn what_a_disk_that_hangs_does_not_take_is_left_out() {
        let (to_keep, queue) = mpsc::channel(LIMIT);
        let mut deleted = Deleted {
            to_keep: Some(to_keep),
            ..Deleted::default()
        };
        let limit = u128::try_from(LIMIT).unwrap();
        (0..3 * limit).for_each(|random| deleted.insert(random));
        assert_eq!(queue.len(), LIMIT);
        assert!(deleted.contains(3 * limit - 1) && deleted.has_complained);
    }

    #[test]
    fn the_latest_are_on_file() {
        let home = tempfile::tempdir().unwrap();
        let state_dir = StateDir::new(home.path());
        assert_eq!(read(&state_dir), [0; 0]);
        let limit = u128::try_from(LIMIT).unwrap();
        add(&state_dir, (0..limit).collect()).unwrap();
        add(&state_dir, vec![limit]).unwrap();
        let kept = read(&state_dir);
        assert_eq!((kept.len(), kept[0], kept[LIMIT - 1]), (LIMIT, 1, limit));
    }

    /// However soon after others they came.
    #[tokio::test]
    async fn what_comes_just_before_the_end_is_on_file() {
        let home = tempfile::tempdir().unwrap();
        let state_dir = StateDir::new(home.path());
        let mut deleted = Deleted::load(Some(state_dir.clone())).await;
        deleted.insert(1);
        while read(&state_dir) != [1] {
            sleep(Duration::from_millis(1)).await;
        }
        deleted.insert(2);
        deleted.insert(3);
        let began = Instant::now();
        deleted.flush().await;
        assert_eq!(read(&state_dir), [1, 2, 3]);
        assert!(began.elapsed() < PAUSE, "nobody else comes");
        drop(deleted);
    }

    #[tokio::test]
    async fn a_later_run_knows_them() {
        let home = tempfile::tempdir().unwrap();
        let state_dir = StateDir::new(home.path());
        let mut deleted = Deleted::load(Some(state_dir.clone())).await;
        deleted.insert(7);
        while read(&state_dir) != [7] {
            sleep(Duration::from_millis(5)).await;
        }
        let later = Deleted::load(Some(state_dir)).await;
        assert!(later.contains(7) && !later.contains(8));
    }
}
