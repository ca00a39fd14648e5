//! A message to oneself, later. It is withdrawn when its owner drops it, so that nothing outlives
//! an actor's state.

use std::time::Duration;

use ractor::concurrency::JoinHandle;
use ractor::{ActorRef, Message, MessagingErr};

/// A pending message.
pub(in crate::tree) struct Timer<M: Message>(JoinHandle<Result<(), MessagingErr<M>>>);

impl<M: Message> Timer<M> {
    /// Sends `message` to `actor` after `delay`, unless the timer is dropped before.
    pub(in crate::tree) fn after(
        actor: &ActorRef<M>,
        delay: Duration,
        message: impl FnOnce() -> M + Send + 'static,
    ) -> Self {
        Self(actor.send_after(delay, message))
    }
}

impl<M: Message> Drop for Timer<M> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
