//! How actors are started. The program starts them plainly; a test hands in a spawner that wraps
//! each actor in one that fails on command, so that no production code carries a hook for it.

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorCell, ActorRef, ActorRuntime, SpawnErr};

use super::Watched;
use crate::turn::Kind;

/// Resolves once `pre_start` is over: to what resolves when the actor is gone with its state, or
/// to why it did not start. A failing `pre_start` shows here and nowhere else.
pub type Started = JoinHandle<Result<JoinHandle<()>, SpawnErr>>;

/// A new instance of a child.
#[derive(Debug)]
pub struct Spawned {
    /// The actor. Its mailbox is open already.
    pub cell: ActorCell,
    /// How its start went, and later that it is gone.
    pub started: Started,
}

impl<M> From<(ActorRef<M>, Started)> for Spawned {
    fn from((actor, started): (ActorRef<M>, Started)) -> Self {
        let cell = actor.get_cell();
        Self { cell, started }
    }
}

/// Starts actors, linked to a parent, without waiting for them.
pub trait Spawn: Clone + Send + Sync + 'static {
    /// Starts `actor` under `parent`. `kind` says what sort of actor it is, for spawners that
    /// treat some differently. Fails only if the runtime refuses it at once.
    fn spawn<A: Actor<Msg: Kind>>(
        &self,
        kind: &'static str,
        actor: A,
        args: A::Arguments,
        parent: ActorCell,
    ) -> Result<(ActorRef<A::Msg>, Started), SpawnErr>;
}

/// Starts actors as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Spawn for Plain {
    fn spawn<A: Actor<Msg: Kind>>(
        &self,
        kind: &'static str,
        actor: A,
        args: A::Arguments,
        parent: ActorCell,
    ) -> Result<(ActorRef<A::Msg>, Started), SpawnErr> {
        ActorRuntime::spawn_linked_instant(None, Watched::new(kind, actor), args, parent)
    }
}
