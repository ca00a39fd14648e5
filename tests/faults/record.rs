//! What a test saw, kept for the table: a file per row in Cargo's directory for tests.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What one test saw.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// That the fault struck.
    pub(crate) proofs: Vec<String>,
    /// Each with what was seen and what is allowed.
    pub(crate) figures: Vec<String>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults")
}

impl Record {
    /// Keeps it under the test's name.
    pub(crate) fn keep(&self, test: &str) {
        let json = serde_json::to_string_pretty(self).expect("plain data");
        fs::create_dir_all(directory()).expect("the directory is ours");
        fs::write(directory().join(test), json).expect("the directory is ours");
    }

    /// What the test of this name saw the last time.
    pub(crate) fn of(test: &str) -> Option<Self> {
        let json = fs::read_to_string(directory().join(test)).ok()?;
        serde_json::from_str(&json).ok()
    }
}
