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
use std::time::Duration;

use super::ChildId;
use super::actor::RootState;
use super::hooks::{ChildSpec, RootHooks};
use crate::config::model::{Config, Entry, Isolation, ServerSpec};
use crate::ids::{Generation, ServerName};
use crate::supervise::Status;
use crate::tree::client::{InstanceOwner, SessionEvent};
use crate::tree::registry::RouteState;
use crate::tree::shares::{Rest, who_makes_room};

/// An instance whose session has not said a word for so long makes room for any other.
const UNUSED: Duration = Duration::from_secs(60);

impl RootState {
    pub(super) fn on_instance_wanted(
        &mut self,
        server: ServerName,
        owner: InstanceOwner,
        life: Generation,
    ) {
        if life != self.supervisor.hooks().life {
            return log::debug!("{owner:?} wants '{server}', but has gone with its supervisor");
        }
        match self.spec(&server).cloned() {
            Some(spec) if spec.isolation == Isolation::Session => {
                let session = owner.session;
                let id = ChildId::Instance(server.clone(), session);
                if let Err(why) = self.make_room(&id, &owner) {
                    return owner.client.tell(SessionEvent::NoRoom { server, why });
                }
                self.supervisor.hooks_mut().owners.insert(session, owner);
                self.start_instance(id.clone(), spec);
                self.supervisor.decide(|children| children.rouse(&id));
            }
            Some(_) | None => {
                let state = None;
                owner.client.tell(SessionEvent::Instance { server, state });
            }
        }
    }

    /// Sees to it that one more instance may run, if there is one that makes room for it.
    fn make_room(&mut self, id: &ChildId, asker: &InstanceOwner) -> Result<(), Box<str>> {
        let (hooks, added) = (self.supervisor.hooks(), self.supervisor.children().added());
        if added.contains(id) {
            return Ok(());
        }
        let most = hooks.limits().max_instances;
        let busy = || format!("busy: {most} sessions' own instances of servers run already").into();
        let wanted = added.iter().filter(|id| is_instance(id));
        // Those that are being stopped have their processes still.
        let unborn = wanted
            .clone()
            .filter(|id| !hooks.upstreams.contains_key(id));
        let living = hooks.upstreams.keys().filter(|id| is_instance(id));
        if living.count() + unborn.count() >= most + most.div_ceil(8) {
            return Err(busy());
        }
        if wanted.clone().count() < most {
            return Ok(());
        }
        let is_asleep = |id: &&ChildId| {
            let status = self.supervisor.status(id);
            let sleeps = |status| {
                matches!(
                    status,
                    Status::Asleep | Status::Stopping { sleeps: true, .. }
                )
            };
            status.is_some_and(sleeps)
        };
        let asleep = wanted.clone().find(is_asleep).cloned();
        let held = wanted.filter_map(|id| hooks.held(id));
        let held = held.map(|(owner, rest, id)| {
            let is_own = owner.session == asker.session;
            let rest = if is_own { Rest::Busy } else { rest };
            (owner.client.holder(), rest, id.clone())
        });
        // It loses nothing: its next use would start a process anyhow.
        let gone = asleep.or_else(|| who_makes_room(held.collect(), asker.client.holder()));
        let gone = gone.ok_or_else(busy)?;
        if let ChildId::Instance(server, session) = &gone
            && let Some(owner) = hooks.owners.get(session)
        {
            let why = format!("busy: the instance of '{server}' has made room for another's");
            let (server, why) = (server.clone(), why.into());
            owner.client.tell(SessionEvent::NoRoom { server, why });
        }
        self.supervisor.remove(&gone);
        Ok(())
    }

    pub(super) fn disown(&mut self, session: u64) {
        self.supervisor.hooks_mut().owners.remove(&session);
    }

    /// Ends the instances that belong to nobody (any more).
    pub(super) fn remove_orphans(&mut self) {
        let (hooks, added) = (self.supervisor.hooks(), self.supervisor.children().added());
        let is_orphan = |id: &&ChildId| hooks.is_orphan(id);
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
        for id in self.supervisor.children().added().to_vec() {
            let ChildId::Instance(server, _) = &id else {
                continue;
            };
            match entries.get(server) {
                Some(Entry::Run(spec, _)) if spec.isolation == Isolation::Session => {
                    self.start_instance(id, Arc::clone(spec));
                }
                Some(Entry::Refused(_)) => {}
                Some(Entry::Run(..) | Entry::Disabled(_)) | None => self.supervisor.remove(&id),
            }
        }
    }

    fn start_instance(&mut self, id: ChildId, spec: Arc<ServerSpec>) {
        let start_deadline = spec.start_timeout;
        let spec = ChildSpec::Upstream(spec);
        self.supervisor.add(id, spec, start_deadline);
    }
}

fn is_instance(id: &ChildId) -> bool {
    matches!(id, ChildId::Instance(..))
}

impl RootHooks {
    /// Whose instance it is, and whether its session has a use for it now. One that was used just
    /// now is taken from who holds most only: others would start theirs again and again.
    fn held<'a>(&'a self, id: &'a ChildId) -> Option<(&'a InstanceOwner, Rest, &'a ChildId)> {
        let ChildId::Instance(_, session) = id else {
            return None;
        };
        let owner = self.owners.get(session)?;
        let rest = match owner.client.rest() {
            Rest::Busy => Rest::Busy,
            Rest::Quiet(unused) | Rest::Idle(unused) if unused >= UNUSED => Rest::Idle(unused),
            Rest::Quiet(unused) | Rest::Idle(unused) => Rest::Quiet(unused),
        };
        Some((owner, rest, id))
    }

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
                why: last.to_string(),
                next_try: *until,
            }),
            Some(Status::Asleep | Status::Stopping { sleeps: true, .. }) => {
                let child = ChildId::Instance(server.clone(), session);
                let alarm = self.root.alarm(&child);
                Some(RouteState::Asleep { alarm })
            }
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
        owner.client.tell(SessionEvent::Instance { server, state });
    }
}
