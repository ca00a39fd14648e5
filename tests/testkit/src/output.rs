//! What a process has said so far, line by line. A thread of its own reads the pipe until it ends, so that the
//! process never blocks on it.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;

/// Lines of one pipe; clones see the same lines.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// Starts to read `pipe`.
    pub fn collect(pipe: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let sink = lines.clone();
        thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                sink.0.lock().expect("no panic inside").push(text);
                line.clear();
            }
        });
        lines
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic inside").clone()
    }

    pub fn count(&self) -> usize {
        self.0.lock().expect("no panic inside").len()
    }

    /// What `pick` makes of the first line after `skip` of which it makes something.
    pub fn find_map<T>(&self, skip: usize, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        let lines = self.0.lock().expect("no panic inside");
        lines.iter().skip(skip).find_map(|line| pick(line))
    }
}
