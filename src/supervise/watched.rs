//! An actor whose turns can be seen (`turn.rs`): it does what the one in it does. Every spawner wraps
//! its actors in it, so that no actor has to think of it.

use std::future::Future;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::turn::{self, Kind};

/// The actor, and what sort it is.
#[derive(Debug)]
pub struct Watched<A> {
    kind: &'static str,
    actor: A,
}

impl<A> Watched<A> {
    /// `actor`, which is of this kind.
    pub fn new(kind: &'static str, actor: A) -> Self {
        Self { kind, actor }
    }
}

// No `async fn`s: each would keep its arguments beside those that it passes on.
impl<A: Actor<Msg: Kind>> Actor for Watched<A> {
    type Msg = A::Msg;
    type State = A::State;
    type Arguments = A::Arguments;

    fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        args: A::Arguments,
    ) -> impl Future<Output = Result<A::State, ActorProcessingErr>> + Send {
        turn::of(self.kind, "its start", self.actor.pre_start(myself, args))
    }

    fn post_start(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        turn::of(self.kind, "its start", self.actor.post_start(myself, state))
    }

    fn post_stop(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        turn::of(self.kind, "its stop", self.actor.post_stop(myself, state))
    }

    fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut A::State,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        let kind = message.kind();
        turn::of(self.kind, kind, self.actor.handle(myself, message, state))
    }

    fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut A::State,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        let handled = self.actor.handle_supervisor_evt(myself, event, state);
        turn::of(self.kind, "a child's news", handled)
    }
}
