//! A spawner for tests: it wraps every actor in one that does the same but panics, errs or is
//! killed where the test planned it. So every kind of actor can be crashed at every point of its
//! life without a hook in production code. Used by the tests of this room and of the tree.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, ActorRuntime, SpawnErr};
use ractor::{Message, SupervisionEvent};

use super::{Spawn, Started};
use crate::turn::Kind;

/// Where in its life an actor fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// In `pre_start`.
    Start,
    /// In `post_start`.
    Started,
    /// Before it handles a message.
    Message,
    /// Before it handles a supervision event.
    Event,
    /// In `post_stop`.
    Stop,
}

/// How it fails there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It panics.
    Panic,
    /// It returns an error.
    Error,
    /// It is killed from outside.
    Kill,
}

#[derive(Debug)]
struct Fault {
    kind: &'static str,
    moment: Moment,
    /// So many times the moment passes without harm.
    after: u32,
    how: How,
}

/// The spawner, and the faults that are still to strike.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chaos {
    faults: Arc<Mutex<Vec<Fault>>>,
}

impl Chaos {
    /// Lets an actor of this kind fail at this moment, once, when the moment has come `after`
    /// times before, counted over all actors of the kind from now on.
    pub(crate) fn plan(&self, kind: &'static str, moment: Moment, after: u32, how: How) {
        let fault = Fault {
            kind,
            moment,
            after,
            how,
        };
        self.faults().push(fault);
    }

    /// How many faults have not struck yet: 0 is the proof that all did.
    pub(crate) fn pending(&self) -> usize {
        self.faults().len()
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap()
    }

    /// The fault that strikes now, if any.
    fn due(&self, kind: &str, moment: Moment) -> Option<How> {
        let mut faults = self.faults();
        let is_it = |f: &Fault| f.kind == kind && f.moment == moment;
        let first = faults.iter().position(is_it)?;
        match &mut faults[first].after {
            0 => Some(faults.remove(first).how),
            after => {
                *after -= 1;
                None
            }
        }
    }
}

impl Spawn for Chaos {
    fn spawn<A: Actor<Msg: Kind>>(
        &self,
        kind: &'static str,
        actor: A,
        args: A::Arguments,
        parent: ActorCell,
    ) -> Result<(ActorRef<A::Msg>, Started), SpawnErr> {
        let chaos = self.clone();
        let actor = Fragile { actor, kind, chaos };
        ActorRuntime::spawn_linked_instant(None, actor, args, parent)
    }
}

/// An actor that does what the one in it does, until a fault strikes.
struct Fragile<A> {
    actor: A,
    kind: &'static str,
    chaos: Chaos,
}

impl<A> Fragile<A> {
    async fn pass<M: Message>(
        &self,
        moment: Moment,
        myself: &ActorRef<M>,
    ) -> Result<(), ActorProcessingErr> {
        match self.chaos.due(self.kind, moment) {
            None => Ok(()),
            Some(How::Panic) => panic!("chaos"),
            Some(How::Error) => Err("chaos".into()),
            Some(How::Kill) => {
                myself.kill();
                pending().await
            }
        }
    }
}

impl<A: Actor> Actor for Fragile<A> {
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
        self.pass(Moment::Event, &myself).await?;
        self.actor.handle_supervisor_evt(myself, event, state).await
    }
}
