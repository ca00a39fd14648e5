//! What the log calls a generation: its server's name, and whose instance it is if it is one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use tokio::time::Instant;

use super::hides::Hides;
use super::past::Past;
use crate::ids::ServerName;
use crate::tree::client::InstanceOwner;

/// A life that lasts for so long is news, whatever the lives before it were like.
pub(super) const LASTS: Duration = Duration::from_secs(60);

/// Reads `'git'`, or `'git' (session ab12)`.
#[derive(Debug, Clone)]
pub(super) struct ServerLabel {
    server: ServerName,
    session: Option<Arc<str>>,
    /// Lives like this one are nothing new until then.
    is_old_until: Option<Instant>,
    hides: Hides,
}

impl ServerLabel {
    pub(super) fn new(server: ServerName, owner: Option<&InstanceOwner>, past: &Past) -> Self {
        Self {
            server,
            session: owner.map(|owner| Arc::clone(&owner.name)),
            is_old_until: past.is_old().then(|| Instant::now() + LASTS),
            hides: Hides::default(),
        }
    }

    /// Of what the server says that is hidden.
    pub(super) fn hiding(self, hides: Hides) -> Self {
        Self { hides, ..self }
    }

    pub(super) fn hides(&self) -> &Hides {
        &self.hides
    }

    /// A piece of what it said that is fit for a log line or an error.
    pub(super) fn excerpt(&self, text: &[u8]) -> String {
        self.hides.excerpt(text)
    }

    /// A text without its secrets.
    pub(super) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.hides.text(text)
    }

    /// How loud it is said what a server does in each of its lives.
    pub(super) fn level(&self, level: Level) -> Level {
        let is_old = self
            .is_old_until
            .is_some_and(|until| Instant::now() < until);
        if is_old { Level::Debug } else { level }
    }

    /// The server's name: one budget in the log is for all its instances together.
    pub(super) fn server(&self) -> &str {
        self.server.as_str()
    }
}

impl fmt::Display for ServerLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.server)?;
        match &self.session {
            Some(session) => write!(f, " (session {session})"),
            None => Ok(()),
        }
    }
}
