//! How long the lists are good of a server that does not say when they change (MCP 2026-07-28, "Caching":
//! `ttlMs`). They are asked for again when a client wants one that is older. Part of [`super::lists`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::lifecycle::Changes;

/// When each list of one server is too old.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    told: Changes,
    stale_at: BTreeMap<Kind, Instant>,
}

impl Freshness {
    /// The server tells of these lists when they change: they never grow old.
    pub(super) fn new(told: Changes) -> Self {
        Self {
            told,
            stale_at: BTreeMap::new(),
        }
    }

    /// A list has come; its last page said how long it is good.
    pub(super) fn came(&mut self, now: Instant, kind: Kind, ttl: Option<Duration>) {
        let until = ttl.filter(|ttl| !ttl.is_zero() && !self.is_told(kind));
        match until.and_then(|ttl| now.checked_add(ttl)) {
            Some(until) => self.stale_at.insert(kind, until),
            None => self.stale_at.remove(&kind),
        };
    }

    /// Whether the server tells of this list. Templates have no word of their own.
    fn is_told(&self, kind: Kind) -> bool {
        match kind {
            Kind::Tools => self.told.tools,
            Kind::Prompts => self.told.prompts,
            Kind::Resources | Kind::Templates => self.told.resources,
        }
    }

    /// The lists that grow old.
    pub(super) fn aging(&self) -> BTreeSet<Kind> {
        self.stale_at.keys().copied().collect()
    }

    /// Whether a list is older than it is good.
    pub(super) fn is_stale(&self, now: Instant, kind: Kind) -> bool {
        self.stale_at.get(&kind).is_some_and(|until| *until <= now)
    }
}
