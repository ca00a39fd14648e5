//! How fast what a server says unasked goes on to those who want to hear it. One line of it may be
//! for a thousand sessions: what is for many is told less often than what is for one. A resource
//! that changes again and again is told of at once and then from time to time, the last change too.
//! Part of [`super::subscribers`]: plain state.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::protocol::mcp::updated::{Updated, uri_params};

/// The same resource is told of once in this time.
const GAP: Duration = Duration::from_millis(100);
/// So many bytes of params wait as they were written; of more only the URIs do.
const MAX_PARAMS: usize = 1 << 20;

/// What may be told, counted in sessions that hear it: so many at once, and then one in a while.
#[derive(Debug)]
pub(super) struct Share {
    each: Duration,
    slack: Duration,
    /// When all that was told has had its time.
    paid: Option<Instant>,
}

impl Share {
    /// For news of resources: 400 at once, 4000 a second.
    const UPDATES: Self = Self {
        each: Duration::from_micros(250),
        slack: Duration::from_millis(100),
        paid: None,
    };
    /// For log messages: 20 000 at once, 20 000 a second.
    pub(super) const LOGS: Self = Self {
        each: Duration::from_micros(50),
        slack: Duration::from_secs(1),
        paid: None,
    };

    /// Whether something may be told now.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.paid.is_none_or(|paid| paid <= now + self.slack)
    }

    /// When something may be told again.
    fn opens(&self) -> Option<Instant> {
        self.paid?.checked_sub(self.slack)
    }

    /// Something was told to so many. To find out that it is for nobody costs something too.
    pub(super) fn spend(&mut self, now: Instant, hearers: usize) {
        let hearers = u32::try_from(hearers.max(1)).unwrap_or(u32::MAX);
        let paid = self.paid.map_or(now, |paid| paid.max(now));
        self.paid = Some(paid + self.each.saturating_mul(hearers));
    }
}

/// The news of resources on their way.
#[derive(Debug)]
pub(super) struct Updates {
    share: Share,
    /// When each that was told of lately may be told of again, the first at the front.
    told: VecDeque<(Instant, Box<str>)>,
    is_told: HashSet<Box<str>>,
    /// What waits, in the order in which it is told of, each with the earliest time for it.
    queue: VecDeque<(Instant, Box<str>)>,
    /// The latest params of what waits; none if only the URI is kept.
    waiting: HashMap<Box<str>, Option<Bytes>>,
    /// How many bytes these have.
    held: usize,
}

impl Default for Updates {
    fn default() -> Self {
        Self {
            share: Share::UPDATES,
            told: VecDeque::new(),
            is_told: HashSet::new(),
            queue: VecDeque::new(),
            waiting: HashMap::new(),
            held: 0,
        }
    }
}

impl Updates {
    /// A resource has changed: whether it is to be told of now. If not it waits.
    pub(super) fn is_due(&mut self, now: Instant, updated: &Updated) -> bool {
        self.forget(now);
        let uri = updated.uri();
        let is_waiting = self.waiting.contains_key(uri);
        let again = self.is_told.contains(uri).then_some(now + GAP);
        if !is_waiting && again.is_none() && self.share.is_open(now) {
            return true;
        }
        self.keep(uri, updated.params());
        if !is_waiting {
            self.queue.push_back((again.unwrap_or(now), uri.into()));
        }
        false
    }

    fn keep(&mut self, uri: &str, params: &Bytes) {
        let former = self.waiting.remove(uri).flatten();
        self.held -= former.map_or(0, |params| params.len());
        let has_room = self.held + params.len() <= MAX_PARAMS;
        // A copy: a slice would keep the whole line.
        let params = has_room.then(|| Bytes::copy_from_slice(params));
        self.held += params.as_ref().map_or(0, Bytes::len);
        self.waiting.insert(uri.into(), params);
    }

    /// It was told of to so many.
    pub(super) fn told(&mut self, now: Instant, uri: &str, hearers: usize) {
        self.share.spend(now, hearers);
        if self.is_told.insert(uri.into()) {
            self.told.push_back((now + GAP, uri.into()));
        }
    }

    /// The next that has waited long enough, and its params.
    pub(super) fn next(&mut self, now: Instant) -> Option<(Box<str>, Bytes)> {
        self.forget(now);
        self.next_deadline().filter(|due| *due <= now)?;
        let (_, uri) = self.queue.pop_front()?;
        let params = self.waiting.remove(&uri).flatten();
        self.held -= params.as_ref().map_or(0, Bytes::len);
        let params = params.unwrap_or_else(|| uri_params(&uri));
        Some((uri, params))
    }

    /// When [`Self::next`] has something.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let (due, _) = self.queue.front()?;
        Some(self.share.opens().map_or(*due, |opens| opens.max(*due)))
    }

    fn forget(&mut self, now: Instant) {
        while let Some((_, uri)) = self.told.front().filter(|(until, _)| *until <= now) {
            self.is_told.remove(uri);
            self.told.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(uri: &str, more: &str) -> Updated {
        let params = format!(r#"{{"uri":"{uri}","n":"{more}"}}"#);
        Updated::parse(&params.into()).unwrap()
    }

    /// How many sessions are told in so many milliseconds, with a change of one of so many URIs
    /// each millisecond, and the last word of the first of them.
    fn flood(uris: usize, hearers: usize, millis: u64) -> (usize, Option<Bytes>) {
        let (mut updates, mut now) = (Updates::default(), Instant::now());
        let (mut count, mut last) = (0, None);
        for number in 0..millis {
            now += Duration::from_millis(1);
            let uri = format!("u{}", number % uris as u64);
            let change = changed(&uri, &number.to_string());
            let mut due = Vec::new();
            if updates.is_due(now, &change) {
                due.push((uri.into_boxed_str(), change.params().clone()));
            }
            loop {
                for (uri, params) in due.drain(..) {
                    updates.told(now, &uri, hearers);
                    count += hearers;
                    last = (&*uri == "u0").then_some(params).or(last);
                }
                let Some(next) = updates.next(now) else { break };
                due.push(next);
            }
        }
        while let Some(due) = updates.next_deadline() {
            let (uri, params) = updates.next(due).unwrap();
            updates.told(due, &uri, hearers);
            last = (&*uri == "u0").then_some(params).or(last);
        }
        assert_eq!((updates.held, updates.waiting.len()), (0, 0));
        (count, last)
    }

    #[test]
    fn one_that_never_stops_is_told_of_ten_times_a_second_and_at_last() {
        let (count, last) = flood(1, 1, 5_000);
        assert!((49..=51).contains(&count), "{count}");
        assert_eq!(last.unwrap(), r#"{"uri":"u0","n":"4999"}"#);
    }

    #[test]
    fn what_is_for_many_is_told_less_often() {
        for uris in [1, 3, 1_000] {
            let (count, last) = flood(uris, 1_000, 5_000);
            assert!((10_000..=23_000).contains(&count), "{uris}: {count}");
            assert!(last.is_some());
        }
    }

    #[test]
    fn what_changes_once_is_told_at_once_and_as_it_was_written() {
        let (mut updates, now) = (Updates::default(), Instant::now());
        for number in 0..300 {
            let uri = format!("u{number}");
            assert!(updates.is_due(now, &changed(&uri, "x")));
            updates.told(now, &uri, 1);
        }
        assert!(updates.next_deadline().is_none());
        let later = now + GAP;
        assert!(updates.is_due(later, &changed("u7", "y")));
        updates.told(later, "u7", 1);
        assert_eq!(updates.told.len(), 1, "what is long ago is forgotten");
    }

    #[test]
    fn long_params_do_not_wait() {
        let (mut updates, now) = (Updates::default(), Instant::now());
        let long = "x".repeat(MAX_PARAMS * 2 / 3);
        for uri in ["u", "v"] {
            updates.told(now, uri, 1);
            assert!(!updates.is_due(now, &changed(uri, &long)));
            assert!(!updates.is_due(now, &changed(uri, &long)));
        }
        assert!(updates.held <= MAX_PARAMS);
        assert_eq!(updates.next(now), None);
        assert_eq!(updates.next(now + GAP).unwrap().1.len(), long.len() + 18);
        assert_eq!(updates.next(now + GAP).unwrap().1, r#"{"uri":"v"}"#);
    }

    #[test]
    fn of_a_flood_of_log_messages_some_are_passed_on() {
        let (mut share, start) = (Share::LOGS, Instant::now());
        let mut count = 0;
        for number in 0..100_000 {
            let now = start + Duration::from_micros(10 * number);
            if share.is_open(now) {
                share.spend(now, 1_000);
                count += 1_000;
            }
        }
        assert!((20_000..=42_000).contains(&count), "{count}");
    }
}
