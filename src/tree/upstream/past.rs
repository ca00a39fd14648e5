//! What former lives of a server taught: its next one is not asked what ended or puzzled those. It is
//! forgotten with the server's entry.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::SetOnce;
use tokio::time::timeout;

use super::awake::{AwakeFor, Holds};
use crate::protocol::mcp::item::Kind;
use crate::protocol::version::{Era, Version};
use crate::tree::registry::Lessons;

/// One for all lives under one entry, instances for sessions included.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// How the next life begins: [`LEGACY`], [`MODERN`], or it is not known.
    era: AtomicU8,
    /// Set when it is known what is kept from before; `None` where nothing is.
    recalled: Option<SetOnce<()>>,
    /// The revision to begin with: its place among the names of servers, from 1 on.
    revision: AtomicUsize,
    /// Bits of [`Kind`]s of lists that were asked for undeclared: those that it plainly has not,
    /// those that a life ended at, and those that came.
    lacked: AtomicU8,
    ended_at: AtomicU8,
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
    malformed_lives: AtomicU32,
    unsaid_malformed: AtomicU64,
    /// What holds its lives awake, of one that may sleep.
    holds: OnceLock<Holds>,
}

/// By a handshake, or without one.
const LEGACY: u8 = 1;
const MODERN: u8 = 2;

/// A catalogue that comes later than this from the disk says nothing of how to begin.
const RECALL_WITHIN: Duration = Duration::from_secs(1);

impl Past {
    /// Of an entry of which something may be kept.
    pub(crate) fn to_recall() -> Self {
        Self {
            recalled: Some(SetOnce::new()),
            ..Self::default()
        }
    }

    /// Waits until it is known what is kept from before.
    pub(super) async fn recalled(&self) {
        if let Some(recalled) = &self.recalled {
            drop(timeout(RECALL_WITHIN, recalled.wait()).await);
        }
    }

    /// How to begin.
    pub(super) fn era(&self) -> Era {
        match self.era.load(Ordering::Relaxed) {
            MODERN => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// This way it holds, or holds no more.
    pub(super) fn learn_era(&self, era: Era) {
        let era = match era {
            Era::Legacy => LEGACY,
            Era::Modern => MODERN,
        };
        self.era.store(era, Ordering::Relaxed);
    }

    /// What was kept from before says so, if anything was. What was learnt since is newer.
    pub(crate) fn recall_era(&self, is_modern: Option<bool>) {
        let era = is_modern.map(|is_modern| if is_modern { MODERN } else { LEGACY });
        if let Some(era) = era.filter(|_| self.era.load(Ordering::Relaxed) == 0) {
            self.era.store(era, Ordering::Relaxed);
        }
        if let Some(recalled) = &self.recalled {
            drop(recalled.set(()));
        }
    }

    /// The entry is another one: what is kept says nothing of it.
    pub(crate) fn begins_anew(&self) {
        self.learn_era(Era::Legacy);
    }

    /// The revision to begin with, if the latest was refused.
    pub(super) fn revision(&self) -> Option<&'static str> {
        let place = self.revision.load(Ordering::Relaxed).checked_sub(1)?;
        Version::names_of_servers().nth(place)
    }

    /// Whether that list is known not to be there: the server said so, or two lives ended when it
    /// was asked for undeclared.
    pub(super) fn lacks(&self, kind: Kind) -> bool {
        self.unless_found(&self.lacked) & kind.bit() != 0
    }

    fn unless_found(&self, bits: &AtomicU8) -> u8 {
        bits.load(Ordering::Relaxed) & !self.found.load(Ordering::Relaxed)
    }

    /// Adds what is kept from before.
    pub(super) fn remember(&self, lessons: Lessons) {
        if !self.is_remembered.swap(true, Ordering::Relaxed) {
            self.lacked.fetch_or(lessons.lacks, Ordering::Relaxed);
            self.ended_at.fetch_or(lessons.ended_at, Ordering::Relaxed);
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
        Lessons {
            lacks: self.unless_found(&self.lacked),
            ended_at: self.unless_found(&self.ended_at),
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

    /// Where what holds its lives awake is counted.
    pub(super) fn holds(&self) -> &Holds {
        self.holds.get_or_init(Holds::default)
    }

    /// What holds them beside their calls.
    pub(crate) fn held_by(&self) -> Vec<AwakeFor> {
        self.holds.get().map_or_else(Vec::new, Holds::now)
    }

    /// Whether it offers nothing at all.
    pub(crate) fn offers_nothing(&self) -> bool {
        self.offers_nothing.load(Ordering::Relaxed)
    }

    /// All its lists are known. Says whether it has just become known that it offers nothing.
    pub(super) fn note_offers(&self, is_nothing: bool) -> bool {
        !self.offers_nothing.swap(is_nothing, Ordering::Relaxed) && is_nothing
    }

    /// The server said that it has no such list.
    pub(super) fn learn_lack(&self, kind: Kind) {
        self.lacked.fetch_or(kind.bit(), Ordering::Relaxed);
    }

    /// A life ended when that list was asked for. Says whether one had before: chance is then ruled
    /// out.
    pub(super) fn learn_end(&self, kind: Kind) -> bool {
        let before = self.ended_at.fetch_or(kind.bit(), Ordering::Relaxed);
        let is_again = before & kind.bit() != 0;
        if is_again {
            self.learn_lack(kind);
        }
        is_again
    }

    /// Says whether it had not come before.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.found.fetch_or(kind.bit(), Ordering::Relaxed) & kind.bit() == 0
    }

    pub(super) fn has_found(&self, kind: Kind) -> bool {
        self.found.load(Ordering::Relaxed) & kind.bit() != 0
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
        let before = self.malformed_lives.fetch_add(1, Ordering::Relaxed);
        before.saturating_add(1)
    }

    /// A life lasts: the next one that has such lines is the first.
    pub(super) fn forget_junk(&self) {
        self.malformed_lives.store(0, Ordering::Relaxed);
    }

    /// So many more were not said.
    pub(super) fn keep_unsaid_junk(&self, count: u64) {
        self.unsaid_malformed.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were not said. They are now.
    pub(super) fn take_unsaid_junk(&self) -> u64 {
        self.unsaid_malformed.swap(0, Ordering::Relaxed)
    }

    /// A refusal has named another one.
    pub(super) fn learn_revision(&self, named: &str) {
        let place = Version::names_of_servers().position(|name| name == named);
        let place = place.map_or(0, |place| place + 1);
        self.revision.store(place, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_first_life_waits_until_it_is_known_how_to_begin_but_not_for_long() {
        let past = Past::to_recall();
        let start = Instant::now();
        let ((), era) = tokio::join!(
            async {
                sleep(Duration::from_millis(300)).await;
                past.recall_era(Some(true));
            },
            async {
                past.recalled().await;
                past.era()
            }
        );
        assert_eq!(
            (era, start.elapsed()),
            (Era::Modern, Duration::from_millis(300))
        );
        // A disk that hangs holds nobody up, and nobody waits where nothing is kept.
        Past::to_recall().recalled().await;
        assert!(start.elapsed() < Duration::from_secs(2));
        let start = Instant::now();
        Past::default().recalled().await;
        let nothing = Past::to_recall();
        nothing.recall_era(None);
        nothing.recalled().await;
        assert_eq!(
            (nothing.era(), start.elapsed()),
            (Era::Legacy, Duration::ZERO)
        );
    }
}
