//! The sessions' own instances of servers with `isolation: "session"`: started when a session
//! asks for one, under the same ladder as the configured servers, and ended with the session or
//! with what its entry allows. Told about to the session alone; no configuration names them, so
//! they count neither in `reload:` nor for the boot latch.
//!
//! Whose session has ended or has no use for them, whose sessions' supervisor was restarted, is an
//! owner no more; an instance without an owner is removed. A session's wish never comes after the word of its end:
//! the session has sent the one before it ends, and the sessions' supervisor sends the other when
//! it has seen the end. Only what is said in a former life of that supervisor has no such order,
//! and is recognised by that life.

use std::collections::HashMap;
use std::sync::Arc;

use super::ChildId;
use super::actor::RootState;
use super::host::{ChildSpec, RootHost};
use crate::config::model::{Config, Entry, Isolation, ServerSpec};
use crate::ids::{Generation, ServerName};
use crate::supervise::{Spawn, Status};
use crate::tree::client::{News, Owner};
use crate::tree::edge::Edge;
use crate::tree::registry::RouteState;

impl<S: Spawn, E: Edge> RootState<S, E> {
    pub(super) fn on_instance_wanted(
        &mut self,
        server: ServerName,
        owner: Owner,
        life: Generation,
    ) {
        if life != self.supervisor.host().life {
            return log::debug!("{owner:?} wants '{server}', but has gone with its supervisor");
        }
        match self.spec(&server).cloned() {
            Some(spec) if spec.isolation == Isolation::Session => {
                let session = owner.session;
                let id = ChildId::Instance(server.clone(), session);
                if let Err(why) = self.room_for(&id) {
                    return owner.client.tell(News::NoRoom { server, why });
                }
                self.supervisor.host_mut().owners.insert(session, owner);
                self.start_instance(id, spec);
            }
            Some(_) | None => {
                let state = None;
                owner.client.tell(News::Instance { server, state });
            }
        }
    }

    /// Whether one more instance may run. Those that are being stopped still count: their
    /// processes are there.
    fn room_for(&self, id: &ChildId) -> Result<(), Box<str>> {
        let added = self.supervisor.roster().added();
        let is_instance = |id: &&ChildId| matches!(id, ChildId::Instance(..));
        let most = self.supervisor.host().limits().max_instances;
        if added.contains(id) || added.iter().filter(is_instance).count() < most {
            return Ok(());
        }
        Err(format!("busy: {most} sessions' own instances of servers run already").into())
    }

    pub(super) fn disown(&mut self, session: u64) {
        self.supervisor.host_mut().owners.remove(&session);
    }

    /// Ends the instances that belong to nobody (any more).
    pub(super) fn remove_orphans(&mut self) {
        let (host, added) = (self.supervisor.host(), self.supervisor.roster().added());
        let is_orphan = |id: &&ChildId| host.is_orphan(id);
        for id in added.iter().filter(is_orphan).cloned().collect::<Vec<_>>() {
            self.supervisor.remove(&id);
        }
    }

    /// Restarts the instances whose entry has changed and ends those whose entry is gone or
    /// isolated no more. One whose entry became wrong stays as it is.
    pub(super) fn review_instances(&mut self, config: &Config) {
        let entries: HashMap<&ServerName, &Entry> = config
            .servers
            .iter()
            .map(|entry| (entry.name(), entry))
            .collect();
        for id in self.supervisor.roster().added().to_vec() {
            let ChildId::Instance(server, _) = &id else {
                continue;
            };
            match entries.get(server) {
                Some(Entry::Run(spec)) if spec.isolation == Isolation::Session => {
                    self.start_instance(id, Arc::clone(spec));
                }
                Some(Entry::Refused(_)) => {}
                Some(Entry::Run(_) | Entry::Disabled(_)) | None => self.supervisor.remove(&id),
            }
        }
    }

    fn start_instance(&mut self, id: ChildId, spec: Arc<ServerSpec>) {
        let start_deadline = spec.start_timeout;
        let spec = ChildSpec::Upstream(spec);
        self.supervisor.add(id, spec, start_deadline);
    }
}

impl<S, E> RootHost<S, E> {
    /// Whether it is an instance that belongs to nobody (any more).
    pub(super) fn is_orphan(&self, id: &ChildId) -> bool {
        matches!(id, ChildId::Instance(_, session) if !self.owners.contains_key(session))
    }

    /// What the log calls a child.
    pub(super) fn label(&self, id: &ChildId) -> String {
        match id {
            ChildId::Upstream(server) => format!("Server '{server}'"),
            ChildId::Instance(server, session) => match self.owners.get(session) {
                Some(owner) => format!("Server '{server}' ({owner:?})"),
                None => format!("Server '{server}' (of a session that uses it no more)"),
            },
            ChildId::Config | ChildId::Registry | ChildId::Sessions | ChildId::Listener => {
                format!("The {id:?} actor")
            }
        }
    }

    /// Tells a session what became of its instance. That it is ready, its own catalogue says.
    pub(super) fn instance_changed(
        &self,
        server: &ServerName,
        session: u64,
        status: Option<&Status>,
    ) {
        let Some(owner) = self.owners.get(&session) else {
            return;
        };
        let state = match status {
            Some(Status::Ready { .. }) => return,
            Some(Status::Backoff {
                first_step: false,
                last,
                until,
                ..
            }) => Some(RouteState::Down {
                why: last.text.clone(),
                next_try: *until,
            }),
            Some(
                Status::Queued
                | Status::Starting { .. }
                | Status::Backoff { .. }
                | Status::Stopping { .. }
                | Status::Stopped,
            ) => Some(RouteState::Starting),
            None => None,
        };
        let server = server.clone();
        owner.client.tell(News::Instance { server, state });
    }
}
