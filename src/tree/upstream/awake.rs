//! What keeps a server that is started on demand awake, counted by guards: so a life knows of itself, and whoever looks
//! on of all its lives and instances.

use serde::Serialize;

use crate::telemetry::metrics::{Gauge, GaugeGuard};

/// Why a server that may sleep does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AwakeFor {
    /// Calls that it has not answered.
    Calls,
    /// Clients that want to hear of its resources or tasks.
    Subscriptions,
    /// Questions that its clients have not answered.
    Questions,
    /// Lists that could not be read: nobody could wake it by what is not listed.
    UnreadLists,
    /// Nothing holds it, but it has not been unused for long enough.
    RecentUse,
}

/// What holds a server beside its calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Holds {
    /// Lives with clients that want to hear of its resources.
    pub(super) subscriptions: Gauge,
    questions: Gauge,
    /// Those of one life.
    own_questions: Gauge,
}

/// A question to a client, until it is answered.
#[derive(Debug)]
pub(crate) struct Hold {
    _counted: [GaugeGuard; 2],
}

impl Holds {
    /// The same for one more life.
    pub(super) fn of_life(&self) -> Self {
        Self {
            own_questions: Gauge::default(),
            ..self.clone()
        }
    }

    /// One more question of this life.
    pub(super) fn question(&self) -> Hold {
        let all = [&self.questions, &self.own_questions];
        Hold {
            _counted: all.map(GaugeGuard::one),
        }
    }

    /// Whether a client of this life has not answered.
    pub(super) fn is_asking(&self) -> bool {
        self.own_questions.get() > 0
    }

    /// What there is of it now, in all lives.
    pub(super) fn now(&self) -> Vec<AwakeFor> {
        let all = [
            (&self.subscriptions, AwakeFor::Subscriptions),
            (&self.questions, AwakeFor::Questions),
        ];
        let now = all.into_iter().filter(|(gauge, _)| gauge.get() > 0);
        now.map(|(_, why)| why).collect()
    }
}
