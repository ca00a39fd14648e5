//! What root tells of one server, and of the tools of all: from the table that it was sent last.

use std::sync::Arc;

use bytes::Bytes;
use ractor::RpcReplyPort;

use super::actor::RootState;
use super::status::ServerStatus;
use crate::config::model::OnChangedTools;
use crate::ids::ServerName;
use crate::tree::history::ServerHistory;
use crate::tree::registry::{Approval, Held};

/// One server, as the status has it, and more.
#[derive(Debug, Clone)]
pub struct ServerDetail {
    /// What the status says of it.
    pub status: ServerStatus,
    /// Its tools as clients are told of them, each a raw object.
    pub tools: Vec<Bytes>,
    /// What of its tools is held back; `None` where nothing ever is.
    pub held: Option<Arc<Vec<Held>>>,
    /// What is remembered of it.
    pub history: Arc<ServerHistory>,
}

/// The tools of one server as clients are told of them, each a raw object.
#[derive(Debug, Clone)]
pub struct ServerTools {
    /// Its name.
    pub server: ServerName,
    /// The tools.
    pub tools: Vec<Bytes>,
}

impl RootState {
    pub(super) fn on_get_server(
        &mut self,
        name: &ServerName,
        reply: RpcReplyPort<Option<ServerDetail>>,
    ) {
        let detail = self.server_status(name).map(|status| ServerDetail {
            status,
            tools: self.tools_of(name),
            held: self.held_of(name),
            history: self.supervisor.hooks_mut().book.history(name),
        });
        if reply.send(detail).is_err() {
            log::debug!("who asked for a server has gone");
        }
    }

    pub(super) fn on_get_tools(&self, reply: RpcReplyPort<Vec<ServerTools>>) {
        let merged = self.supervisor.hooks().routes.as_ref();
        let sources = merged.into_iter().flat_map(|routes| &routes.merged.sources);
        let tools = sources.map(|source| ServerTools {
            server: source.server.clone(),
            tools: self.tools_of(&source.server),
        });
        if reply.send(tools.collect()).is_err() {
            log::debug!("who asked for the tools has gone");
        }
    }

    /// Without a registry, for a moment, the reply port is dropped, which says so.
    pub(super) fn on_approve(
        &self,
        server: ServerName,
        digest: String,
        reply: RpcReplyPort<Approval>,
    ) {
        if let Some(registry) = &self.supervisor.hooks().registry {
            registry.approve(server, digest, reply);
        }
    }

    fn held_of(&self, name: &ServerName) -> Option<Arc<Vec<Held>>> {
        let source = self.supervisor.hooks().routes.as_ref()?;
        let source = source.merged.source(name)?;
        let holds = source.view.on_changed_tools == OnChangedTools::Hold;
        holds.then(|| Arc::clone(&source.held))
    }

    fn tools_of(&self, name: &ServerName) -> Vec<Bytes> {
        let routes = self.supervisor.hooks().routes.as_ref();
        routes.map_or_else(Vec::new, |routes| routes.merged.tools_of(name))
    }
}
