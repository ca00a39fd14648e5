//! That the core's books and the model's say the same of everybody, after each step.

use super::*;

impl Model {
    pub(super) fn check_that_nobody_is_lost(&self) {
        for instance in &self.live {
            let (status, generation) = (self.children.status(&instance.id), instance.generation);
            let known = match status {
                Some(Status::Starting { generation, .. } | Status::Ready { generation, .. }) => {
                    assert!(!instance.asked);
                    generation
                }
                Some(Status::Stopping { generation, .. }) => {
                    assert!(instance.asked);
                    generation
                }
                Some(
                    Status::Queued | Status::Asleep | Status::Backoff { .. } | Status::Stopped,
                )
                | None => {
                    panic!("{instance:?} is forgotten: {status:?}")
                }
            };
            assert_eq!(known, generation);
        }
        for id in (0..FIRST).filter(|id| !self.ended && self.wanted.contains_key(id)) {
            match self.children.status(&id).expect("a wanted child is known") {
                Status::Queued => {
                    let holds = |i: &&Instance| i.slot_until.is_some_and(|at| at >= self.now);
                    assert!(
                        self.live.iter().filter(holds).count() >= 4,
                        "{id} waits in vain"
                    );
                }
                Status::Backoff { until, .. } => {
                    let wakes = |t: &&(Instant, Id, Generation, ChildTimer)| {
                        (t.0, t.1, t.3) == (until, id, ChildTimer::Backoff)
                    };
                    assert!(self.armed.iter().any(|t| wakes(&t)), "{id} sleeps for ever");
                }
                Status::Asleep => assert!(self.wanted[&id].asleep, "{id} was woken"),
                Status::Stopping {
                    restarts, sleeps, ..
                } => {
                    assert_ne!(restarts, sleeps, "{id} is lost");
                    assert_eq!(sleeps, self.wanted[&id].asleep, "{id}");
                }
                Status::Starting { .. } | Status::Ready { .. } => {}
                Status::Stopped => panic!("{id} rests though it is wanted"),
            }
        }
        let leaving = |(id, status): (Id, Option<Status>)| match status {
            None => true,
            Some(Status::Stopping { restarts, .. }) => !restarts && !self.wanted.contains_key(&id),
            Some(_) => false,
        };
        let mut unwanted = (0..FIRST).filter(|id| !self.wanted.contains_key(id));
        assert!(unwanted.all(|id| leaving((id, self.children.status(&id)))));
    }
}
