//! How others tell root.

use std::sync::Arc;

use ractor::ActorRef;
use tokio::sync::watch;

use super::faults::ConfigurationFault;
use super::message::{ChildId, RootMsg};
use super::status::StatusHandle;
use super::steering::{Reading, Steering};
use crate::config::model::Config;
use crate::ids::{Generation, ServerName};
use crate::supervise::Tick;
use crate::tree::alarm::Alarm;
use crate::tree::client::InstanceOwner;
use crate::tree::heartbeat::Beat;
use crate::tree::registry::{Routes, Subscriber};
use crate::tree::upstream::UpstreamHandle;

/// Root's handle. Nothing here waits.
#[derive(Clone, Debug)]
pub(crate) struct RootHandle {
    actor: ActorRef<RootMsg>,
    /// The life of the sessions' supervisor that it was given to.
    life: Generation,
}

impl RootHandle {
    pub(crate) fn new(actor: ActorRef<RootMsg>) -> Self {
        let life = Generation(0);
        Self { actor, life }
    }

    /// The same for this life of the sessions' supervisor and all its sessions.
    pub(super) fn for_sessions(&self, life: Generation) -> Self {
        let actor = self.actor.clone();
        Self { actor, life }
    }

    /// What the file says now; `None` when it can't be used.
    pub(crate) fn configured(&self, config: Option<Config>, retry: bool) {
        self.tell(RootMsg::Configured { config, retry });
    }

    /// Whether something in the file can't be used as it is now, and all that is wrong with it.
    pub(in crate::tree) fn config_judged(&self, is_faulty: bool, faults: Vec<ConfigurationFault>) {
        self.tell(RootMsg::ConfigJudged { is_faulty, faults });
    }

    pub(in crate::tree) fn spawned(&self, upstream: &UpstreamHandle, pid: Option<u32>) {
        self.tell(RootMsg::Spawned {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
            pid,
        });
    }

    /// For those who want to know how the tree is.
    pub(crate) fn status(&self) -> StatusHandle {
        StatusHandle::new(self.actor.clone())
    }

    /// For those who act in the operator's name.
    pub(crate) fn steering(&self, readings: watch::Receiver<Reading>) -> Steering {
        Steering::new(self.actor.clone(), readings)
    }

    pub(in crate::tree) fn initialized(&self, upstream: &UpstreamHandle) {
        self.tell(RootMsg::Initialized {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
        });
    }

    pub(in crate::tree) fn ready(&self, upstream: &UpstreamHandle, tools: usize) {
        self.tell(RootMsg::Ready {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
            tools,
        });
    }

    pub(in crate::tree) fn unused(&self, upstream: &UpstreamHandle) {
        self.tell(RootMsg::Unused {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
        });
    }

    /// What wakes `child`.
    pub(super) fn alarm(&self, child: &ChildId) -> Alarm {
        let (root, child) = (self.clone(), child.clone());
        Alarm::new(move |why| {
            let child = child.clone();
            root.tell(RootMsg::Woken { child, why });
        })
    }

    /// A session uses this isolated server. Asking again for what is there changes nothing.
    pub(in crate::tree) fn instance_wanted(&self, server: ServerName, owner: InstanceOwner) {
        let life = self.life;
        self.tell(RootMsg::InstanceWanted {
            server,
            owner,
            life,
        });
    }

    /// To be told once a session *has* ended, when all that it said is on its way already: a
    /// wish that came later would start an instance that nobody ends.
    pub(in crate::tree) fn session_ended(&self, session: u64) {
        self.tell(RootMsg::SessionEnded { session });
    }

    /// A session has no use for the instances of its own that there are. It may want one again.
    pub(in crate::tree) fn instances_unused(&self, session: u64) {
        self.tell(RootMsg::InstancesUnused { session });
    }

    pub(in crate::tree) fn sessions_calling(&self, are_they: bool) {
        self.tell(RootMsg::SessionsCalling(are_they));
    }

    pub(in crate::tree) fn beat(&self, beat: Beat) {
        self.tell(RootMsg::Beat(beat));
    }

    pub(in crate::tree) fn reload(&self) {
        self.tell(RootMsg::Reload);
    }

    pub(crate) fn stop(&self) {
        self.tell(RootMsg::Stop);
    }

    pub(in crate::tree) fn tick(&self, tick: Tick<ChildId>) {
        self.tell(RootMsg::Tick(tick));
    }

    fn tell(&self, message: RootMsg) -> bool {
        self.actor.cast(message).is_ok()
    }
}

impl Subscriber for RootHandle {
    fn routes_changed(&self, routes: Arc<Routes>) -> bool {
        self.tell(RootMsg::RoutesChanged(routes))
    }
}
