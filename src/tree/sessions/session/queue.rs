//! The watch over what is queued for the client: one that reads nothing for too long, with a full
//! queue, has its session ended.

use std::time::Duration;

use super::message::SessionMsg;
use super::state::SessionState;
use crate::tree::timer::Timer;

/// How often it is looked, at least, whether a client with a full queue has taken anything.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// The watch.
#[derive(Default)]
pub(super) struct QueueWatch {
    check: Option<Timer<SessionMsg>>,
    /// How many notifications found no room.
    pub(super) dropped: u64,
}

impl SessionState {
    pub(super) fn watch_queue(&mut self) {
        if self.streams.may_be_full() && self.queue.check.is_none() {
            self.check_queue_later();
        }
    }

    fn check_queue_later(&mut self) {
        let check = || SessionMsg::CheckOutbox;
        let pause = CHECK_EVERY.min(self.limits.slow_client_timeout);
        self.queue.check = Some(Timer::after(&self.myself, pause, check));
    }

    pub(super) fn on_check_outbox(&mut self) {
        self.queue.check = None;
        if !self.streams.may_be_full() {
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
