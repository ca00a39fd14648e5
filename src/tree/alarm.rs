//! Wakes a server that sleeps. Whoever has a use for one finds it in the route table, and need not know
//! who starts servers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(test)]
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Why a server is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Somebody waits for it.
    Call,
    /// Nobody knows what it offers.
    List,
}

/// One for each time that a server falls asleep. However many ring, who starts servers is told once: that
/// was said of the sleep before anybody could ring, so it is never too early.
#[derive(Clone)]
pub(crate) struct Alarm(Arc<Clock>);

struct Clock {
    has_rung: AtomicBool,
    wake: Box<dyn Fn(Use) + Send + Sync>,
}

impl Alarm {
    /// `wake` must not wait.
    pub(in crate::tree) fn new(wake: impl Fn(Use) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Clock {
            has_rung: AtomicBool::new(false),
            wake: Box::new(wake),
        }))
    }

    /// One that rings in a test.
    #[cfg(test)]
    pub(in crate::tree) fn in_hand() -> (Self, UnboundedReceiver<Use>) {
        let (rings, rung) = unbounded_channel();
        let alarm = Self::new(move |why| rings.send(why).unwrap_or_default());
        (alarm, rung)
    }

    /// Somebody waits for the server.
    pub(in crate::tree) fn ring(&self) {
        if !self.0.has_rung.swap(true, Ordering::Relaxed) {
            (self.0.wake)(Use::Call);
        }
    }

    /// It is to say what it offers, when there is time.
    pub(in crate::tree) fn ring_for_lists(&self) {
        (self.0.wake)(Use::List);
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_rung = self.0.has_rung.load(Ordering::Relaxed);
        f.write_str(if has_rung { "rung" } else { "set" })
    }
}
