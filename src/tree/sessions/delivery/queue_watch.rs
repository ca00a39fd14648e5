//! The watch over what is queued for the client: one that reads nothing for too long, with a full
//! queue, has its session ended.

use std::time::Duration;

use tokio::time::Instant;

use super::streams::Streams;

/// How often it is looked, at least, whether a client with a full queue has taken anything.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// The watch: when it is looked again.
#[derive(Debug, Default)]
pub(in super::super) struct QueueWatch {
    check: Option<Instant>,
}

impl QueueWatch {
    /// When it is looked again.
    pub(in super::super) fn next_deadline(&self) -> Option<Instant> {
        self.check
    }

    /// Something was queued. The client has `patience` to take it.
    pub(in super::super) fn note(&mut self, streams: &Streams, patience: Duration) {
        if self.check.is_none() && streams.may_be_full() {
            self.check = Some(Instant::now() + CHECK_EVERY.min(patience));
        }
    }

    /// Looks at the queue, if it is time. Gives whether the client has taken nothing for too long.
    pub(in super::super) fn is_stuck(
        &mut self,
        now: Instant,
        streams: &Streams,
        patience: Duration,
    ) -> bool {
        let is_time = self.check.take_if(|at| *at <= now).is_some();
        if !is_time || !streams.may_be_full() {
            return false;
        }
        if streams.is_full() && streams.stalled_for() >= patience {
            return true;
        }
        self.check = Some(now + CHECK_EVERY.min(patience));
        false
    }
}
