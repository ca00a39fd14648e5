//! What holds on the port: the times that are no settings, and the settings as they are when a
//! connection has its next request.

use crate::config::model;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The times that nobody sets. Tests shorten them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a POST of Streamable HTTP waits for its answer before the reply becomes an event
    /// stream: shorter than what proxies take for a dead server.
    pub stream_after: Duration,
    /// Time for open connections to end by themselves when the listener stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stream_after: Duration::from_secs(15),
            drain: Duration::from_millis(500),
        }
    }
}

/// One connection's own copy of the settings. Whether they have changed is one atomic read.
pub(super) struct Current(RefCell<(watch::Receiver<Arc<model::Limits>>, Arc<model::Limits>)>);

impl Current {
    pub(super) fn new(mut limits: watch::Receiver<Arc<model::Limits>>) -> Self {
        let now = limits.borrow_and_update().clone();
        Self(RefCell::new((limits, now)))
    }

    /// The settings as they are now.
    pub(super) fn now(&self) -> Arc<model::Limits> {
        let (limits, now) = &mut *self.0.borrow_mut();
        if limits.has_changed().unwrap_or(false) {
            *now = limits.borrow_and_update().clone();
        }
        now.clone()
    }
}
