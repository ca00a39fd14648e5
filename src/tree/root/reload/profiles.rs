//! The profiles that hold: as the configuration has them, and where that can't be used as it had them
//! before. Followed by the listener, and told to the registry.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::model::{Profile, Profiles, WrittenProfiles};
use crate::tree::root::actor::RootState;

/// What holds now.
#[derive(Debug, Default)]
pub(in crate::tree::root) struct Shown {
    /// What a configuration said; nothing before there was one.
    held: Option<Arc<Profiles>>,
    known: watch::Sender<Option<Arc<Profiles>>>,
}

/// So many are named in a line of the log.
const NAMED: usize = 20;

impl Shown {
    /// What is followed, as it changes.
    pub(in crate::tree::root) fn known(&self) -> watch::Receiver<Option<Arc<Profiles>>> {
        self.known.subscribe()
    }

    /// What a configuration said.
    pub(in crate::tree::root) fn held(&self) -> Option<&Arc<Profiles>> {
        self.held.as_ref()
    }

    /// There is no configuration: no profile either, and no server that could be shown.
    pub(in crate::tree::root) fn unconfigured(&self) {
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
