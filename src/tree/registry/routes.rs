//! The route table: immutable, built by the registry, pushed to root and to every session.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::ids::{Generation, ServerName};
use crate::protocol::mcp::tools::{self, Tool};
use crate::tree::upstream::UpstreamHandle;

/// What one server offers, as it said it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    /// Its tools, in its own order.
    pub tools: Vec<Tool>,
}

impl Catalogue {
    /// Whether both say the same, byte for byte.
    #[must_use]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let mine = self.tools.iter().map(Tool::raw);
        mine.eq(other.tools.iter().map(Tool::raw))
    }
}

/// Whether a server can take calls.
#[derive(Debug, Clone)]
pub(crate) enum RouteState {
    /// It takes calls.
    Ready {
        /// Where to send them.
        handle: UpstreamHandle,
    },
    /// It will soon: calls are parked.
    Starting,
    /// It is waiting for its next start: calls are answered at once.
    Down {
        /// How it ended.
        why: String,
        /// When it is started again.
        next_try: Instant,
    },
}

/// Where a merged tool name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolRoute {
    /// The server that offers it.
    pub server: ServerName,
    /// Its name there.
    pub tool: Box<str>,
}

/// The merged tools: names, and the list as it is sent. Shared by all tables until the merged set changes.
#[derive(Debug)]
pub(crate) struct MergedTools {
    /// Merged name → where it leads.
    pub by_name: HashMap<String, ToolRoute>,
    /// The `tools/list` result, prepared once per change.
    pub list: Bytes,
    /// What it was merged from: a restarted registry goes on from here.
    pub catalogues: HashMap<ServerName, Arc<Catalogue>>,
}

impl Default for MergedTools {
    fn default() -> Self {
        Self {
            by_name: HashMap::new(),
            list: tools::tools_list_result(std::iter::empty()),
            catalogues: HashMap::new(),
        }
    }
}

/// The whole table. A session works from the last one it was sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes {
    /// Grows with every push.
    pub version: u64,
    /// Grows only when the merged set differs from the one before: clients are told then.
    pub catalogue_version: u64,
    /// Whether the boot latch is open: until then the first list and unknown names wait.
    pub is_complete: bool,
    /// What is offered.
    pub tools: Arc<MergedTools>,
    /// Every configured server's state.
    pub servers: HashMap<ServerName, RouteState>,
}

impl RouteState {
    /// The generation that takes calls, if one does.
    #[must_use]
    pub(crate) fn generation(&self) -> Option<Generation> {
        match self {
            Self::Ready { handle } => Some(handle.generation()),
            Self::Starting | Self::Down { .. } => None,
        }
    }
}
