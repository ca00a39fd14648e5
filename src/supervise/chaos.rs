//! A spawner for the tests of this room and of the tree: actors of a kind fail where a test planned it, by count.

use std::sync::{Arc, Mutex, MutexGuard};

use ractor::{Actor, ActorCell, ActorId, ActorRef, ActorRuntime, SpawnErr};

use super::{Fault, FaultPlan, Faulty, Moment, Spawn, Started};
use crate::turn::Kind;

#[derive(Debug)]
struct Planned {
    kind: &'static str,
    moment: Moment,
    /// So many times the moment passes without harm.
    after: u32,
    how: Fault,
}

/// The spawner, and the faults that are still to strike.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chaos {
    faults: Arc<Mutex<Vec<Planned>>>,
}

impl Chaos {
    /// Lets an actor of this kind fail at this moment, once, when the moment has come `after`
    /// times before, counted over all actors of the kind from now on.
    pub(crate) fn plan(&self, kind: &'static str, moment: Moment, after: u32, how: Fault) {
        let fault = Planned {
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

    fn faults(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.faults.lock().unwrap()
    }

    /// The fault that strikes now, if any.
    fn due(&self, kind: &str, moment: Moment) -> Option<Fault> {
        let mut faults = self.faults();
        let is_it = |f: &Planned| f.kind == kind && f.moment == moment;
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
        let actor = Faulty::new(actor, Fate { kind, chaos });
        ActorRuntime::spawn_linked_instant(None, actor, args, parent)
    }
}

/// What has been planned for an actor of this kind.
struct Fate {
    kind: &'static str,
    chaos: Chaos,
}

impl FaultPlan for Fate {
    async fn fault(&self, _: ActorId, moment: Moment) -> Option<Fault> {
        self.chaos.due(self.kind, moment)
    }
}
