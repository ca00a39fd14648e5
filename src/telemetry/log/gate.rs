//! How much each place in the program may log: what others can cause, they can cause without end.
//! A place is the line of the `log` call and the server it is about (key-value `server`), so that
//! the noise of one server hides nothing of another's. Its first lines pass at once; what comes too
//! fast is counted and summed up in a line when its time has come, when the noise has stopped and
//! at the end of the program.
//!
//! All places together have a limit too. Beyond it a line costs its place ten times as much, so
//! that what is rare still passes: no noise hides that the gateway stops or has reloaded.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::log::{Level, Record, kv};
use tokio::time::Instant;

use super::format;
use crate::throttle::{Pace, Throttle};

/// What a place may say: 20 short lines at once, 2 a second after that, and one sum in 10 s.
const PLACE: Pace = Pace {
    rate: 2,
    burst: Duration::from_secs(10),
    relief: Duration::from_secs(10),
};
/// The same of one whose lines an operator asked for, to see all there is (`--log-level debug`).
const FINE: Pace = Pace {
    rate: 200,
    relief: Duration::from_secs(1),
    ..PLACE
};
/// What all places together may say: 300 KB a minute, and 100 KB at once.
const ALL: Pace = Pace {
    rate: 10,
    burst: Duration::from_secs(20),
    relief: Duration::from_secs(1),
};
/// How many times as much a line costs beyond that.
const DEAR: usize = 10;
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
    all: Throttle,
    by_key: HashMap<u64, Place>,
    /// How many of them leave lines out now.
    silent: usize,
}

#[derive(Debug)]
struct Place {
    throttle: Throttle,
    level: Level,
    /// Whether its operator set a rate for it, so that it does not count among all.
    is_set: bool,
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
                all: Throttle::new(now, ALL),
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
        let place = place.or_insert_with(|| Place::new(now, record));
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
        place.pay(now, length, &mut places.all);
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
        let sum = |place: &mut Place| {
            let count = count(&mut place.throttle)?;
            let (like, since) = place.first.take().unwrap_or_else(|| (String::new(), now));
            let seconds = now.duration_since(since).as_secs().max(1);
            let lines = if count == 1 { "line" } else { "lines" };
            let text = format!("… and {count} more {lines} like this in {seconds} s: {like}");
            place.pay(now, text.len(), &mut places.all);
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

impl Place {
    fn new(now: Instant, record: &Record<'_>) -> Self {
        let level = record.level();
        let set = record.key_values().get(kv::Key::from_str("rate"));
        let set = set.and_then(|rate| usize::try_from(rate.to_u64()?).ok());
        let pace = match set {
            Some(rate) => Pace { rate, ..FINE },
            None if level > Level::Info => FINE,
            None => PLACE,
        };
        Self {
            throttle: Throttle::new(now, pace),
            level,
            is_set: set.is_some(),
            first: None,
        }
    }

    fn pay(&mut self, now: Instant, length: usize, all: &mut Throttle) {
        if self.is_set || self.level > Level::Info {
            return self.throttle.pay(now, length);
        }
        let times = if all.has_room(now) {
            all.pay(now, length);
            1
        } else {
            DEAR
        };
        for _ in 0..times {
            self.throttle.pay(now, length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many lines of `length` bytes, from a place, about a server; gives how many pass.
    fn log(gate: &Gate, now: Instant, at: (u32, &str), lines: usize, length: usize) -> usize {
        let text = "x".repeat(length);
        let (line, server) = at;
        let one = |_: &usize| {
            let about = [("server", server)];
            let mut record = Record::builder();
            record
                .level(Level::Warn)
                .line(Some(line))
                .key_values(&about);
            let verdict = gate.asks(now, &record.args(format_args!("{text}")).build());
            if let Verdict::Pass(key) = verdict {
                gate.pay(now, key, length);
            }
            matches!(verdict, Verdict::Pass(_))
        };
        (0..lines).filter(one).count()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_pass_and_the_others_are_summed_up() {
        let start = Instant::now();
        let gate = Gate::new(start);
        assert_eq!(gate.next(), None);
        assert_eq!(log(&gate, start, (1, "a"), 1000, 200), 20);
        assert_eq!(log(&gate, start, (1, "b"), 5, 200), 5, "another server");
        assert_eq!(log(&gate, start, (2, "a"), 5, 200), 5, "another place");
        let due = gate.next().expect("lines were left out");
        assert!(gate.sums(start).is_empty());
        let sums = gate.sums(due);
        assert_eq!(sums.len(), 1);
        let expected = format!(
            "… and 980 more lines like this in 10 s: {}",
            "x".repeat(SHOWN)
        );
        assert_eq!(sums[0].text, expected);
        assert_eq!(gate.next(), None);
        assert_eq!(log(&gate, due, (1, "a"), 21, 200), 19, "the sum was a line");
        let rest: Vec<_> = gate.rest(due).into_iter().map(|sum| sum.text).collect();
        assert!(
            rest.len() == 1 && rest[0].starts_with("… and 2 more"),
            "{rest:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn all_places_together_stay_below_a_megabyte_a_minute_and_a_rare_line_passes() {
        let mut now = Instant::now();
        let gate = Gate::new(now);
        let mut bytes = 0;
        for second in 0..60 {
            for place in 0..50 {
                bytes += 500 * log(&gate, now, (place, "a"), 50, 500);
            }
            bytes += gate
                .sums(now)
                .iter()
                .map(|sum| sum.text.len())
                .sum::<usize>();
            if second % 10 == 0 {
                assert_eq!(log(&gate, now, (1000, ""), 1, 80), 1, "a rare line");
            }
            now += Duration::from_secs(1);
        }
        assert!(bytes < 1_000_000, "{bytes}");
        assert!(bytes > 200_000, "{bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded_and_forgets_what_is_quiet() {
        let start = Instant::now();
        let gate = Gate::new(start);
        for name in 0..2 * PLACES {
            log(&gate, start, (1, &name.to_string()), 1, 10);
        }
        assert!(gate.lock().by_key.len() <= PLACES + 1);
        let later = start + Duration::from_secs(1000);
        assert_eq!(log(&gate, later, (1, "new"), 1, 10), 1);
        assert!(gate.lock().by_key.len() <= 2);
    }
}
