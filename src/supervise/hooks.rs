//! What the generic supervisor asks of whoever uses it: how children are started, stopped and
//! talked about. Implemented by the rooms that supervise, called by `supervisor`.

use ractor::{ActorCell, ActorProcessingErr, SpawnErr};

use super::child::{Failure, Name, Spec, Start, Status};
use super::spawn::Spawned;
use crate::ids::Generation;

/// What a supervisor must know of its children, and whom it tells.
pub trait SupervisorHooks: Send + 'static {
    /// What a child is called by.
    type Id: Name;
    /// What a child is started from.
    type Spec: Spec;

    /// Starts an instance linked to `parent`, with [`Spawn`](super::Spawn) or ractor's
    /// `spawn_linked_instant`. Must not wait. An error is the end of this life: the child's
    /// policy goes on from there.
    #[expect(
        clippy::too_many_arguments,
        reason = "the hooks needs each; a struct for this one call would only rename them"
    )]
    fn spawn(
        &mut self,
        id: &Self::Id,
        generation: Generation,
        spec: &Self::Spec,
        start: &Start,
        parent: ActorCell,
    ) -> Result<Spawned, SpawnErr>;

    /// Asks an instance to stop in its own way: by a message, or by `cell.stop`. Comes a second
    /// time when it is urgent. If it is not gone in time, it is killed.
    fn stop(&mut self, id: &Self::Id, cell: &ActorCell);

    /// A child is in another state; `None`: its name is gone.
    fn status_changed(&mut self, id: &Self::Id, status: Option<&Status>);

    /// An instance is gone. `was_asked`: to stop. For the log; what follows is the policy's.
    fn exited(&mut self, id: &Self::Id, of: Generation, failure: &Failure, was_asked: bool);

    /// An instance did not stop in time and is being killed. For the log.
    fn killed(&mut self, id: &Self::Id, of: Generation);

    /// Permanent children died too often. Nothing is started any more: end the program.
    fn give_up(&mut self, id: &Self::Id, reason: &str);

    /// Reads an error that one of these hooks' actors returned. `None`: it is not one of its own,
    /// or a panic, which ractor makes an error too.
    fn failure_of(&self, error: &ActorProcessingErr) -> Option<Failure> {
        let _ = error;
        None
    }
}
