//! What becomes of the configured servers: who sleeps and wakes, what counts as a restart, and what the
//! registry and the metrics are told.

use super::ChildId;
use super::actor::RootState;
use super::hooks::RootHooks;
use super::status::Standing;
use crate::ids::{Generation, ServerName};
use crate::supervise::Status;
use crate::tree::alarm::Use;
use crate::tree::registry::ServerState;
use crate::tree::upstream::AwakeFor;

impl RootState {
    /// Nobody uses it, and it takes nothing any more: it sleeps from now on.
    pub(super) fn on_unused(&mut self, child: &ChildId, of: Generation) {
        self.supervisor.decide(|children| children.sleep(child, of));
        // It may have been told just then that it is to run always.
        let server = match child {
            ChildId::Upstream(server) | ChildId::Instance(server, _) => server,
            ChildId::Config | ChildId::Registry | ChildId::Sessions | ChildId::Listener => return,
        };
        if self
            .spec(server)
            .is_some_and(|spec| spec.idle_timeout.is_none())
        {
            self.supervisor.decide(|children| children.wake(child));
        }
    }

    /// Somebody has a use for it.
    pub(super) fn on_woken(&mut self, child: &ChildId, why: Use) {
        self.supervisor.decide(|children| match why {
            Use::Call => children.wake(child),
            Use::List => children.rouse(child),
        });
    }

    /// Why a server that may sleep does not, if that is so.
    pub(super) fn awake_for(&self, server: &ServerName, is_awake: bool) -> Vec<AwakeFor> {
        let spec = self.spec(server).filter(|_| is_awake);
        if spec.is_none_or(|spec| spec.idle_timeout.is_none()) {
            return Vec::new();
        }
        let hooks = self.supervisor.hooks();
        let calls = hooks.settings.metrics.server(server).in_flight.get();
        let past = hooks.pasts.get(server);
        let source = hooks.routes.as_ref().map(|routes| &routes.merged);
        let source = source.and_then(|merged| merged.source(server));
        let catalogue = source.and_then(|source| source.catalogue.as_ref());
        let is_unread = catalogue.is_none_or(|known| !known.is_current());
        let mut all = Vec::new();
        all.extend((calls > 0).then_some(AwakeFor::Calls));
        all.extend(past.into_iter().flat_map(|(_, past)| past.held_by()));
        all.extend(is_unread.then_some(AwakeFor::UnreadLists));
        if all.is_empty() {
            all.push(AwakeFor::RecentUse);
        }
        all
    }
}

impl RootHooks {
    /// A server is started. Says whether that counts: who was asleep is only woken.
    pub(super) fn note_start(&mut self, server: &ServerName, generation: Generation) -> bool {
        let slept = self.sleepers.remove(server);
        let former = self.generations.insert(server.clone(), generation);
        let is_restart = former.is_some() && !slept;
        if is_restart {
            let metrics = self.settings.metrics.server(server);
            metrics.figures.restarts.inc();
        }
        former.is_none() || is_restart
    }

    /// Passes on what became of a server. That it is ready, its own catalogue says.
    pub(super) fn server_changed(&mut self, server: &ServerName, status: Option<&Status>) {
        let state = match status {
            Some(Status::Starting { .. }) => ServerState::Starting {
                has_failed: self.failed.contains(server),
            },
            Some(Status::Asleep | Status::Stopping { sleeps: true, .. }) => {
                self.sleepers.insert(server.clone());
                let alarm = self.root.alarm(&ChildId::Upstream(server.clone()));
                ServerState::Asleep { alarm }
            }
            Some(Status::Queued | Status::Stopping { .. } | Status::Stopped) => {
                ServerState::Between { has_failed: false }
            }
            Some(Status::Backoff {
                first_step: true, ..
            }) => ServerState::Between { has_failed: true },
            Some(Status::Backoff { last, until, .. }) => ServerState::Down {
                why: last.to_string(),
                next_try: *until,
            },
            Some(Status::Ready { .. }) => {
                self.states.remove(server);
                return;
            }
            None => {
                self.states.remove(server);
                self.generations.remove(server);
                self.pasts.remove(server);
                self.book.forget(server);
                self.failed.remove(server);
                self.sleepers.remove(server);
                return;
            }
        };
        let generation = self
            .generations
            .get(server)
            .copied()
            .unwrap_or(Generation(0));
        if let Some(registry) = &self.registry {
            registry.server_state(server.clone(), generation, state.clone());
        }
        self.states.insert(server.clone(), (generation, state));
    }

    /// A server is in another state; `None`: it is not configured any more.
    pub(super) fn count_server(&mut self, server: &ServerName, status: Option<&Status>) {
        let metrics = &self.settings.metrics;
        let is_asleep = matches!(
            status,
            Some(Status::Asleep | Status::Stopping { sleeps: true, .. })
        );
        let is_up = is_asleep || matches!(status, Some(Status::Ready { .. }));
        if is_up || status.is_none() {
            self.book.forgive(server);
        }
        match status {
            Some(status) => {
                let metrics = metrics.server(server);
                let is_looping = Standing::of(status) == Standing::CrashLooping;
                metrics.up.set(is_up.into());
                metrics.figures.crash_looping.set(is_looping.into());
                metrics.figures.asleep.set(is_asleep.into());
            }
            None => metrics.forget(server),
        }
    }
}
