//! What root's children are called.

use crate::ids::ServerName;
use crate::tree::upstream::UpstreamHandle;

/// What a child of root is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChildId {
    /// The config actor.
    Config,
    /// The registry.
    Registry,
    /// A configured server.
    Upstream(ServerName),
    /// A session's own instance of a configured server, by the session's serial number.
    Instance(ServerName, u64),
    /// The sessions' supervisor.
    Sessions,
    /// The listener.
    Listener,
}

impl ChildId {
    pub(super) fn of(upstream: &UpstreamHandle) -> Self {
        let server = upstream.server().clone();
        match upstream.session() {
            None => Self::Upstream(server),
            Some(session) => Self::Instance(server, session),
        }
    }
}
