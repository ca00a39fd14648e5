//! A tool that clients do not see as its server has it now.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use bytes::Bytes;

/// A tool that clients do not see as its server has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name, as its server has it.
    pub tool: Box<str>,
    /// What of it is another; that it is new, or that its server does not have it any more.
    pub parts: Vec<&'static str>,
    /// As it was approved, if it was: what clients see, as long as its server has it.
    pub approved: Option<Bytes>,
    /// As its server has it now. Without it nothing is held back: what is gone is gone at once.
    pub offered: Option<Bytes>,
}

/// Of this process alone.
static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Held {
    /// Stands for all that is held: for anything else it is another. Nobody knows the keys, so nobody can write two
    /// lists of tools that have the same.
    #[must_use]
    pub fn digest(held: &[Self]) -> String {
        let text = |held: &'_ Self| {
            (
                held.tool.clone(),
                held.approved.clone(),
                held.offered.clone(),
            )
        };
        let mut all: Vec<_> = held.iter().map(text).collect();
        all.sort_unstable();
        format!("{:016x}", KEYS.hash_one(all))
    }
}
