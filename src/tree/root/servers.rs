//! What becomes of the configured servers: who sleeps and wakes, what counts as a restart, and what the
//! registry is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ChildId;
use super::actor::RootState;
use super::hooks::RootHooks;
use super::reload::named;
use crate::config::model::{Config, Entry};
use crate::ids::{Generation, ServerName};
use crate::supervise::Status;
use crate::tree::alarm::Use;
use crate::tree::registry::ServerState;

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

    /// A server runs as it did where what is said of that can't be used.
    pub(super) fn keep_starts(&self, config: &mut Config) {
        for entry in &mut config.servers {
            let Entry::Run(spec, _) = entry else {
                continue;
            };
            if spec.is_start_unclear {
                let former = self.spec(&spec.name).map(|former| former.idle_timeout);
                let spec = Arc::make_mut(spec);
                spec.is_start_unclear = false;
                spec.idle_timeout = former.unwrap_or(spec.idle_timeout);
            }
        }
    }

    /// Tells those that run after how long without use they sleep from now on. Gives which differ in nothing
    /// that they are restarted for.
    pub(super) fn take_idle_timeouts(&self, entries: &[Entry]) -> Option<String> {
        let differing = entries.iter().filter_map(|entry| {
            let Entry::Run(spec, _) = entry else {
                return None;
            };
            let former = self.spec(&spec.name)?;
            let is_other = former.idle_timeout != spec.idle_timeout;
            (is_other && !former.needs_restart(spec)).then_some((former, spec))
        });
        let differing: BTreeMap<_, _> = differing
            .map(|(former, spec)| (&spec.name, (former, spec)))
            .collect();
        if differing.is_empty() {
            return None;
        }
        for upstream in self.supervisor.hooks().upstreams.values() {
            if let Some((_, spec)) = differing.get(upstream.server()) {
                upstream.set_idle_timeout(spec.idle_timeout);
            }
        }
        named(differing.into_iter().map(|(name, (former, spec))| {
            format!("{name}: {}", former.differences(spec).join(" "))
        }))
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
}
