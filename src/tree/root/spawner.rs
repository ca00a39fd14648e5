//! How root has its children started, whatever spawner the program or a test brings along: root itself
//! has no type parameter for it.

use ractor::{ActorCell, ActorRef, SpawnErr};

use crate::supervise::{Spawn, Spawned, Started};
use crate::tree::config::{ConfigActor, ConfigArgs, ConfigHandle};
use crate::tree::registry::{Registry, RegistryArgs, RegistryHandle};
use crate::tree::sessions::{Sessions, SessionsArgs, SessionsHandle};
use crate::tree::upstream::{Upstream, UpstreamArgs, UpstreamHandle};

/// A child's handle and its start.
pub(super) type Child<H> = Result<(H, Spawned), SpawnErr>;

/// Starts root's children, the listener apart. None of it waits.
pub(crate) trait Spawner: Send + Sync {
    fn config(&self, args: ConfigArgs, parent: ActorCell) -> Child<ConfigHandle>;
    fn registry(&self, args: RegistryArgs, parent: ActorCell) -> Child<RegistryHandle>;
    /// They start their sessions and workers by the same spawner.
    fn sessions(&self, args: SessionsArgs, parent: ActorCell) -> Child<SessionsHandle>;
    fn upstream(&self, args: UpstreamArgs, parent: ActorCell) -> Child<UpstreamHandle>;
}

impl<S: Spawn> Spawner for S {
    fn config(&self, args: ConfigArgs, parent: ActorCell) -> Child<ConfigHandle> {
        let started = self.spawn("config", ConfigActor, args, parent)?;
        Ok(child(started, ConfigHandle::new))
    }

    fn registry(&self, args: RegistryArgs, parent: ActorCell) -> Child<RegistryHandle> {
        let started = self.spawn("registry", Registry, args, parent)?;
        Ok(child(started, RegistryHandle::new))
    }

    fn sessions(&self, args: SessionsArgs, parent: ActorCell) -> Child<SessionsHandle> {
        let workers = args.workers.clone();
        let spawn = self.clone();
        let started = self.spawn("sessions", Sessions { spawn }, args, parent)?;
        Ok(child(started, |actor| SessionsHandle::new(actor, workers)))
    }

    fn upstream(&self, args: UpstreamArgs, parent: ActorCell) -> Child<UpstreamHandle> {
        let (server, permits) = (args.spec.name.clone(), args.permits.clone());
        let (generation, owner) = (args.generation, args.owner.clone());
        let started = self.spawn("upstream", Upstream, args, parent)?;
        Ok(child(started, |actor| {
            let handle = UpstreamHandle::new(actor, server, generation, permits);
            match owner {
                Some(owner) => handle.owned_by(owner.session),
                None => handle,
            }
        }))
    }
}

fn child<M, H>(
    (actor, started): (ActorRef<M>, Started),
    handle: impl FnOnce(ActorRef<M>) -> H,
) -> (H, Spawned) {
    (handle(actor.clone()), (actor, started).into())
}
