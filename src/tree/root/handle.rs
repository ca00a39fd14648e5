//! How others tell root.

use std::sync::Arc;

use ractor::ActorRef;
use tokio::sync::watch;

use super::child_id::ChildId;
use super::message::RootMsg;
use super::status_handle::StatusHandle;
use super::steering::{Reading, Steering};
use crate::config::model::Config;
use crate::ids::{Generation, ServerName};
use crate::supervise::Tick;
use crate::tree::alarm::Alarm;
use crate::tree::client::InstanceOwner;
use crate::tree::config::{ConfigParent, ConfigurationFault};
use crate::tree::heartbeat::Beat;
use crate::tree::registry::{Routes, Subscriber};
use crate::tree::sessions::{SessionsParent, Stop};
use crate::tree::upstream::{UpstreamHandle, UpstreamParent};

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

    /// For those who want to know how the tree is.
    pub(crate) fn status(&self) -> StatusHandle {
        StatusHandle::new(self.actor.clone())
    }

    /// For those who act in the operator's name.
    pub(crate) fn steering(&self, readings: watch::Receiver<Reading>) -> Steering {
        Steering::new(self.actor.clone(), readings)
    }

    /// What wakes `child`.
    pub(super) fn alarm(&self, child: &ChildId) -> Alarm {
        let (root, child) = (self.clone(), child.clone());
        Alarm::new(move |why| {
            let child = child.clone();
            root.tell(RootMsg::Woken { child, why });
        })
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

impl ConfigParent for RootHandle {
    fn configured(&self, config: Option<Config>, retry: bool) {
        self.tell(RootMsg::Configured { config, retry });
    }

    fn config_judged(&self, is_faulty: bool, faults: Vec<ConfigurationFault>) {
        self.tell(RootMsg::ConfigJudged { is_faulty, faults });
    }
}

impl UpstreamParent for RootHandle {
    fn spawned(&self, upstream: &UpstreamHandle, pid: Option<u32>) {
        self.tell(RootMsg::Spawned {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
            pid,
        });
    }

    fn initialized(&self, upstream: &UpstreamHandle) {
        self.tell(RootMsg::Initialized {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
        });
    }

    fn ready(&self, upstream: &UpstreamHandle, tools: usize) {
        self.tell(RootMsg::Ready {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
            tools,
        });
    }

    fn unused(&self, upstream: &UpstreamHandle) {
        self.tell(RootMsg::Unused {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
        });
    }
}

impl SessionsParent for RootHandle {
    fn instance_wanted(&self, server: ServerName, owner: InstanceOwner) {
        let life = self.life;
        self.tell(RootMsg::InstanceWanted {
            server,
            owner,
            life,
        });
    }

    fn instances_unused(&self, session: u64) {
        self.tell(RootMsg::InstancesUnused { session });
    }

    fn session_ended(&self, session: u64) {
        self.tell(RootMsg::SessionEnded { session });
    }

    fn sessions_calling(&self, step: Stop, are_they: bool) {
        self.tell(RootMsg::SessionsCalling { step, are_they });
    }
}
