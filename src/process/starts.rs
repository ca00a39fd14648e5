//! Starting a child may hang for as long as a file system does, so it is done beside the workers; and
//! one at a time of each program, so that what hangs takes one thread, however often it is tried.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::task::spawn_blocking;

use super::error::SpawnError;
use super::group::{Groups, whole};

/// A program by the name it is configured with, and the directory it runs in: what a start waits for.
type Place = (String, Option<PathBuf>);

/// The places where something is started now, or waits to be.
#[derive(Debug, Default)]
pub(super) struct Starts(Mutex<HashMap<Place, Arc<Turn<()>>>>);

impl Starts {
    /// Waits for those before. The turn ends with the result.
    async fn turn(&self, place: Place) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = whole(self.0.lock());
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(place).or_default())
        };
        turn.lock_owned().await
    }
}

/// Does `spawn`, which may block, once no other start hangs at its place. Whoever no longer wants it
/// drops the future: what is started all the same is dropped.
///
/// # Errors
/// As `spawn`.
pub async fn start<T: Send + 'static>(
    groups: &Groups,
    place: Place,
    spawn: impl FnOnce() -> Result<T, SpawnError> + Send + 'static,
) -> Result<T, SpawnError> {
    let (program, file) = (place.0.clone(), PathBuf::from(&place.0));
    let turn = groups.starts().turn(place).await;
    let spawned = spawn_blocking(move || {
        let _until_it_is_over = turn;
        spawn()
    });
    spawned.await.unwrap_or_else(|error| {
        let source = io::Error::other(error);
        Err(SpawnError::Failed {
            program,
            file,
            source,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn place(program: &str) -> Place {
        (program.to_owned(), None)
    }

    #[tokio::test]
    async fn what_hangs_holds_up_its_own_kind_only_and_with_one_thread() {
        let groups = Groups::default();
        let (go, gate) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let mut tries = JoinSet::new();
        let (ours, tell_too) = (groups.clone(), tell.clone());
        tries.spawn(async move {
            let hang = move || {
                tell_too.send("hangs").ok();
                gate.recv().ok();
                Ok(())
            };
            start(&ours, place("gone"), hang).await
        });
        tokio::task::yield_now().await;
        // Whoever gave up has it hang all the same.
        assert_eq!(told.recv_timeout(SOON), Ok("hangs"));
        tries.shutdown().await;
        let again = start(&groups, place("gone"), || Ok(()));
        let mut again = Box::pin(again);
        let waits = timeout(Duration::from_millis(20), &mut again).await;
        waits.expect_err("the thread is in use");
        let other = start(&groups, place("there"), || Ok(()));
        timeout(SOON, other).await.unwrap().unwrap();
        drop(go);
        timeout(SOON, again).await.unwrap().unwrap();
        let last = start(&groups, place("gone"), || Ok(()));
        last.await.unwrap();
        assert_eq!(groups.starts().0.lock().unwrap().len(), 1, "none is kept");
    }
}
