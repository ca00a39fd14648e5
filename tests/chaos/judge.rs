//! The judge: what is wrong with a call, its outcome and the strikes around it being what they are.

#![cfg(test)]

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{Book, Call, Outcome, SHOWN, Scope, Strike};
use crate::run::FIRST_MODERN;
use crate::world::OWN;

/// A call sent so soon after a strike healed may still meet what it left: a connection that is closed and not
/// yet known to be, a session's table that still says that the server is down.
const AFTERMATH: Duration = Duration::from_millis(1_500);

/// Its post ends so soon after.
const LET_GO: Duration = Duration::from_secs(5);

/// Strikes that healed so long before a call are shown with it.
const NEAR: Duration = Duration::from_secs(3);

/// What the judge finds out meanwhile.
pub(crate) struct Reading {
    /// Which client each strike of a session hit: the first to say so.
    owners: HashMap<usize, usize>,
    /// Which process of [`OWN`] answered whom, and when.
    instances: Vec<(usize, Instant, u32)>,
}

fn instance(call: &Call) -> Option<(usize, Instant, u32)> {
    match call.settled {
        Some((at, Outcome::Answered { pid, .. })) if call.server == OWN && !call.is_cancelled => {
            Some((call.client, at, pid))
        }
        _ => None,
    }
}

impl Reading {
    /// Whether this call to [`OWN`] was meant for the process `pid` that was struck at `begin`: nobody else
    /// has heard of it, and no other has answered its client since.
    fn was_for(&self, pid: u32, begin: Instant, call: &Call) -> bool {
        // One process is one session's, so one answer tells whose.
        let whose = self.instances.iter().find(|(_, _, by)| *by == pid);
        let is_its = whose.is_none_or(|(client, ..)| *client == call.client);
        let is_successor = |(client, at, by): &(usize, Instant, u32)| {
            *client == call.client && *by != pid && *at > begin && *at + AFTERMATH < call.sent
        };
        call.server == OWN && is_its && !self.instances.iter().any(is_successor)
    }
}

impl Book {
    pub(crate) fn judge(&self) -> (BTreeMap<&'static str, usize>, Vec<String>) {
        let mut counts = BTreeMap::new();
        let mut complaints = self.complaints.clone();
        let mut reading = self.reading();
        let mut calls: Vec<&Call> = self.calls.values().collect();
        calls.sort_by_key(|call| call.settled.as_ref().map_or(call.sent, |(at, _)| *at));
        for call in calls {
            let (name, complaint) = self.judge_call(call, &mut reading);
            *counts.entry(name).or_default() += 1;
            complaints.extend(complaint);
        }
        (counts, complaints)
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading {
            owners: HashMap::new(),
            instances: self.calls.values().filter_map(instance).collect(),
        }
    }

    /// The call, and the strikes around its end, in seconds since the first of all.
    fn story(&self, call: &Call) -> String {
        let first = self
            .strikes
            .first()
            .map_or(call.sent, |strike| strike.begin);
        let since = |at: Instant| match at.checked_duration_since(first) {
            Some(after) => after.as_secs_f64(),
            None => -(first - at).as_secs_f64(),
        };
        let end = call.settled.as_ref().map_or(call.sent, |(at, _)| *at);
        let near = |strike: &&Strike| {
            strike.begin <= end && strike.end.is_none_or(|end| end + NEAR > call.sent)
        };
        let strikes = self.strikes.iter().filter(near).map(|strike| {
            let (begin, end) = (since(strike.begin), strike.end.map(since));
            format!("\n      {:?} {begin:.3}..{end:.3?}", strike.scope)
        });
        let strikes: String = strikes.collect();
        let outcome = call.settled.as_ref().map(|(_, outcome)| outcome);
        let (sent, taken) = (since(call.sent), call.withdrawn.map(since));
        format!(
            "client {} asked {} ({}) at {sent:.3}, taken back {taken:.3?}, at {:.3} {outcome:?}{strikes}",
            call.client,
            call.server,
            call.nonce,
            since(end),
        )
    }

    pub(crate) fn judge_call(
        &self,
        call: &Call,
        reading: &mut Reading,
    ) -> (&'static str, Option<String>) {
        let wrong = |what: &str| Some(format!("{what}: {}", self.story(call)));
        match &call.settled {
            _ if call.is_cancelled => ("cancelled", withdrawn_wrongly(call).and_then(wrong)),
            Some((_, Outcome::Answered { marker, text, .. })) => {
                let server = marker.split('#').next();
                let is_its = server == Some(&call.server) && *text == call.nonce;
                let crossed = if is_its { None } else { wrong("crossed") };
                ("answered", crossed)
            }
            None | Some((_, Outcome::Silence)) => ("silence", wrong("never answered")),
            Some((at, Outcome::Refused(_))) => {
                let is_excused = self.excuse(call, *at, true, reading);
                let complaint = if is_excused { None } else { wrong("refused") };
                ("refused", complaint)
            }
            Some((at, Outcome::Lost(_))) => {
                let is_excused = self.excuse(call, *at, false, reading);
                let complaint = if is_excused { None } else { wrong("lost") };
                ("lost", complaint)
            }
        }
    }

    /// Whether a strike explains that this call, settled at `at`, has no result.
    fn excuse(&self, call: &Call, at: Instant, is_refusal: bool, reading: &mut Reading) -> bool {
        let meets = |strike: &Strike| {
            let is_over = strike.end.is_some_and(|end| end + AFTERMATH < call.sent);
            strike.begin <= at && !is_over
        };
        let met = || self.strikes.iter().enumerate().filter(|(_, s)| meets(s));
        let of_all = met().any(|(_, strike)| match &strike.scope {
            Scope::Gateway | Scope::Connections => true,
            Scope::Server(name) => is_refusal && *name == call.server,
            Scope::Instance(pid) => is_refusal && reading.was_for(*pid, strike.begin, call),
            Scope::Requests => call.client >= FIRST_MODERN,
            Scope::Session => false,
        });
        if of_all {
            return true;
        }
        let mut sessions = met().filter(|(_, strike)| strike.scope == Scope::Session);
        let owned = sessions.find(|(number, _)| {
            reading
                .owners
                .get(number)
                .is_none_or(|owner| *owner == call.client)
        });
        owned.is_some_and(|(number, _)| {
            reading.owners.insert(number, call.client);
            true
        })
    }
}

/// What is wrong with a call that was taken back: no answer may follow, and nothing is held for one.
fn withdrawn_wrongly(call: &Call) -> Option<&'static str> {
    let (at, outcome) = call.settled.as_ref()?;
    let late = at.checked_duration_since(call.withdrawn?)?;
    match outcome {
        Outcome::Answered { .. } => Some("answered after it was taken back"),
        Outcome::Refused(_) if late > AFTERMATH => Some("refused after it was taken back"),
        Outcome::Lost(_) if late > LET_GO => Some("held after it was taken back"),
        Outcome::Refused(_) | Outcome::Lost(_) | Outcome::Silence => None,
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
