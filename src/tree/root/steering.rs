//! What the operator asks of a running tree, over the control socket: that a server is started afresh, that its
//! changed tools are shown, and what became of the configuration's last reading.

use std::time::Duration;

use ractor::{ActorRef, RpcReplyPort};
use serde::Serialize;
use tokio::sync::watch;

use super::actor::RootState;
use super::reload::Changes;
use super::status_handle::{ANSWER, ask};
use super::{ChildId, RootMsg};
use crate::ids::ServerName;
use crate::supervise::Status;
use crate::tree::call::CallError;
use crate::tree::registry::Approval;

/// The configuration has been read and taken, or what could not be used has been found so.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// How often that was so.
    pub count: u64,
    /// What it changed; nothing if all of it could not be used.
    pub changes: Option<Changes>,
}

/// What became of a server that was to be started afresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Restarted {
    /// It takes calls again.
    Ready,
    /// It has failed, and is tried again as ever.
    Failed {
        /// How, in its own or the system's words too: they are the operator's to read.
        why: String,
    },
    /// It is not there any more: the configuration took it away, or the gateway stops.
    Gone,
    /// There is no such server.
    Unknown,
}

/// Asks root, in the operator's name.
#[derive(Clone, Debug)]
pub struct Steering {
    root: ActorRef<RootMsg>,
    readings: watch::Receiver<Reading>,
}

impl Steering {
    pub(in crate::tree) fn new(
        root: ActorRef<RootMsg>,
        readings: watch::Receiver<Reading>,
    ) -> Self {
        Self { root, readings }
    }

    /// What becomes of the configuration, from now on.
    #[must_use]
    pub fn readings(&self) -> watch::Receiver<Reading> {
        self.readings.clone()
    }

    /// Has `server` stopped in order and started, and waits until it is ready, or has failed.
    ///
    /// Errors: `Timeout` if it is still on its way then, `Gone`.
    pub async fn restart(
        &self,
        server: ServerName,
        within: Duration,
    ) -> Result<Restarted, CallError> {
        let restart = |reply| RootMsg::Restart { server, reply };
        ask(&self.root, within, restart).await
    }

    /// Has clients see the tools of `server` as it has them now, if `digest` is that of what is held.
    ///
    /// Errors: `Timeout` if the tree is stuck, `Gone`, for a moment, while the registry is restarted.
    pub async fn approve(&self, server: ServerName, digest: String) -> Result<Approval, CallError> {
        let approve = |reply| RootMsg::Approve {
            server,
            digest,
            reply,
        };
        ask(&self.root, ANSWER, approve).await
    }
}

/// Who waits for which server to be ready.
#[derive(Debug, Default)]
pub(super) struct Restarts(Vec<(ServerName, RpcReplyPort<Restarted>)>);

impl Restarts {
    fn wait(&mut self, server: ServerName, reply: RpcReplyPort<Restarted>) {
        self.0.retain(|(_, reply)| !reply.is_closed());
        self.0.push((server, reply));
    }

    /// Answers those who wait for `server`, if it has come to something.
    pub(super) fn settle(&mut self, server: &ServerName, status: Option<&Status>) {
        let outcome = match status {
            Some(
                Status::Queued | Status::Starting { .. } | Status::Stopping { restarts: true, .. },
            ) => {
                return;
            }
            Some(Status::Ready { .. }) => Restarted::Ready,
            Some(Status::Backoff { last, .. }) => Restarted::Failed {
                why: last.to_string(),
            },
            Some(Status::Asleep | Status::Stopping { .. } | Status::Stopped) | None => {
                Restarted::Gone
            }
        };
        for (_, reply) in self.0.extract_if(.., |(waited, _)| waited == server) {
            answer(reply, outcome.clone());
        }
    }
}

fn answer(reply: RpcReplyPort<Restarted>, outcome: Restarted) {
    if reply.send(outcome).is_err() {
        log::debug!("who asked for a restart has gone");
    }
}

impl RootState {
    /// With the sessions' own instances of it.
    pub(super) fn on_restart(&mut self, server: &ServerName, reply: RpcReplyPort<Restarted>) {
        let id = ChildId::Upstream(server.clone());
        if self.supervisor.children().spec(&id).is_none() {
            return answer(reply, Restarted::Unknown);
        }
        log::info!(server = server.as_str(); "'{server}' is restarted: the operator asked for it");
        let hooks = self.supervisor.hooks_mut();
        hooks.say_failures_again();
        let text = "is restarted: the operator asked for it";
        hooks.book.events.note(Some(server), "restart", text);
        hooks.restarts.wait(server.clone(), reply);
        let is_own = |id: &&ChildId| matches!(id, ChildId::Instance(of, _) if of == server);
        let own: Vec<ChildId> = self
            .supervisor
            .children()
            .added()
            .iter()
            .filter(is_own)
            .cloned()
            .collect();
        for id in own {
            self.supervisor.restart(&id);
        }
        if !self.supervisor.restart(&id) {
            self.supervisor.hooks_mut().restarts.settle(server, None);
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
}
