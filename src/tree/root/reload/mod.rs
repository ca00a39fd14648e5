//! What a configuration changes: it is taken field by field, and the log has a line about it.

mod changes;
mod idle_timeouts;
mod limits;
mod profiles;
mod serving;
mod wanted;

pub use changes::Changes;
use changes::named;
pub(super) use profiles::Shown;
pub(super) use serving::Offered;
pub(in crate::tree) use wanted::configured;
use wanted::wish;

use super::actor::RootState;
use super::child_id::ChildId;
use super::hooks::{ChildSpec, RootHooks};
use super::shutdown::Phase;
use crate::config::model::{Config, Entry};
use crate::ids::ServerName;
use crate::supervise::Diff;
use crate::tree::registry::ConfiguredServer;

impl RootState {
    /// Takes a configuration. One that can't be used changes nothing; at the very start there is
    /// nothing to keep, and the tree goes on without servers.
    pub(super) fn on_configured(&mut self, config: Option<Config>, retry: bool) {
        if self.shutdown.phase != Phase::Running {
            return;
        }
        let changes = self.configure(config, retry);
        self.readings.send_modify(|reading| {
            reading.count += 1;
            reading.changes = changes;
        });
    }

    fn configure(&mut self, config: Option<Config>, retry: bool) -> Option<Changes> {
        let Some(mut config) = config else {
            if !self.is_configured {
                self.begin_unconfigured();
            }
            return None;
        };
        self.keep_starts(&mut config);
        let limits = self.take_limits(&config.limits);
        let hooks = self.supervisor.hooks_mut();
        hooks.naming = config.names.unwrap_or(hooks.naming);
        hooks.take_budget(config.instructions_budget);
        let entries = config.servers.iter();
        let wanted: Vec<ConfiguredServer> =
            entries.filter_map(|entry| hooks.wish_for(entry)).collect();
        let seen_anew = hooks.seen_anew(&wanted);
        self.take_offer(config.offer, &wanted);
        self.take_profiles(&config.profiles);
        self.begin_with(&wanted);
        let hooks = self.supervisor.hooks_mut();
        hooks.tell_wanted(wanted);
        hooks.book.configured(&config);
        let left_out = left_out(&config);
        let rested_anew = self.take_idle_timeouts(&config.servers);
        self.review_instances(&config);
        let wishes = config.servers.into_iter().filter_map(wish).collect();
        let diff = self.supervisor.want(wishes, retry);
        self.supervisor.hooks_mut().forget_definitions(&diff);
        let mut changes = Changes::of(&diff, seen_anew, limits);
        changes.rested_anew = rested_anew;
        if !self.is_configured {
            let count = diff.added.len();
            let plural = if count == 1 { "" } else { "s" };
            let text = format!("configuration: {count} server{plural}, {left_out}");
            log::info!("{text}");
            let events = &mut self.supervisor.hooks_mut().book.events;
            events.note(None, "configuration", &text);
        } else if retry || !diff.is_empty() {
            let text = changes.to_string();
            log::info!("{text}");
            let hooks = self.supervisor.hooks_mut();
            hooks.book.events.note(None, "reload", &text);
            // Whoever did that looks whether it helped.
            hooks.say_failures_again();
        }
        if let Some(seen_anew) = &changes.seen_anew {
            log::info!(
                "reload: clients see something else, and nothing is restarted for it: {seen_anew}"
            );
        }
        if let Some(rested_anew) = &changes.rested_anew {
            log::info!("reload: nothing is restarted for it: {rested_anew}");
        }
        if self.is_configured {
            self.supervisor.hooks().settings.metrics.reloaded();
        }
        self.is_configured = true;
        self.readiness.release("configuration");
        Some(changes)
    }
}

impl RootHooks {
    fn take_budget(&mut self, budget: Option<usize>) {
        let Some(budget) = budget.filter(|budget| *budget != self.budget) else {
            return;
        };
        let before = std::mem::replace(&mut self.budget, budget);
        log::info!("gateway: instructions_budget {before} -> {budget}");
        if let Some(registry) = &self.registry {
            registry.budget(budget);
        }
    }

    /// What was said of what these servers offer was of other entries.
    fn forget_definitions(&mut self, diff: &Diff<ChildId, ChildSpec>) {
        let changed = diff.changed.iter().filter_map(|(id, _, _)| match id {
            ChildId::Upstream(server) => Some(server),
            ChildId::Instance(..)
            | ChildId::Config
            | ChildId::Registry
            | ChildId::Sessions
            | ChildId::Listener => None,
        });
        self.definitions.touch(changed, self.routes.as_deref());
    }

    /// What the registry has to know of an entry. A refused one stays what it was, also to clients.
    fn wish_for(&self, entry: &Entry) -> Option<ConfiguredServer> {
        let (spec, view) = match entry {
            Entry::Run(spec, view) => (spec, view),
            Entry::Disabled(_) => return None,
            Entry::Refused(name) => return self.former(name).cloned(),
        };
        Some(configured(spec, view, self.naming))
    }

    fn former(&self, server: &ServerName) -> Option<&ConfiguredServer> {
        let mut wanted = self.wanted.iter().flatten();
        wanted.find(|wanted| wanted.server == *server)
    }

    /// Of which servers clients see something else than before: `github: tools`.
    fn seen_anew(&self, wanted: &[ConfiguredServer]) -> Option<String> {
        let differing = wanted.iter().filter_map(|wanted| {
            let former = self.former(&wanted.server)?;
            let fields = wanted.view.differences(&former.view);
            let fields = Some(fields).filter(|fields| !fields.is_empty())?;
            Some(format!("{}: {}", wanted.server, fields.join(" ")))
        });
        named(differing)
    }
}

/// `1 disabled`, `1 disabled, 2 refused`
fn left_out(config: &Config) -> String {
    let count = |is: fn(&&Entry) -> bool| config.servers.iter().filter(is).count();
    let disabled = count(|entry| matches!(entry, Entry::Disabled(_)));
    let refused = count(|entry| matches!(entry, Entry::Refused(_))) + config.nameless.len();
    match refused {
        0 => format!("{disabled} disabled"),
        _ => format!("{disabled} disabled, {refused} refused"),
    }
}
