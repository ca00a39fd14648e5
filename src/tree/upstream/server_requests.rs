//! What a server asks of a client. An instance of a session asks that session's client, within what
//! the client declared; a server for everybody is answered here, because no field says whose the
//! answer would be.

use bytes::Bytes;

use super::dialogue::Effect;
use crate::config::model::{Isolation, ServerSpec};
use crate::ids::ServerName;
use crate::protocol::jsonrpc::{self, Notification, Request, code};
use crate::protocol::mcp::lifecycle::ClientCapabilities;
use crate::protocol::mcp::{method, server_requests};
use crate::protocol::modern::extensions::Extensions;
use crate::tree::client::{InstanceOwner, SessionEvent};

/// Who answers.
#[derive(Debug)]
pub(super) struct ServerRequests {
    server: ServerName,
    owner: Option<InstanceOwner>,
    /// It supplies a catalogue, and does no work that it could have a question about.
    is_template: bool,
    /// What is configured for a server without an owner.
    roots: Vec<String>,
}

impl ServerRequests {
    pub(super) fn new(spec: &ServerSpec, owner: Option<InstanceOwner>) -> Self {
        Self {
            server: spec.name.clone(),
            is_template: owner.is_none() && spec.isolation == Isolation::Session,
            owner,
            roots: spec.roots.clone(),
        }
    }

    /// The session that it belongs to.
    pub(super) fn owner(&self) -> Option<&InstanceOwner> {
        self.owner.as_ref()
    }

    /// The raw answer to `roots/list` that its entry has for all clients.
    pub(super) fn roots(&self) -> Option<Bytes> {
        let has_some = self.owner.is_none() && !self.roots.is_empty();
        has_some.then(|| server_requests::roots_result(&self.roots))
    }

    /// What the server may ask for, as it is told in `initialize`.
    pub(super) fn capabilities(&self) -> ClientCapabilities {
        let none = ClientCapabilities::default();
        match &self.owner {
            Some(owner) => owner.capabilities,
            None if self.is_template => ClientCapabilities::all(),
            None if self.roots.is_empty() => none,
            None => none.with_roots(),
        }
    }

    /// The extensions that it is told of: what its session's client declares, or for all clients MCP
    /// Apps, since servers hide their pages otherwise.
    pub(super) fn extensions(&self) -> Extensions {
        let owner = self.owner.as_ref();
        owner.map_or_else(Extensions::apps, |owner| owner.extensions.clone())
    }

    /// Answers a request of the server's, or passes it on.
    pub(super) fn on_request(&self, request: Request) -> Effect {
        let (id, method) = (&request.id, &*request.method);
        if method == method::PING {
            return Effect::Write(jsonrpc::result(id, b"{}"));
        }
        let capabilities = self.capabilities();
        if !capabilities.allows(method) {
            let is_ask = ClientCapabilities::all().allows(method);
            let missing = capabilities.missing(method, false).filter(|_| is_ask);
            if let (Some(owner), Some(missing)) = (&self.owner, missing) {
                owner.client.tell(SessionEvent::AskedInVain { missing });
            }
            let text = format!("'{method}' is not offered: it was not declared in 'initialize'");
            let error = jsonrpc::error_object(code::METHOD_NOT_FOUND, &text);
            return Effect::Write(jsonrpc::error(Some(id), &error));
        }
        if self.owner.is_some() {
            return Effect::ServerRequest(request);
        }
        if self.is_template {
            let text = "there is no client to ask: this process only says what the server offers";
            let error = jsonrpc::error_object(code::INTERNAL_ERROR, text);
            return Effect::Write(jsonrpc::error(Some(id), &error));
        }
        let roots = server_requests::roots_result(&self.roots);
        Effect::Write(jsonrpc::result(id, &roots))
    }

    /// Passes a notification on that is for the owner's client. `false` if it is none of those.
    pub(super) fn on_notification(&self, notification: &Notification) -> bool {
        let (Some(owner), Some(params)) = (&self.owner, &notification.params) else {
            return false;
        };
        let server = self.server.clone();
        let event = match &*notification.method {
            method::CANCELLED => SessionEvent::ServerRequestCancelled {
                server,
                params: params.clone(),
            },
            method::ELICITATION_COMPLETE => SessionEvent::Notified {
                server,
                notification: jsonrpc::notification(method::ELICITATION_COMPLETE, Some(params)),
            },
            _ => return false,
        };
        owner.client.tell(event);
        true
    }
}
