//! How often the log says that a server has failed as it had before: the first time, and then ever
//! more rarely. A command that is missing would else fill it for ever. Plain state.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::ChildId;
use crate::supervise::{Failure, FailureKind, Ladder, Status};

/// A server may fail in so many ways that are told apart.
const WAYS: usize = 8;

/// What was said of whom.
#[derive(Debug, Default)]
pub(super) struct Repeats(BTreeMap<ChildId, Repeat>);

#[derive(Debug, Default)]
struct Repeat {
    ways: Vec<(String, u32)>,
    ready_since: Option<Instant>,
    is_silent: bool,
}

impl Repeats {
    /// It has failed like this. Says for the how manieth time, if that is to be said.
    pub(super) fn failed(&mut self, id: &ChildId, how: &str, ladder: &Ladder) -> Option<u32> {
        let repeat = self.0.entry(id.clone()).or_default();
        let ready_since = repeat.ready_since.take();
        if ready_since.is_some_and(|since| ladder.is_stable(since.elapsed())) {
            repeat.ways.clear();
        }
        let at = repeat.ways.iter().position(|(way, _)| way == how);
        let (way, count) = at.map_or_else(|| (how.to_owned(), 0), |at| repeat.ways.remove(at));
        let count = count.saturating_add(1);
        repeat.ways.insert(0, (way, count));
        repeat.ways.truncate(WAYS);
        repeat.is_silent = !count.is_power_of_two();
        (!repeat.is_silent).then_some(count)
    }

    /// The same of a failure. Of one that somebody has to do something about only the first is said.
    pub(super) fn ended(
        &mut self,
        id: &ChildId,
        failure: &Failure,
        ladder: &Ladder,
    ) -> Option<u32> {
        let count = self.failed(id, &failure.to_string(), ladder);
        if failure.kind != FailureKind::Unauthorized {
            return count;
        }
        let count = count.filter(|count| *count == 1);
        if let Some(repeat) = self.0.get_mut(id) {
            repeat.is_silent = count.is_none();
        }
        count
    }

    /// Whether its last failure was not said.
    pub(super) fn is_silent(&self, id: &ChildId) -> bool {
        self.0.get(id).is_some_and(|repeat| repeat.is_silent)
    }

    /// It is in another state; `None`: its name is gone.
    pub(super) fn status_changed(&mut self, id: &ChildId, status: Option<&Status>) {
        match status {
            None => drop(self.0.remove(id)),
            Some(Status::Ready { since, .. }) => {
                if let Some(repeat) = self.0.get_mut(id) {
                    repeat.ready_since = Some(*since);
                }
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::Generation;
    use crate::testing::name;

    fn ready() -> Status {
        Status::Ready {
            generation: Generation(1),
            since: Instant::now(),
            crash_looping: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_day_of_the_same_failure_is_a_few_lines() {
        let (mut repeats, ladder) = (Repeats::default(), Ladder::default());
        let id = ChildId::Upstream(name("a"));
        let said: Vec<u32> = (0..1_440)
            .filter_map(|n| {
                let how = if n % 3 == 0 {
                    "closed its stdout"
                } else {
                    "exited with code 1"
                };
                repeats.status_changed(&id, Some(&ready()));
                repeats.failed(&id, how, &ladder)
            })
            .collect();
        assert_eq!(said.len(), 19, "{said:?}");
        assert_eq!(said[..5], [1, 1, 2, 2, 4]);
        assert!(repeats.failed(&id, "exited with code 2", &ladder).is_some());
        assert!(!repeats.is_silent(&id));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_let_in_is_said_once() {
        let (mut repeats, ladder) = (Repeats::default(), Ladder::default());
        let id = ChildId::Upstream(name("a"));
        let failure = Failure::new(FailureKind::Unauthorized, "does not let in");
        assert_eq!(repeats.ended(&id, &failure, &ladder), Some(1));
        for _ in 0..100 {
            assert_eq!(repeats.ended(&id, &failure, &ladder), None);
            assert!(repeats.is_silent(&id));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_stable_run_it_is_said_again() {
        let (mut repeats, ladder) = (Repeats::default(), Ladder::default());
        let id = ChildId::Upstream(name("a"));
        for _ in 0..2 {
            for expected in [Some(1), Some(2), None, Some(4), None] {
                assert_eq!(repeats.failed(&id, "x", &ladder), expected);
                assert_eq!(repeats.is_silent(&id), expected.is_none());
            }
            repeats.status_changed(&id, Some(&ready()));
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        repeats.status_changed(&id, None);
        assert_eq!(repeats.failed(&id, "x", &ladder), Some(1));
    }
}
