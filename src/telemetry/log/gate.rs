//! How much each place in the program may log: what others can cause, they can cause without end.
//! A place is the line of the `log` call and the server it is about (key-value `server`), so that
//! the noise of one server hides nothing of another's. Its first lines pass at once; what comes too
//! fast is counted and summed up in a line when its time has come, when the noise has stopped and
//! at the end of the program.
//!
//! All places together have a limit too, and what servers write to their stderr has one of its own.
//! Beyond it a line costs its place ten times as much, and twice that for every few seconds that
//! it goes on, so that the noisy share what there is and what is rare still passes: no noise hides
//! that the gateway stops or has reloaded.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::log::{Level, Record, kv};
use tokio::time::Instant;

use super::format;
use crate::throttle::{Pace, Throttle};

/// What a place may say: 20 short lines at once, 2 a second after that, and one sum in 3 s.
const PLACE: Pace = Pace {
    rate: 2,
    burst: Duration::from_secs(10),
    relief: Duration::from_secs(3),
};
/// The same of one whose lines an operator asked for, to see all there is (`--log-level debug`).
const FINE: Pace = Pace {
    rate: 200,
    relief: Duration::from_secs(1),
    ..PLACE
};
/// What all places together may say: 240 KB a minute, and 40 KB at once.
const ALL: Pace = Pace {
    rate: 8,
    burst: Duration::from_secs(10),
    relief: Duration::from_secs(1),
};
/// What those with a rate that an operator set may say together is as much as one of them.
const ALL_SET: Duration = Duration::from_secs(5);
/// How many times as much a line costs beyond that, and after how much more it doubles, so often.
const DEAR: u32 = 10;
const DOUBLES_AFTER: Duration = Duration::from_secs(5);
const DOUBLES: u32 = 6;
/// So many places are told apart, servers included. Beyond them those of all servers are one.
const PLACES: usize = 4096;
/// So much of a line stands for those that are like it, in bytes.
const SHOWN: usize = 120;

/// A line that says how many were left out.
#[derive(Debug)]
pub(super) struct Sum {
    pub(super) level: Level,
    pub(super) text: String,
}

/// What is asked of each line before it is written.
#[derive(Debug)]
pub(super) struct Gate {
    hasher: RandomState,
    places: Mutex<Places>,
}

#[derive(Debug)]
struct Places {
    totals: Totals,
    by_key: HashMap<u64, CallSite>,
    /// How many of them leave lines out now.
    silent: usize,
}

/// What all places together said.
#[derive(Debug)]
struct Totals {
    own: Throttle,
    /// Of those with a rate that was set, and the highest that one has.
    set: Throttle,
    highest: usize,
}

#[derive(Debug)]
struct CallSite {
    throttle: Throttle,
    level: Level,
    /// The rate that its operator set for it.
    set: Option<usize>,
    /// The beginning of the first line that was left out, and when that was.
    first: Option<(String, Instant)>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is written, and [`Gate::pay`] is told how long it was.
    Pass(u64),
    /// It is left out: the first after one that passed.
    First,
    /// It is left out.
    Another,
}

impl Gate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            hasher: RandomState::new(),
            places: Mutex::new(Places {
                totals: Totals::new(now),
                by_key: HashMap::new(),
                silent: 0,
            }),
        }
    }

    /// Whether a line may be written now.
    pub(super) fn asks(&self, now: Instant, record: &Record<'_>) -> Verdict {
        let server = record.key_values().get(kv::Key::from_str("server"));
        let key = self.key(record, server.as_ref());
        let mut places = self.lock();
        let key = if places.has_room(now, key) {
            key
        } else {
            self.key(record, None)
        };
        let place = places.by_key.entry(key);
        let place = place.or_insert_with(|| CallSite::new(now, record));
        if place.throttle.admits(now) {
            return Verdict::Pass(key);
        }
        if place.first.is_some() {
            return Verdict::Another;
        }
        place.first = Some((String::new(), now));
        places.silent += 1;
        drop(places);
        let text = format::beginning(*record.args(), SHOWN);
        let mut places = self.lock();
        if let Some((first, _)) = places.by_key.get_mut(&key).and_then(|at| at.first.as_mut()) {
            *first = text;
        }
        Verdict::First
    }

    /// Takes note of a line of `length` bytes that passed.
    pub(super) fn pay(&self, now: Instant, key: u64, length: usize) {
        let places = &mut *self.lock();
        let Some(place) = places.by_key.get_mut(&key) else {
            return;
        };
        place.pay(now, length, &mut places.totals);
    }

    /// When [`Self::sums`] has something to say.
    pub(super) fn next(&self) -> Option<Instant> {
        let places = self.lock();
        if places.silent == 0 {
            return None;
        }
        let waiting = places.by_key.values();
        waiting.filter_map(|place| place.throttle.opens_at()).min()
    }

    /// What was left out and is to be told now.
    pub(super) fn sums(&self, now: Instant) -> Vec<Sum> {
        self.take(now, |throttle| throttle.relief(now))
    }

    /// What was left out and not told yet, at the end.
    pub(super) fn rest(&self, now: Instant) -> Vec<Sum> {
        self.take(now, Throttle::finish)
    }

    fn take(&self, now: Instant, mut count: impl FnMut(&mut Throttle) -> Option<u64>) -> Vec<Sum> {
        let places = &mut *self.lock();
        let sum = |place: &mut CallSite| {
            let count = count(&mut place.throttle)?;
            let (like, since) = place.first.take().unwrap_or_else(|| (String::new(), now));
            let seconds = now.duration_since(since).as_secs().max(1);
            let lines = if count == 1 { "line" } else { "lines" };
            let text = format!("… and {count} more {lines} like this in {seconds} s: {like}");
            // It ends the silence: what it costs its place is not what the noise costs.
            if place.level <= Level::Info {
                places.totals.pay(now, text.len(), place.set);
            }
            place.throttle.pay(now, text.len());
            let level = place.level;
            Some(Sum { level, text })
        };
        let sums: Vec<Sum> = places.by_key.values_mut().filter_map(sum).collect();
        places.silent = places.silent.saturating_sub(sums.len());
        sums
    }

    fn key(&self, record: &Record<'_>, server: Option<&kv::Value<'_>>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        (
            record.target(),
            record.file(),
            record.line(),
            record.level(),
        )
            .hash(&mut hasher);
        if let Some(server) = server.and_then(kv::Value::to_borrowed_str) {
            server.hash(&mut hasher);
        }
        hasher.finish()
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Whether this place is known or there is room for it.
    fn has_room(&mut self, now: Instant, key: u64) -> bool {
        if self.by_key.len() < PLACES || self.by_key.contains_key(&key) {
            return true;
        }
        self.by_key.retain(|_, place| !place.throttle.is_idle(now));
        self.by_key.len() < PLACES
    }
}

impl Totals {
    fn new(now: Instant) -> Self {
        Self {
            own: Throttle::new(now, ALL),
            set: Throttle::new(now, ALL),
            highest: 0,
        }
    }

    /// Takes note of a line of `length` bytes; gives how many times it costs its place as much.
    fn pay(&mut self, now: Instant, length: usize, set: Option<usize>) -> u32 {
        if let Some(rate) = set.filter(|rate| *rate > self.highest) {
            self.highest = rate;
            let burst = ALL_SET;
            self.set = Throttle::new(now, Pace { rate, burst, ..ALL });
        }
        let total = match set {
            Some(_) => &mut self.set,
            None => &mut self.own,
        };
        let is_dear = !total.has_room(now);
        let doubled = total.excess(now).as_millis() / DOUBLES_AFTER.as_millis();
        let doubled = u32::try_from(doubled).unwrap_or(DOUBLES);
        // What is owed then is bounded, so that it is forgotten soon after the noise.
        if doubled < DOUBLES {
            total.pay(now, length);
        }
        if is_dear {
            DEAR << doubled.min(DOUBLES)
        } else {
            1
        }
    }
}

impl CallSite {
    fn new(now: Instant, record: &Record<'_>) -> Self {
        let level = record.level();
        let set = record.key_values().get(kv::Key::from_str("rate"));
        let set = set.and_then(|rate| usize::try_from(rate.to_u64()?).ok());
        let pace = match set {
            // It passed a limit of its own before, and has got longer since.
            Some(rate) => Pace {
                rate: rate.saturating_mul(2),
                ..FINE
            },
            None if level > Level::Info => FINE,
            None => PLACE,
        };
        Self {
            throttle: Throttle::new(now, pace),
            level,
            set,
            first: None,
        }
    }

    fn pay(&mut self, now: Instant, length: usize, totals: &mut Totals) {
        let times = if self.level > Level::Info {
            1
        } else {
            totals.pay(now, length, self.set)
        };
        self.throttle.pay_times(now, length, times);
    }
}
