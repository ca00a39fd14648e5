//! An actor whose turns can be seen (`turn.rs`): it does what the one in it does. Every spawner wraps
//! its actors in it, so that no actor has to think of it.

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

impl<A: Actor<Msg: Kind>> Actor for Watched<A> {
    type Msg = A::Msg;
    type State = A::State;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        args: A::Arguments,
    ) -> Result<A::State, ActorProcessingErr> {
        turn::of(self.kind, "its start", self.actor.pre_start(myself, args)).await
    }

    async fn post_start(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        turn::of(self.kind, "its start", self.actor.post_start(myself, state)).await
    }

    async fn post_stop(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        turn::of(self.kind, "its stop", self.actor.post_stop(myself, state)).await
    }

    async fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        let kind = message.kind();
        turn::of(self.kind, kind, self.actor.handle(myself, message, state)).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        let handled = self.actor.handle_supervisor_evt(myself, event, state);
        turn::of(self.kind, "a child's news", handled).await
    }
}
