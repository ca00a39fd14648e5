//! What every call of the steady clients came to, what was struck meanwhile, and the judge. The gateway is
//! believed nothing: a call, its answer and each strike are written down here as the test saw them.

#![cfg(test)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

/// A call sent so soon after a strike healed may still meet what it left: a connection that is closed and not
/// yet known to be, a session's table that still says that the server is down.
const AFTERMATH: Duration = Duration::from_millis(1_500);

/// How many complaints of a kind are shown.
const SHOWN: usize = 5;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) client: usize,
    pub(crate) server: String,
    /// What its answer must contain; unique.
    pub(crate) nonce: String,
    /// Its client took it back.
    pub(crate) is_cancelled: bool,
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
    /// Calls to this server may be refused.
    Server(String),
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
    calls: HashMap<(usize, u64), Call>,
    strikes: Vec<Strike>,
    complaints: Vec<String>,
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

impl Book {
    fn judge(&self) -> (BTreeMap<&'static str, usize>, Vec<String>) {
        let mut counts = BTreeMap::new();
        let mut complaints = self.complaints.clone();
        // Which client each strike of a session hit: the first to say so.
        let mut owners: HashMap<usize, usize> = HashMap::new();
        let mut calls: Vec<&Call> = self.calls.values().collect();
        calls.sort_by_key(|call| call.settled.as_ref().map_or(call.sent, |(at, _)| *at));
        for call in calls {
            let (name, complaint) = self.judge_call(call, &mut owners);
            *counts.entry(name).or_default() += 1;
            complaints.extend(complaint);
        }
        (counts, complaints)
    }

    fn judge_call(
        &self,
        call: &Call,
        owners: &mut HashMap<usize, usize>,
    ) -> (&'static str, Option<String>) {
        let wrong = |what: &str| Some(format!("{what}: {call:?}"));
        match &call.settled {
            // Whatever came first: an answer, the end of its post, or nothing.
            _ if call.is_cancelled => ("cancelled", None),
            Some((_, Outcome::Answered { marker, text, .. })) => {
                let server = marker.split('#').next();
                let is_its = server == Some(&call.server) && *text == call.nonce;
                let crossed = if is_its { None } else { wrong("crossed") };
                ("answered", crossed)
            }
            None | Some((_, Outcome::Silence)) => ("silence", wrong("never answered")),
            Some((at, Outcome::Refused(_))) => {
                let is_excused = self.excuse(call, *at, true, owners);
                let complaint = if is_excused { None } else { wrong("refused") };
                ("refused", complaint)
            }
            Some((at, Outcome::Lost(_))) => {
                let is_excused = self.excuse(call, *at, false, owners);
                let complaint = if is_excused { None } else { wrong("lost") };
                ("lost", complaint)
            }
        }
    }

    /// Whether a strike explains that this call, settled at `at`, has no result.
    fn excuse(
        &self,
        call: &Call,
        at: Instant,
        is_refusal: bool,
        owners: &mut HashMap<usize, usize>,
    ) -> bool {
        let meets = |strike: &Strike| {
            let is_over = strike.end.is_some_and(|end| end + AFTERMATH < call.sent);
            strike.begin <= at && !is_over
        };
        let met = || self.strikes.iter().enumerate().filter(|(_, s)| meets(s));
        let of_all = met().any(|(_, strike)| match &strike.scope {
            Scope::Gateway | Scope::Connections => true,
            Scope::Server(name) => is_refusal && *name == call.server,
            Scope::Session => false,
        });
        if of_all {
            return true;
        }
        let mut sessions = met().filter(|(_, strike)| strike.scope == Scope::Session);
        let owned = sessions
            .find(|(number, _)| owners.get(number).is_none_or(|owner| *owner == call.client));
        owned.is_some_and(|(number, _)| {
            owners.insert(number, call.client);
            true
        })
    }
}

/// The complaints, not all of thousands.
pub(crate) fn shown(complaints: &[String]) -> String {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for complaint in complaints {
        let kind = complaint.split([':', ',']).next().unwrap_or_default();
        kinds.entry(kind).or_default().push(complaint);
    }
    let show = |(kind, all): (&str, Vec<&str>)| {
        let some = all.iter().take(SHOWN).copied().collect::<Vec<_>>();
        format!("{} × {kind}\n  {}\n", all.len(), some.join("\n  "))
    };
    kinds.into_iter().map(show).collect()
}
