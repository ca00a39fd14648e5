//! The latch behind `/readyz`: each part of the start releases its own name once, nobody polls.
//! The parts are held by root and main, the answer is read by `http`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ready when every part was released, until the stop begins. Clones are the same latch.
#[derive(Debug, Clone)]
pub struct Readiness {
    latch: Arc<Latch>,
}

#[derive(Debug)]
struct Latch {
    parts: Vec<(&'static str, AtomicBool)>,
    stopping: AtomicBool,
    leaving: AtomicBool,
}

impl Readiness {
    /// A latch that waits for `parts`; without any it is ready at once.
    #[must_use]
    pub fn new(parts: &[&'static str]) -> Self {
        let parts = parts.iter().map(|p| (*p, AtomicBool::new(false))).collect();
        Self {
            latch: Arc::new(Latch {
                parts,
                stopping: AtomicBool::new(false),
                leaving: AtomicBool::new(false),
            }),
        }
    }

    /// Releases one part. A second time is harmless: a part that was restarted says it again.
    pub fn release(&self, part: &str) {
        let found = self.latch.parts.iter().find(|(name, _)| *name == part);
        debug_assert!(found.is_some(), "the readiness has no part '{part}'");
        if let Some((_, released)) = found {
            released.store(true, Ordering::Release);
        }
    }

    /// Every part was released and the stop has not begun.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_stopping() && self.latch.parts.iter().all(is_released)
    }

    /// The parts that were not released yet, in the order they were given.
    #[must_use]
    pub fn waiting(&self) -> Vec<&'static str> {
        let held = self.latch.parts.iter().filter(|part| !is_released(part));
        held.map(|(name, _)| *name).collect()
    }

    /// The stop begins: unready from here on, whatever is still released.
    pub fn stopping(&self) {
        self.latch.stopping.store(true, Ordering::Release);
    }

    /// The stop begins, and clients are to go to other gateways first.
    pub fn leaving(&self) {
        self.stopping();
        self.latch.leaving.store(true, Ordering::Release);
    }

    /// Whether they are.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.latch.leaving.load(Ordering::Acquire)
    }

    /// Whether the stop has begun.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.latch.stopping.load(Ordering::Acquire)
    }
}

fn is_released((_, released): &(&'static str, AtomicBool)) -> bool {
    released.load(Ordering::Acquire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_the_last_part_is_released() {
        let readiness = Readiness::new(&["configuration", "boot latch"]);
        let elsewhere = readiness.clone();
        assert_eq!(readiness.waiting(), ["configuration", "boot latch"]);
        elsewhere.release("boot latch");
        assert!(!readiness.is_ready());
        assert_eq!(readiness.waiting(), ["configuration"]);
        elsewhere.release("configuration");
        elsewhere.release("configuration");
        assert!(readiness.is_ready());
        assert!(readiness.waiting().is_empty());
    }

    #[test]
    fn a_stop_is_for_good() {
        let readiness = Readiness::new(&["configuration"]);
        readiness.stopping();
        readiness.release("configuration");
        assert!(!readiness.is_ready() && readiness.is_stopping());
        assert!(Readiness::new(&[]).is_ready());
    }
}
