//! What goes beyond the core (2026-07-28, basic, "Extensions"): results that only some extension knows,
//! tasks, and methods of extensions that are not known here. Only for clients that declare them.

use bytes::Bytes;

use super::super::delivery::StreamId;
use super::{Conversation, Effects, TaskIds};
use crate::ids::ServerName;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::{ClientRequest, Subject};
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::modern::outcome;
use crate::protocol::modern::tasks::{self, Told};
use crate::tree::registry::{Route, RouteState, Source};

/// So much of a server's words is shown.
const SHOWN: usize = 80;

impl Conversation {
    /// The extensions that the client of a request without a session knows, and what it knows tasks by.
    pub(in super::super) fn declare(&mut self, extensions: Extensions, task_ids: TaskIds) {
        self.declared = extensions.clone();
        self.extensions = extensions;
        self.task_ids = task_ids;
    }

    /// A result of `method` that is none of the core's, as the client takes it; or why it does not.
    pub(super) fn extended(
        &self,
        method: &str,
        server: Option<&ServerName>,
        result: &Bytes,
    ) -> Result<Bytes, String> {
        let kind = outcome::other_type(result).unwrap_or_default();
        let source = server.and_then(|server| self.merged.source(server));
        let name = server.map_or("?", ServerName::as_str);
        let declared = source.and_then(Source::extensions);
        if declared.is_none_or(|declared| !declared.allow(&self.extensions, &kind)) {
            let kind: String = kind.chars().take(SHOWN).collect();
            return Err(format!(
                "server '{name}' answered '{method}' with the result type {kind:?}, which belongs to no \
                 extension that both it and this client declare"
            ));
        }
        if kind != tasks::RESULT {
            return Ok(result.clone());
        }
        let task = Told::read(result).filter(|_| method == method::TOOLS_CALL);
        let task = task.and_then(|task| self.task_ids.outward(name, &task));
        task.ok_or_else(|| {
            format!("server '{name}' answered '{method}' with a task that nobody can ask for")
        })
    }

    /// Where a method leads that only some extension knows: to the one server that takes calls and
    /// declares such an extension.
    pub(super) fn owner_of(&self, request: &ClientRequest) -> Option<Route> {
        let own = |source: &&Source| {
            let declared = source.extensions();
            let is_ready = matches!(
                self.state_of(&source.server),
                Some(RouteState::Ready { .. })
            );
            is_ready && declared.is_some_and(|it| it.may_own(request.own_method()))
        };
        let mut owners = self.merged.sources.iter().filter(own);
        let (first, second) = (owners.next()?, owners.next());
        second.is_none().then(|| Route {
            server: first.server.clone(),
            key: request.key().into(),
        })
    }

    /// Where a task is, by what its client knows it by.
    pub(super) fn find_task(&self, id: &str) -> Option<Route> {
        let own = self.task_ids.opened(id)?;
        self.merged.find(Subject::Task, &own)
    }

    /// A task of `server` has changed.
    pub(super) fn on_task(&mut self, fx: &mut dyn Effects, server: &ServerName, told: &Told) {
        if !self
            .interests
            .has_subscribed(server, &tasks::topic(told.id()))
        {
            return;
        }
        if let Some(params) = self.task_ids.outward(server.as_str(), told) {
            let message = jsonrpc::notification(tasks::CHANGED, Some(&params));
            fx.notify_lossy(server, StreamId::STANDALONE, message);
        }
    }
}
