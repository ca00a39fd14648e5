//! The books of the model test: its instances, and what it knows of a wanted child.

use super::*;

#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) id: u8,
    pub(super) generation: Generation,
    pub(super) asked: bool,
    pub(super) ready: Option<Instant>,
    /// Until when it holds a start slot.
    pub(super) slot_until: Option<Instant>,
}

/// What the model knows of a wanted child.
#[derive(Debug, Clone)]
pub(super) struct Book {
    pub(super) spec: u32,
    pub(super) was_started: bool,
    pub(super) was_ready: bool,
    pub(super) failures: u32,
    pub(super) timeouts: u32,
    pub(super) not_before: Instant,
    /// Whether it sleeps, or will when it is gone.
    pub(super) asleep: bool,
}

impl Book {
    /// Nothing is known but its spec.
    pub(super) fn new(spec: u32, now: Instant) -> Self {
        Self {
            spec,
            was_started: false,
            was_ready: false,
            failures: 0,
            timeouts: 0,
            not_before: now,
            asleep: false,
        }
    }
}
