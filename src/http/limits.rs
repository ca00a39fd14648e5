//! The settings as they are when a connection has its next request.

use crate::config::model::Limits;
use std::cell::RefCell;
use std::sync::Arc;
use tokio::sync::watch;

/// One connection's own copy of the settings. Whether they have changed is one atomic read.
pub(super) struct Current(RefCell<(watch::Receiver<Arc<Limits>>, Arc<Limits>)>);

impl Current {
    pub(super) fn new(mut limits: watch::Receiver<Arc<Limits>>) -> Self {
        let now = limits.borrow_and_update().clone();
        Self(RefCell::new((limits, now)))
    }

    /// The settings as they are now.
    pub(super) fn now(&self) -> Arc<Limits> {
        let (limits, now) = &mut *self.0.borrow_mut();
        if limits.has_changed().unwrap_or(false) {
            *now = limits.borrow_and_update().clone();
        }
        now.clone()
    }
}
