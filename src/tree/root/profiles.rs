//! The profiles that hold: as the configuration has them, and where that can't be used as it had them
//! before. Followed by the listener, and told to the registry.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use super::actor::RootState;
use super::hooks::RootHooks;
use crate::config::model::{DefaultProfile, Profile, Profiles, WrittenProfiles};
use crate::ids::ProfileId;

/// What holds now.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// What a configuration said; nothing before there was one.
    held: Option<Arc<Profiles>>,
    known: watch::Sender<Option<Arc<Profiles>>>,
}

/// A profile at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileStatus {
    /// Its name.
    pub name: String,
    /// Whether addresses without a profile show it.
    pub default: bool,
    /// How many servers it shows, and how many tools of them.
    pub servers: usize,
    /// As above.
    pub tools: usize,
    /// What they cost a model that reads all of them, in bytes and about so many tokens.
    pub tools_bytes: usize,
    /// As above.
    pub tools_tokens: usize,
    /// How many sessions are shown it.
    pub sessions: i64,
}

/// So many are named in a line of the log.
const NAMED: usize = 20;

impl Shown {
    /// What is followed, as it changes.
    pub(super) fn known(&self) -> watch::Receiver<Option<Arc<Profiles>>> {
        self.known.subscribe()
    }

    /// What a configuration said.
    pub(super) fn held(&self) -> Option<&Arc<Profiles>> {
        self.held.as_ref()
    }

    /// There is no configuration: no profile either, and no server that could be shown.
    pub(super) fn unconfigured(&self) {
        self.known.send_replace(Some(Arc::default()));
    }
}

impl RootState {
    /// Puts what a configuration says of profiles in the place of what held, and says what changes.
    /// Who comes is looked at first, so that nobody is let in by what holds no more.
    pub(super) fn take_profiles(&mut self, written: &WrittenProfiles) {
        let hooks = self.supervisor.hooks_mut();
        let shown = &mut hooks.profiles;
        let mut said = Vec::new();
        let profiles = Profiles::of(written, shown.held.as_deref(), &mut said);
        for line in said {
            log::warn!("{line}");
        }
        let before = shown.held.as_deref();
        if before != Some(&profiles) && (profiles.are_used || before.is_some()) {
            let occasion = before.map_or("configuration", |_| "reload");
            log::info!("{occasion}: {}", summary(&profiles));
        }
        if before != Some(&profiles) {
            if let Some(log) = hooks.settings.metrics.call_log() {
                let known = profiles.known.iter().map(|profile| &profile.name);
                log.name_profiles(known.map(|name| (name.id(), name.as_str().into())));
            }
            let profiles = Arc::new(profiles);
            shown.held = Some(Arc::clone(&profiles));
            shown.known.send_replace(Some(Arc::clone(&profiles)));
            if let Some(registry) = &hooks.registry {
                registry.profiles(profiles);
            }
        }
    }
}

/// `profiles: kids, work; /mcp and /sse show everything (no 'default_profile')`
fn summary(profiles: &Profiles) -> String {
    let named = profiles.known.iter().take(NAMED);
    let mut named: Vec<&str> = named
        .map(|profile: &Arc<Profile>| profile.name.as_str())
        .collect();
    if profiles.known.len() > NAMED {
        named.push("…");
    }
    let named = match named.as_slice() {
        [] => "none".to_owned(),
        named => named.join(", "),
    };
    format!("profiles: {named}; {}", profiles.shown_without())
}

impl RootHooks {
    pub(super) fn profile_names(&self) -> HashMap<ProfileId, String> {
        let held = self.profiles.held();
        let known = held.into_iter().flat_map(|held| &held.known);
        let named = known.map(|profile| (profile.name.id(), profile.name.to_string()));
        named.collect()
    }

    pub(super) fn profile_statuses(&self) -> Vec<ProfileStatus> {
        let Some(held) = self.profiles.held() else {
            return Vec::new();
        };
        let status = |profile: &Arc<Profile>| {
            let id = profile.name.id();
            let routes = self.routes.as_ref();
            let shown = routes.and_then(|routes| routes.shown(Some(id)));
            let merged = shown.map(|shown| &shown.merged);
            let cost = merged.map(|merged| merged.whole_cost()).unwrap_or_default();
            ProfileStatus {
                name: profile.name.to_string(),
                default: held.default == DefaultProfile::Named(profile.name.clone()),
                servers: merged.map_or(0, |merged| merged.sources.len()),
                tools: cost.tools,
                tools_bytes: cost.bytes,
                tools_tokens: cost.tokens(),
                sessions: self.settings.metrics.sessions_in(id),
            }
        };
        held.known.iter().map(status).collect()
    }
}
