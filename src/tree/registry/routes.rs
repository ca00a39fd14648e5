//! The route table: immutable, built by the registry, pushed to root and to every session.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::merged::Merged;
use crate::ids::{Generation, ProfileId, ServerName};
use crate::tree::alarm::Alarm;
use crate::tree::upstream::UpstreamHandle;

/// Whether a server can take calls.
#[derive(Debug, Clone)]
pub(crate) enum RouteState {
    /// It takes calls.
    Ready {
        /// Where to send them.
        handle: UpstreamHandle,
    },
    /// It will soon: calls are parked.
    Starting,
    /// It is waiting for its next start: calls are answered at once.
    Down {
        /// How it ended.
        why: String,
        /// When it is started again.
        next_try: Instant,
    },
    /// It runs when somebody wants it: calls wake it, and are parked.
    Asleep {
        /// Wakes it.
        alarm: Alarm,
    },
}

/// The whole table. A session works from the last one it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    /// Grows with every push.
    pub version: u64,
    /// Whether the boot latch is open: until then the first list and unknown names wait.
    pub is_complete: bool,
    /// Whether it is for those who come now. The latch stands open while no server is
    /// configured; the first ones are waited for as at the start.
    pub is_boot_over: bool,
    /// Those in their first start: they are alive, and have never told what they offer. `None`
    /// until the configuration is known.
    pub awaited: Option<Vec<ServerName>>,
    /// What is offered.
    pub merged: Arc<Merged>,
    /// What was offered when the latch opened: what the former process offered last, as far as
    /// that is kept.
    pub at_boot: Arc<Merged>,
    /// Every configured server's state.
    pub servers: Arc<HashMap<ServerName, RouteState>>,
    /// The same for each profile: what is offered there is what it shows.
    pub profiles: Arc<HashMap<ProfileId, Arc<Routes>>>,
    /// Whether there is an address where all of it is shown.
    pub is_shown_whole: bool,
}

impl Default for Routes {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            version: 0,
            is_complete: false,
            is_boot_over: false,
            awaited: None,
            merged: Arc::default(),
            at_boot: Arc::default(),
            servers: Arc::default(),
            profiles: Arc::default(),
            is_shown_whole: true,
        }
    }
}

impl Routes {
    /// The same for those who have not seen a complete one.
    #[must_use]
    pub(super) fn for_newcomers(self: &Arc<Self>) -> Arc<Self> {
        if self.is_complete == self.is_boot_over {
            return Arc::clone(self);
        }
        let is_complete = self.is_boot_over;
        let profiles = self.profiles.iter().map(|(profile, routes)| {
            let routes = Self::clone(routes);
            (
                *profile,
                Arc::new(Self {
                    is_complete,
                    ..routes
                }),
            )
        });
        Arc::new(Self {
            is_complete,
            profiles: Arc::new(profiles.collect()),
            ..Self::clone(self)
        })
    }

    /// The table for who is shown `profile`, or everything without one. `None` if there is no such
    /// profile, or not yet; without one, if nobody is shown everything.
    #[must_use]
    pub(crate) fn shown(self: &Arc<Self>, profile: Option<ProfileId>) -> Option<&Arc<Self>> {
        match profile {
            Some(profile) => self.profiles.get(&profile),
            None => self.is_shown_whole.then_some(self),
        }
    }
}

impl RouteState {
    /// The generation that takes calls, if one does.
    #[must_use]
    pub(crate) fn generation(&self) -> Option<Generation> {
        match self {
            Self::Ready { handle } => Some(handle.generation()),
            Self::Starting | Self::Down { .. } | Self::Asleep { .. } => None,
        }
    }
}
