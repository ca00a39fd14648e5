//! What a configuration changes: which servers are wanted, what the registry has to know of them, and
//! the log's line about it.

use std::fmt;
use std::iter;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::actor::RootState;
use super::hooks::{ChildSpec, RootHooks};
use super::message::ChildId;
use super::shutdown::Phase;
use crate::config::model::{Config, Entry, Naming, Protocol, Secret, ServerSpec, Target, View};
use crate::ids::ServerName;
use crate::supervise::{Begin, Diff, Want, Wanted};
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

/// `github: tools, fetch: names`, as far as there is room.
pub(super) fn named(servers: impl Iterator<Item = String>) -> Option<String> {
    let mut named: Vec<String> = servers.take(NAMED_AT_MOST + 1).collect();
    if let Some(one_more) = named.get_mut(NAMED_AT_MOST) {
        "…".clone_into(one_more);
    }
    (!named.is_empty()).then(|| named.join(", "))
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

fn wish(entry: Entry) -> Option<Want<ChildId, ChildSpec>> {
    let (name, what) = match entry {
        Entry::Run(spec, _) => {
            let start_deadline = spec.start_timeout;
            let name = spec.name.clone();
            let begin = if spec.idle_timeout.is_some() {
                Begin::Asleep
            } else {
                Begin::Now
            };
            let spec = ChildSpec::Upstream(Arc::clone(&spec));
            (
                name,
                Wanted::Run {
                    spec,
                    start_deadline,
                    begin,
                },
            )
        }
        Entry::Refused(name) => (name, Wanted::Keep),
        Entry::Disabled(_) => return None,
    };
    let id = ChildId::Upstream(name);
    Some(Want { id, what })
}

/// What the registry has to know of an entry that is run, where names are written so by default.
pub(in crate::tree) fn configured(
    spec: &ServerSpec,
    view: &Arc<View>,
    naming: Naming,
) -> ConfiguredServer {
    let view = if view.names.is_some() || naming == Naming::default() {
        Arc::clone(view)
    } else {
        let names = Some(naming);
        Arc::new(View {
            names,
            ..View::clone(view)
        })
    };
    ConfiguredServer {
        server: spec.name.clone(),
        fingerprint: fingerprint(spec),
        prefix: spec.prefix.clone(),
        isolation: spec.isolation,
        view,
    }
}

/// What is run, as a number that is kept over restarts and upgrades: a kept catalogue is shown only for
/// the same. It says nothing of the environment and the headers, which may hold secrets.
fn fingerprint(spec: &ServerSpec) -> u64 {
    let mut digest = Sha256::new();
    match &spec.target {
        Target::Program(program) => {
            digest.update(program.args.len().to_be_bytes());
            let args = program.args.iter().map(Secret::expose);
            let texts = iter::once(program.command.clone()).chain(args);
            let cwd = program
                .cwd
                .iter()
                .map(|cwd| cwd.as_os_str().as_bytes().to_vec());
            for part in texts.map(String::into_bytes).chain(cwd) {
                digest.update(part.len().to_be_bytes());
                digest.update(part);
            }
        }
        Target::Remote(remote) => {
            digest.update("url");
            digest.update(remote.url.expose());
        }
    }
    // A server may offer different things in either era; those that are named by nobody came first.
    if spec.protocol != Protocol::default() {
        digest.update(spec.protocol.as_str());
    }
    let digest = digest.finalize();
    let first = digest.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first)
}

/// So many servers of each kind are named in the line about a reload.
const NAMED_AT_MOST: usize = 20;

/// What a configuration changed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Changes {
    /// New servers.
    pub added: Vec<String>,
    /// Those that are started anew, each with the fields that differ.
    pub changed: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
    /// How many nothing happened to.
    pub unchanged: usize,
    /// Of which servers clients see something else, without a restart.
    pub seen_anew: Option<String>,
    /// Which servers sleep, or do so no more, or after another time, without a restart.
    pub rested_anew: Option<String>,
    /// The gateway's own settings that differ.
    pub limits: Option<String>,
}

impl Changes {
    fn of(
        diff: &Diff<ChildId, ChildSpec>,
        seen_anew: Option<String>,
        limits: Option<String>,
    ) -> Self {
        let name = |id: &ChildId| match id {
            ChildId::Upstream(server) => server.to_string(),
            ChildId::Instance(..)
            | ChildId::Config
            | ChildId::Registry
            | ChildId::Sessions
            | ChildId::Listener => format!("{id:?}"),
        };
        let changed = diff.changed.iter().map(|(id, old, new)| match (old, new) {
            (ChildSpec::Upstream(old), ChildSpec::Upstream(new)) => {
                format!("{}: {}", name(id), old.differences(new).join(" "))
            }
            (ChildSpec::Permanent | ChildSpec::Upstream(_), _) => name(id),
        });
        Self {
            added: diff.added.iter().map(name).collect(),
            changed: changed.collect(),
            removed: diff.removed.iter().map(name).collect(),
            unchanged: diff.unchanged.len(),
            seen_anew,
            rested_anew: None,
            limits,
        }
    }
}

/// `reload: +1 (fetch) ~1 (github: env) -0 =7`
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| match names {
            [] => "0".to_owned(),
            all => {
                let named = all.iter().take(NAMED_AT_MOST).map(String::as_str);
                let more = (all.len() > NAMED_AT_MOST).then_some("…");
                let named: Vec<&str> = named.chain(more).collect();
                format!("{} ({})", all.len(), named.join(", "))
            }
        };
        let [added, changed, removed] =
            [&self.added, &self.changed, &self.removed].map(|it| list(it));
        write!(
            f,
            "reload: +{added} ~{changed} -{removed} ={}",
            self.unchanged
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn of(entry: &str) -> u64 {
        let parsed = config::parse(&format!("[{entry}]"), &|_| None).unwrap();
        match &parsed.config.servers[..] {
            [Entry::Run(spec, _)] => fingerprint(spec),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_fingerprint_is_of_what_is_run_and_stays_the_same_for_ever() {
        let one = of(r#"{"name": "a", "command": "x", "args": ["y", "z"], "env": {"K": "1"}}"#);
        assert_eq!(one, 4_056_042_737_227_596_600, "it is kept on disk");
        assert_eq!(
            one,
            of(r#"{"name": "b", "command": "x", "args": ["y", "z"], "protocol": "auto"}"#)
        );
        for other in [
            r#"{"name": "a", "command": "x", "args": ["yz"]}"#,
            r#"{"name": "a", "command": "x", "args": ["y"], "cwd": "z"}"#,
            r#"{"name": "a", "command": "xy", "args": ["z"]}"#,
            r#"{"name": "a", "command": "x", "args": ["y", "z"], "protocol": "modern"}"#,
        ] {
            assert_ne!(one, of(other), "{other}");
        }
    }
}
