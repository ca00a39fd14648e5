//! The book about the lives of servers: never two processes at once, never started sooner than the
//! ladder says, no permit kept by anybody when all is quiet.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::is_on_demand;
use crate::tree::Quota;

/// The ladder's numbers, less the jitter.
const FIRST: f64 = 0.5 * 0.8;
const CAP: f64 = 60.0 * 0.8;
/// A run that was ready for so long may count as stable: the ladder then starts over.
const MAYBE_STABLE: Duration = Duration::from_secs(50);
/// Calls drain for 5 s, a stop takes 4 s, and messages take their time.
const REPLACED_WITHIN: Duration = Duration::from_secs(13);

/// Whose process: the server's name, and the session's number for an instance of a session.
pub(super) type Who = (String, Option<u64>);

#[derive(Debug, Default)]
struct Life {
    is_alive: bool,
    ready: Option<Instant>,
    died: Option<Instant>,
    /// Ends in a row without a stable run.
    failures: i32,
}

/// The book.
#[derive(Debug, Default)]
pub(super) struct Ladders {
    lives: BTreeMap<Who, Life>,
    permits: Vec<(Who, Quota)>,
    /// Until then starts of this server may come at once, and the ladder starts over with them.
    free_until: BTreeMap<String, Instant>,
}

impl Ladders {
    /// A generation is about to start its process. An error says what is wrong with that.
    pub(super) fn launched(&mut self, who: &Who, permits: Quota) -> Result<(), String> {
        self.permits.push((who.clone(), permits));
        let now = Instant::now();
        let life = self.lives.entry(who.clone()).or_default();
        let was_alive = std::mem::replace(&mut life.is_alive, true);
        if was_alive {
            return Err(format!("{who:?} has two processes at once"));
        }
        let is_free = |until: &Instant| now <= *until;
        // Who falls asleep starts over, also when it is killed on its way there.
        if is_on_demand(&who.0) || self.free_until.get(&who.0).is_some_and(is_free) {
            life.failures = 0;
        }
        let since = life.died.map(|died| (now - died).as_secs_f64());
        let due = (FIRST * 2f64.powi(life.failures - 1)).min(CAP);
        life.ready = None;
        match since {
            Some(since) if life.failures > 0 && since + 0.002 < due => Err(format!(
                "{who:?} is started {since:.3} s after its failure {} in a row; {due:.3} s are due",
                life.failures
            )),
            _ => Ok(()),
        }
    }

    /// It has answered all that it is asked before it counts as ready.
    pub(super) fn listed(&mut self, who: &Who) {
        let life = self.lives.entry(who.clone()).or_default();
        life.ready.get_or_insert_with(Instant::now);
    }

    /// The process is gone. If its work `may_be_done` it may be started again at once.
    pub(super) fn ended(&mut self, who: &Who, may_be_done: bool) {
        let life = self.lives.entry(who.clone()).or_default();
        life.is_alive = false;
        let is_stable = |since: Instant| since.elapsed() >= MAYBE_STABLE;
        let was_stable = life.ready.is_some_and(is_stable);
        life.died = Some(Instant::now());
        life.failures = if was_stable || may_be_done {
            0
        } else {
            life.failures + 1
        };
    }

    /// The entry of a server was touched, or everything is tried: once root has heard of that and
    /// what runs has drained and stopped, it is started at once, and its ladder starts over.
    pub(super) fn free(&mut self, name: &str) {
        let until = Instant::now() + REPLACED_WITHIN;
        self.free_until.insert(name.to_owned(), until);
    }

    pub(super) fn alive(&self) -> Vec<&Who> {
        let alive = self.lives.iter().filter(|(_, life)| life.is_alive);
        alive.map(|(who, _)| who).collect()
    }

    /// The generations of which somebody keeps a permit, or that somebody keeps who should have
    /// forgotten them: all but the last of each.
    pub(super) fn leaks(&self) -> Vec<String> {
        let mut last = BTreeMap::new();
        for (index, (who, _)) in self.permits.iter().enumerate() {
            last.insert(who, index);
        }
        let mut leaks = Vec::new();
        for (index, (who, permits)) in self.permits.iter().enumerate() {
            let free = permits.free();
            let is_kept = last.get(who) != Some(&index) && permits.is_shared();
            if free != super::PERMITS || is_kept {
                leaks.push(format!(
                    "start {index} of {who:?}: {free} permits free, kept: {is_kept}"
                ));
            }
        }
        leaks
    }
}
