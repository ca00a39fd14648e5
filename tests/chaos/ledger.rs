//! What every call of the steady clients came to, and what was struck meanwhile; `judge` reads it. The gateway is
//! believed nothing: a call, its answer and each strike are written down here as the test saw them.

#![cfg(test)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

/// A call that is taken back takes longer than this by itself.
const IN_TIME: Duration = Duration::from_secs(4);
/// How many complaints of a kind are shown.
pub(crate) const SHOWN: usize = 5;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) client: usize,
    pub(crate) server: String,
    /// What its answer must contain; unique.
    pub(crate) nonce: String,
    /// Its client took it back.
    pub(crate) is_cancelled: bool,
    /// When the gateway had taken that, where the call was there before it, and its answer was not.
    pub(crate) withdrawn: Option<Instant>,
    pub(crate) sent: Instant,
    pub(crate) settled: Option<(Instant, Outcome)>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A result, of the server with this marker, with this text.
    Answered {
        marker: String,
        text: String,
        pid: u32,
    },
    /// An answer that says that it failed.
    Refused(String),
    /// The connection or the session was lost.
    Lost(String),
    /// Nothing for longer than anybody waits.
    Silence,
}

/// Who is excused by a strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything: the gateway itself was gone.
    Gateway,
    /// Whatever went over a connection then.
    Connections,
    /// Whatever one session had in hand: one client's, no more.
    Session,
    /// What some clients without a session had in hand.
    Requests,
    /// Calls to this server may be refused.
    Server(String),
    /// Calls of the one client that this process of [`OWN`] was there for may be refused.
    Instance(u32),
}

#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) scope: Scope,
    pub(crate) begin: Instant,
    pub(crate) end: Option<Instant>,
}

#[derive(Default)]
pub(crate) struct Ledger(Mutex<Book>);

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) calls: HashMap<(usize, u64), Call>,
    pub(crate) strikes: Vec<Strike>,
    pub(crate) complaints: Vec<String>,
}

impl Ledger {
    pub(crate) fn begin(&self, id: (usize, u64), call: Call) {
        self.book().calls.insert(id, call);
    }

    /// Takes an answer, also one that nobody waits for any more. A second one is wrong whatever happened.
    pub(crate) fn answer(&self, id: (usize, u64), outcome: Outcome) {
        let mut book = self.book();
        let said = format!("{outcome:?}");
        let complaint = match book.calls.get_mut(&id) {
            None => Some(format!("an answer to nobody, {id:?}: {said:.300}")),
            Some(call) => match &call.settled {
                Some((_, Outcome::Answered { .. } | Outcome::Refused(_))) => {
                    Some(format!("a second answer to {call:?}: {said:.300}"))
                }
                // What came before the answer was only the post's fate.
                Some((_, Outcome::Lost(_) | Outcome::Silence)) | None => {
                    call.settled = Some((Instant::now(), outcome));
                    None
                }
            },
        };
        book.complaints.extend(complaint);
    }

    /// Settles a call without an answer.
    pub(crate) fn give_up(&self, id: (usize, u64), outcome: Outcome) {
        if let Some(call) = self.book().calls.get_mut(&id) {
            call.settled.get_or_insert((Instant::now(), outcome));
        }
    }

    /// Everything that this client waits for is lost.
    pub(crate) fn lose(&self, client: usize, why: &str) {
        for ((of, _), call) in &mut self.book().calls {
            if *of == client {
                let lost = Outcome::Lost(why.to_owned());
                call.settled.get_or_insert((Instant::now(), lost));
            }
        }
    }

    /// The gateway has taken what takes this call back, after the call itself.
    pub(crate) fn withdrawn(&self, id: (usize, u64)) {
        let now = Instant::now();
        if let Some(call) = self.book().calls.get_mut(&id)
            && now - call.sent < IN_TIME
        {
            call.withdrawn = Some(now);
        }
    }

    /// How many calls were taken back in time.
    pub(crate) fn taken_back(&self) -> usize {
        let book = self.book();
        book.calls
            .values()
            .filter(|call| call.withdrawn.is_some())
            .count()
    }

    /// How many calls of each client got their result.
    pub(crate) fn answered_by(&self) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        for call in self.book().calls.values() {
            if matches!(call.settled, Some((_, Outcome::Answered { .. }))) {
                *counts.entry(call.client).or_default() += 1;
            }
        }
        counts
    }

    pub(crate) fn complain(&self, complaint: String) {
        self.book().complaints.push(complaint);
    }

    /// A strike begins; its number is for [`Ledger::healed`].
    pub(crate) fn struck(&self, scope: Scope, begin: Instant) -> usize {
        let mut book = self.book();
        let end = None;
        book.strikes.push(Strike { scope, begin, end });
        book.strikes.len() - 1
    }

    pub(crate) fn healed(&self, strike: usize) {
        if let Some(strike) = self.book().strikes.get_mut(strike) {
            strike.end.get_or_insert_with(Instant::now);
        }
    }

    /// How many calls got their result so far.
    pub(crate) fn answered(&self) -> usize {
        let is_answered =
            |call: &&Call| matches!(call.settled, Some((_, Outcome::Answered { .. })));
        self.book().calls.values().filter(is_answered).count()
    }

    /// The processes that have answered for this server.
    pub(crate) fn pids(&self, server: &str) -> BTreeSet<u32> {
        let book = self.book();
        let calls = book.calls.values().filter(|call| call.server == server);
        let pids = calls.filter_map(|call| match &call.settled {
            Some((_, Outcome::Answered { pid, .. })) if !call.is_cancelled => Some(*pid),
            _ => None,
        });
        pids.collect()
    }

    /// When the first calls that are wrong were settled, and when the first were sent of those that never were.
    pub(crate) fn wrong_times(&self) -> Vec<Instant> {
        let book = self.book();
        let mut reading = book.reading();
        let mut times: Vec<_> = book
            .calls
            .values()
            .filter_map(|call| {
                book.judge_call(call, &mut reading).1?;
                Some(call.settled.as_ref().map_or(call.sent, |(at, _)| *at))
            })
            .collect();
        times.sort();
        times
    }

    /// The calls that took longest.
    pub(crate) fn slowest(&self) -> Vec<(Duration, Call)> {
        let book = self.book();
        let took = |call: &Call| {
            let (at, _) = call.settled.as_ref()?;
            Some((*at - call.sent, call.clone()))
        };
        let mut calls: Vec<_> = book.calls.values().filter_map(took).collect();
        calls.sort_by_key(|(took, _)| Reverse(*took));
        calls.truncate(SHOWN);
        calls
    }

    /// Counts by outcome, and what is wrong.
    pub(crate) fn judge(&self) -> (BTreeMap<&'static str, usize>, Vec<String>) {
        self.book().judge()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no panic inside")
    }
}
