//! What former lives of a server taught: its next one is not asked what ended or puzzled those. It is
//! forgotten with the server's entry.

use std::sync::OnceLock;

/// One for all lives under one entry, instances for sessions included.
#[derive(Debug, Default)]
pub(crate) struct Past {
    revision: OnceLock<&'static str>,
}

impl Past {
    /// The revision to begin with, if the latest was refused.
    pub(super) fn revision(&self) -> Option<&'static str> {
        self.revision.get().copied()
    }

    /// The first that is named stands.
    pub(super) fn learn_revision(&self, named: &'static str) {
        self.revision.get_or_init(|| named);
    }
}
