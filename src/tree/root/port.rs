//! The listener as root knows it, whatever actor it is.

use ractor::{ActorCell, ActorRef, SpawnErr};

use crate::supervise::{Spawn, Spawned};
use crate::tree::frontend::{Frontend, FrontendLinks};
use crate::tree::heartbeat::Beat;

/// Starts the listener and speaks with it. None of it waits; [`Frontend`] says what each is for.
pub(crate) trait Port: Send + Sync {
    fn start(&self, links: FrontendLinks, parent: ActorCell) -> Result<Spawned, SpawnErr>;
    fn let_go(&self, listener: Option<&ActorCell>);
    fn has_successor(&self) -> bool;
    fn beat(&self, listener: &ActorCell, beat: Beat);
}

/// A frontend and what starts its listener.
pub(crate) struct Served<S, F> {
    /// How the listener is started.
    pub(crate) spawn: S,
    /// What serves the port.
    pub(crate) frontend: F,
}

impl<S: Spawn, F: Frontend> Port for Served<S, F> {
    fn start(&self, links: FrontendLinks, parent: ActorCell) -> Result<Spawned, SpawnErr> {
        let (listener, args) = self.frontend.listener(links);
        let started = self.spawn.spawn("listener", listener, args, parent)?;
        Ok(started.into())
    }

    fn let_go(&self, listener: Option<&ActorCell>) {
        let listener = listener.map(|cell| ActorRef::from(cell.clone()));
        self.frontend.let_go(listener.as_ref());
    }

    fn has_successor(&self) -> bool {
        self.frontend.has_successor()
    }

    fn beat(&self, listener: &ActorCell, beat: Beat) {
        F::beat(&ActorRef::from(listener.clone()), beat);
    }
}
