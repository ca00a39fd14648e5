//! What the two ends of one request's stream share: how much waits in it, and how it is cut.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::super::delivery::load::SessionLoad;
use crate::config::model::Limits;
use crate::telemetry::metrics::Metrics;

/// Both.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) load: SessionLoad,
    cut: OnceLock<Arc<Notify>>,
}

impl Line {
    /// Nothing waits. As much may as for a session.
    pub(super) fn new(limits: &Limits, metrics: &Metrics) -> Arc<Self> {
        Arc::new(Self {
            load: SessionLoad::new(limits, metrics.outgoing()),
            cut: OnceLock::new(),
        })
    }

    /// What is notified when the client does not read: whoever writes to it may be stuck.
    pub(super) fn cut_with(&self, cut: Arc<Notify>) {
        if self.cut.set(cut).is_err() {
            log::debug!("a request has its way to be cut already");
        }
    }

    /// Ends the stream without its reader's help.
    pub(super) fn cut(&self) {
        if let Some(cut) = self.cut.get() {
            cut.notify_one();
        }
    }
}
