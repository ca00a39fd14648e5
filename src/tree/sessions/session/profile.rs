//! What everybody knows of a session as long as it lives, and what it is found by.

use std::sync::{Arc, OnceLock};

use super::super::conversation::CallWatch;
use super::super::delivery::load::SessionLoad;
use crate::ids::{Holder, Owner, SessionId};
use crate::protocol::version::Version;

/// What a session is found by. Neither transport finds the sessions of the other, and no owner
/// those of another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// HTTP+SSE: a random id.
    Sse(SessionId, Owner),
    /// Streamable HTTP: a signed id.
    Streamable(Arc<str>, Owner),
}

impl Key {
    pub(in crate::tree::sessions) fn owner(&self) -> Owner {
        match self {
            Self::Sse(_, owner) | Self::Streamable(_, owner) => *owner,
        }
    }
}

/// What everybody knows of a session, as long as it lives.
pub(in crate::tree::sessions) struct Profile {
    pub(super) name: Arc<str>,
    pub(super) version: Version,
    pub(super) load: Arc<SessionLoad>,
    /// What its supervisor finds it by.
    pub(super) key: Key,
    pub(super) holder: Holder,
    pub(super) call_watch: Arc<dyn CallWatch>,
    /// What its client calls itself, if that is known in this life.
    pub(super) client: OnceLock<(Option<String>, Option<String>)>,
}

impl Profile {
    pub(in crate::tree::sessions) fn new(
        id: &SessionId,
        version: Version,
        load: Arc<SessionLoad>,
        (key, holder): (Key, Holder),
        call_watch: Arc<dyn CallWatch>,
    ) -> Self {
        Self {
            name: id.short().into(),
            version,
            load,
            key,
            holder,
            call_watch,
            client: OnceLock::new(),
        }
    }
}
