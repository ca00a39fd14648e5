//! For tests: an actor that does what the one in it does, until its plan has it fail. So every kind of actor can be
//! crashed at every point of its life without a hook in the program's code. The spawners of the tests wrap their
//! actors in it, each with plans of its own; those of the program never do.

use std::future::{Future, pending};
use std::panic::resume_unwind;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, Message, SupervisionEvent};

/// Where in its life an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// In `pre_start`.
    Start,
    /// In `post_start`.
    Started,
    /// Before it handles a message, which is lost with it.
    Message,
    /// Before it handles a supervision event.
    Event,
    /// Woken while it waits, by a change of a process group of ractor's: no actor hears of one but to be struck.
    Woken,
    /// In `post_stop`.
    Stop,
}

/// How an actor fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It panics, in silence: no hook hears of it.
    Panic,
    /// It returns an error.
    Error,
    /// It is killed from outside.
    Kill,
}

/// What becomes of one actor. It is dropped after the actor.
pub trait FaultPlan: Send + Sync + 'static {
    /// How the actor fails at this moment, if it does. It may take its time.
    fn fault(&self, actor: ActorId, moment: Moment) -> impl Future<Output = Option<Fault>> + Send;
}

/// The actor, and its plan.
#[derive(Debug)]
pub struct Faulty<A, P> {
    actor: A,
    plan: P,
}

impl<A, P: FaultPlan> Faulty<A, P> {
    /// `actor`, until `plan` has it fail.
    pub fn new(actor: A, plan: P) -> Self {
        Self { actor, plan }
    }

    async fn pass<M: Message>(
        &self,
        moment: Moment,
        myself: &ActorRef<M>,
    ) -> Result<(), ActorProcessingErr> {
        match self.plan.fault(myself.get_id(), moment).await {
            None => Ok(()),
            Some(Fault::Panic) => resume_unwind(Box::new("struck")),
            Some(Fault::Error) => Err("struck".into()),
            Some(Fault::Kill) => {
                myself.kill();
                pending().await
            }
        }
    }
}

impl<A: Actor, P: FaultPlan> Actor for Faulty<A, P> {
    type Msg = A::Msg;
    type State = A::State;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        args: A::Arguments,
    ) -> Result<A::State, ActorProcessingErr> {
        self.pass(Moment::Start, &myself).await?;
        self.actor.pre_start(myself, args).await
    }

    async fn post_start(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        self.pass(Moment::Started, &myself).await?;
        self.actor.post_start(myself, state).await
    }

    async fn post_stop(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        self.pass(Moment::Stop, &myself).await?;
        self.actor.post_stop(myself, state).await
    }

    async fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        self.pass(Moment::Message, &myself).await?;
        self.actor.handle(myself, message, state).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        if matches!(event, SupervisionEvent::ProcessGroupChanged(_)) {
            return self.pass(Moment::Woken, &myself).await;
        }
        self.pass(Moment::Event, &myself).await?;
        self.actor.handle_supervisor_evt(myself, event, state).await
    }
}
