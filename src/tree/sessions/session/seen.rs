//! A session as the status shows it.

use std::sync::Arc;
use std::time::Duration;

use super::profile::{Key, Profile};
use crate::ids::ProfileId;
use crate::protocol::mcp::attribution;
use crate::telemetry::log::is_unsafe;

/// So much of what a client calls itself is shown, in characters.
const LONGEST: usize = 64;

/// A session at one moment.
#[derive(Debug, Clone)]
pub struct SessionSeen {
    /// What its client calls itself, if that is known in this life of the session.
    pub client: Option<String>,
    /// The client's version.
    pub version: Option<String>,
    /// How the client came in.
    pub transport: &'static str,
    /// The profile that it is shown.
    pub profile: Option<ProfileId>,
    /// How long it has been open.
    pub open_for: Duration,
    /// So many bytes wait for its client.
    pub queued: usize,
    /// So many of its requests have no answer yet.
    pub calls: usize,
}

impl SessionSeen {
    pub(super) fn of(profile: &Profile) -> Self {
        let (client, version) = profile.client.get().cloned().unwrap_or_default();
        Self {
            client,
            version,
            transport: match profile.key {
                Key::Sse(..) => "sse",
                Key::Streamable(..) => "streamable-http",
            },
            profile: profile.key.owner().profile(),
            open_for: profile.load.open_for(),
            queued: profile.load.queued(),
            calls: profile.load.calls(),
        }
    }
}

impl Profile {
    /// Its client calls itself so, which is taken down once.
    pub(super) fn introduce(&self, info: Option<&Arc<str>>) {
        if let Some(info) = info
            && self.client.get().is_none()
        {
            let said = attribution::of(&[], Some(info));
            let (name, version) = (said.client.as_deref(), said.client_version.as_deref());
            let known = (name.map(shown), version.map(shown));
            self.client.get_or_init(|| known);
        }
    }
}

fn shown(name: &str) -> String {
    let harmless = name.chars().filter(|c| !is_unsafe(*c));
    harmless.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_and_acts_on_nothing() {
        assert_eq!(shown("Cl\u{1b}[31m\u{202e}aude\n"), "Cl[31maude");
        assert_eq!(shown(&"x".repeat(1000)).len(), LONGEST);
    }
}
