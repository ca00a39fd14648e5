//! Who asks the whole tree for signs of life, and waits for them.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::heartbeat::{Beat, Part};
use super::root::RootHandle;

/// Who has not answered yet is asked again after this: it may be another by then.
const AGAIN: Duration = Duration::from_millis(100);

/// Who sends the beats and hears the answers.
#[derive(Debug, Clone)]
pub struct Pulse(RootHandle);

impl Pulse {
    pub(super) fn new(root: RootHandle) -> Self {
        Self(root)
    }

    /// Returns once every part has answered. `late` is told, once, who has not after `deadline`.
    pub async fn round(&self, deadline: Duration, late: impl FnOnce(&BTreeSet<Part>)) {
        let (sender, mut answers) = mpsc::unbounded_channel();
        let mut missing = BTreeSet::from(Part::ALL);
        let (mut late, deadline) = (Some(late), Instant::now() + deadline);
        let mut beats = interval(AGAIN);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !missing.is_empty() {
            tokio::select! {
                biased;
                Some(part) = answers.recv() => {
                    missing.remove(&part);
                }
                _ = beats.tick() => self.0.beat(Beat::new(sender.clone())),
                () = sleep_until(deadline), if late.is_some() => {
                    if let Some(late) = late.take() {
                        late(&missing);
                    }
                }
            }
        }
    }
}
