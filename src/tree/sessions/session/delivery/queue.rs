//! The watch over what is queued for the client: one that reads nothing for too long, with a full
//! queue, has its session ended.

use std::time::Duration;

use tokio::time::Instant;

use super::super::state::SessionState;

/// How often it is looked, at least, whether a client with a full queue has taken anything.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// The watch.
#[derive(Default)]
pub(in super::super) struct QueueWatch {
    check: Option<Instant>,
    /// How many notifications found no room.
    pub(in super::super) dropped: u64,
}

impl QueueWatch {
    /// When it is looked again.
    pub(in super::super) fn next_deadline(&self) -> Option<Instant> {
        self.check
    }
}

impl SessionState {
    pub(in super::super) fn watch_queue(&mut self) {
        if self.streams.may_be_full() && self.queue.check.is_none() {
            self.check_queue_later();
        }
    }

    fn check_queue_later(&mut self) {
        let pause = CHECK_EVERY.min(self.limits.slow_client_timeout);
        self.queue.check = Some(Instant::now() + pause);
    }

    /// Looks whether the client has taken anything, if it is time.
    pub(in super::super) fn check_queue(&mut self, now: Instant) {
        if self.queue.check.take_if(|at| *at <= now).is_none() || !self.streams.may_be_full() {
            return;
        }
        let patience = self.limits.slow_client_timeout;
        if self.streams.is_full() && self.streams.stalled_for() >= patience {
            log::warn!(
                "{:?} is ended: its client has read nothing for {} s and its queue is full",
                self.id,
                patience.as_secs_f32()
            );
            self.streams.cut();
            return self.end("its client does not read");
        }
        self.check_queue_later();
    }
}
