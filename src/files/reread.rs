//! A file that is read again whenever somebody asks for it, by a thread of its own: its file system may
//! hang. One thread at a time, however often it is asked for.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Whether such a file is being read. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Reread(Arc<Mutex<Reading>>);

/// What the thread is doing.
#[derive(Debug, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    Nothing,
    /// It reads.
    Once,
    /// It reads, and then again: the file may have changed after it was read.
    Again,
}

impl Reread {
    /// Has `read` called by a thread called `name`. If one is still at it, it does so once more; then the
    /// answer is `false`.
    ///
    /// # Errors
    /// That there is no thread to be had.
    pub fn start(&self, name: &str, read: impl Fn() + Send + 'static) -> io::Result<bool> {
        let mut reading = self.reading();
        if *reading != Reading::Nothing {
            *reading = Reading::Again;
            return Ok(false);
        }
        *reading = Reading::Once;
        drop(reading);
        let reread = self.clone();
        let work = move || {
            read();
            while reread.is_wanted_again() {
                read();
            }
        };
        let started = thread::Builder::new().name(name.to_owned()).spawn(work);
        if started.is_err() {
            *self.reading() = Reading::Nothing;
        }
        started.map(|_| true)
    }

    fn is_wanted_again(&self) -> bool {
        let mut reading = self.reading();
        let is_again = *reading == Reading::Again;
        *reading = if is_again {
            Reading::Once
        } else {
            Reading::Nothing
        };
        is_again
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_is_asked_for_while_it_is_read_is_read_once_more() {
        let reread = Reread::default();
        let (tell, told) = mpsc::channel();
        let (let_go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let read = move || {
            tell.send(()).ok();
            gate.lock().unwrap().recv().ok();
        };
        assert!(reread.start("test", read).unwrap());
        told.recv().unwrap();
        for _ in 0..3 {
            assert!(!reread.start("test", || unreachable!()).unwrap());
        }
        let_go.send(()).unwrap();
        told.recv().unwrap();
        let_go.send(()).unwrap();
        told.recv().expect_err("twice in all");
    }
}
