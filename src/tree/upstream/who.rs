//! What the log calls a generation: its server's name, and whose instance it is if it is one.

use std::fmt;
use std::sync::Arc;

use crate::ids::ServerName;
use crate::tree::client::Owner;

/// Reads `'git'`, or `'git' (session ab12)`.
#[derive(Debug, Clone)]
pub(super) struct Who {
    server: ServerName,
    session: Option<Arc<str>>,
}

impl Who {
    pub(super) fn new(server: ServerName, owner: Option<&Owner>) -> Self {
        let session = owner.map(|owner| Arc::clone(&owner.name));
        Self { server, session }
    }

    /// The server's name: one budget in the log is for all its instances together.
    pub(super) fn server(&self) -> &str {
        self.server.as_str()
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.server)?;
        match &self.session {
            Some(session) => write!(f, " (session {session})"),
            None => Ok(()),
        }
    }
}
