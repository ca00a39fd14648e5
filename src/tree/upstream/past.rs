//! What former lives of a server taught: its next one is not asked what ended or puzzled those. It is
//! forgotten with the server's entry.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::protocol::mcp::item::Kind;

/// One for all lives under one entry, instances for sessions included.
#[derive(Debug, Default)]
pub(crate) struct Past {
    revision: OnceLock<&'static str>,
    /// Bits of [`Kind`]: lists that were asked for undeclared, and those that came.
    tried: AtomicU8,
    found: AtomicU8,
}

impl Past {
    /// The revision to begin with, if the latest was refused.
    pub(super) fn revision(&self) -> Option<&'static str> {
        self.revision.get().copied()
    }

    /// Whether that list was asked for undeclared and has never come, be it that its server died.
    pub(super) fn lacks(&self, kind: Kind) -> bool {
        let found = self.found.load(Ordering::Relaxed);
        self.tried.load(Ordering::Relaxed) & !found & bit(kind) != 0
    }

    pub(super) fn tries(&self, kind: Kind) {
        self.tried.fetch_or(bit(kind), Ordering::Relaxed);
    }

    pub(super) fn has(&self, kind: Kind) {
        self.found.fetch_or(bit(kind), Ordering::Relaxed);
    }

    /// The first that is named stands.
    pub(super) fn learn_revision(&self, named: &'static str) {
        self.revision.get_or_init(|| named);
    }
}

fn bit(kind: Kind) -> u8 {
    1 << (kind as u8)
}
