//! What former lives of a server taught: its next one is not asked what ended or puzzled those. It is
//! forgotten with the server's entry.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::protocol::mcp::item::Kind;
use crate::protocol::version::Version;
use crate::tree::registry::Lessons;

/// One for all lives under one entry, instances for sessions included.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The revision to begin with: its place among the names of servers, from 1 on.
    revision: AtomicUsize,
    /// Bits of [`Kind`]: lists that were asked for undeclared, and those that came.
    tried: AtomicU8,
    found: AtomicU8,
    /// After so many calls it ends with code 0. None is that it does not.
    calls_in_a_life: AtomicU32,
    /// Whether what is kept from before has been added.
    is_remembered: AtomicBool,
    /// Whether all its lists are known, and are empty.
    offers_nothing: AtomicBool,
    /// Whether it failed as it had before, and that was not said again.
    is_repeating: AtomicBool,
    /// So many of the last ends were no failures.
    finished: AtomicU32,
    /// So many lives in a row wrote lines that can't be used, and so many of these were not said.
    junk_lives: AtomicU32,
    unsaid_junk: AtomicU64,
}

impl Past {
    /// The revision to begin with, if the latest was refused.
    pub(super) fn revision(&self) -> Option<&'static str> {
        let place = self.revision.load(Ordering::Relaxed).checked_sub(1)?;
        Version::names_of_servers().nth(place)
    }

    /// Whether that list was asked for undeclared and has never come, be it that its server died.
    pub(super) fn lacks(&self, kind: Kind) -> bool {
        let found = self.found.load(Ordering::Relaxed);
        self.tried.load(Ordering::Relaxed) & !found & bit(kind) != 0
    }

    /// Adds what is kept from before.
    pub(super) fn remember(&self, lessons: Lessons) {
        if !self.is_remembered.swap(true, Ordering::Relaxed) {
            self.tried.fetch_or(lessons.lacks, Ordering::Relaxed);
            if self.calls_in_a_life().is_none() {
                self.learn_calls_in_a_life(lessons.calls_in_a_life);
            }
        }
    }

    pub(super) fn is_remembered(&self) -> bool {
        self.is_remembered.load(Ordering::Relaxed)
    }

    /// What is to be kept.
    pub(super) fn lessons(&self) -> Lessons {
        let found = self.found.load(Ordering::Relaxed);
        Lessons {
            lacks: self.tried.load(Ordering::Relaxed) & !found,
            calls_in_a_life: self.calls_in_a_life().unwrap_or_default(),
        }
    }

    /// Whether its last failure was nothing new.
    pub(super) fn is_repeating(&self) -> bool {
        self.is_repeating.load(Ordering::Relaxed)
    }

    pub(crate) fn repeats(&self, is_repeating: bool) {
        self.is_repeating.store(is_repeating, Ordering::Relaxed);
    }

    /// Whether it offers nothing at all.
    pub(crate) fn offers_nothing(&self) -> bool {
        self.offers_nothing.load(Ordering::Relaxed)
    }

    /// All its lists are known. Says whether it has just become known that it offers nothing.
    pub(super) fn note_offers(&self, is_nothing: bool) -> bool {
        !self.offers_nothing.swap(is_nothing, Ordering::Relaxed) && is_nothing
    }

    pub(super) fn tries(&self, kind: Kind) {
        self.tried.fetch_or(bit(kind), Ordering::Relaxed);
    }

    /// Says whether it had not come before.
    pub(super) fn has(&self, kind: Kind) -> bool {
        let before = self.found.fetch_or(bit(kind), Ordering::Relaxed);
        before & bit(kind) == 0
    }

    /// After how many calls a life ends, if it does.
    pub(crate) fn calls_in_a_life(&self) -> Option<u32> {
        let calls = self.calls_in_a_life.load(Ordering::Relaxed);
        (calls > 0).then_some(calls)
    }

    pub(super) fn learn_calls_in_a_life(&self, calls: u32) {
        self.calls_in_a_life.store(calls, Ordering::Relaxed);
    }

    /// How many lives in a row have ended without a failure.
    pub(super) fn finished(&self) -> u32 {
        self.finished.load(Ordering::Relaxed)
    }

    /// Whether it is known to end without a failure: lives like these would fill the log.
    pub(crate) fn is_known_to_finish(&self) -> bool {
        self.finished() > 1
    }

    /// Whether a life that is like those before it is no news.
    pub(super) fn is_old(&self) -> bool {
        self.is_known_to_finish() || self.is_repeating()
    }

    /// A life has ended, with a failure or without.
    pub(super) fn ended(&self, is_finished: bool) {
        let count = if is_finished {
            self.finished().saturating_add(1)
        } else {
            0
        };
        self.finished.store(count, Ordering::Relaxed);
    }

    /// A life writes lines that can't be used. Says the how manieth it is that does.
    pub(super) fn has_junk(&self) -> u32 {
        let before = self.junk_lives.fetch_add(1, Ordering::Relaxed);
        before.saturating_add(1)
    }

    /// A life lasts: the next one that has such lines is the first.
    pub(super) fn forget_junk(&self) {
        self.junk_lives.store(0, Ordering::Relaxed);
    }

    /// So many more were not said.
    pub(super) fn keep_unsaid_junk(&self, count: u64) {
        self.unsaid_junk.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were not said. They are now.
    pub(super) fn take_unsaid_junk(&self) -> u64 {
        self.unsaid_junk.swap(0, Ordering::Relaxed)
    }

    /// A refusal has named another one.
    pub(super) fn learn_revision(&self, named: &str) {
        let place = Version::names_of_servers().position(|name| name == named);
        let place = place.map_or(0, |place| place + 1);
        self.revision.store(place, Ordering::Relaxed);
    }
}

fn bit(kind: Kind) -> u8 {
    1 << (kind as u8)
}
