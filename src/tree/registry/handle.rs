//! The registry's handle: what root, upstreams and sessions tell it. Nothing here waits.

use std::sync::Arc;

use ractor::{ActorRef, RpcReplyPort};
use tokio::time::Instant;

use super::catalogue::{Catalogue, Lessons};
use super::message::{Approval, ConfiguredServer, RegistryMsg, ServerState};
use super::routes::Routes;
use crate::config::model::Profiles;
use crate::ids::{Generation, ServerName};
use crate::tree::heartbeat::Beat;
use crate::tree::upstream::UpstreamHandle;

/// Who is sent the route table: root and every session.
pub(crate) trait Subscriber: Send + Sync + 'static {
    /// Takes the new table. `false` when the subscriber has gone and need not be asked again.
    fn routes_changed(&self, routes: Arc<Routes>) -> bool;
}

/// One life of the registry. What a dead one is told is dropped: root introduces its successor to
/// everybody, and everybody tells it again.
#[derive(Clone, Debug)]
pub(crate) struct RegistryHandle(ActorRef<RegistryMsg>);

impl RegistryHandle {
    pub(crate) fn new(actor: ActorRef<RegistryMsg>) -> Self {
        Self(actor)
    }

    /// All configured servers, in order.
    pub(crate) fn wanted(&self, servers: Vec<ConfiguredServer>) {
        self.tell(RegistryMsg::Wanted(servers));
    }

    /// What clients may be shown of them; holds from the next [`Self::wanted`] on.
    pub(crate) fn profiles(&self, profiles: Arc<Profiles>) {
        self.tell(RegistryMsg::Profiles(profiles));
    }

    /// How many bytes the instructions of all servers may have together; before [`Self::wanted`].
    pub(crate) fn budget(&self, bytes: usize) {
        self.tell(RegistryMsg::Budget(bytes));
    }

    /// What became of a server.
    pub(crate) fn server_state(
        &self,
        server: ServerName,
        generation: Generation,
        state: ServerState,
    ) {
        self.tell(RegistryMsg::ServerState {
            server,
            generation,
            state,
        });
    }

    /// What a ready server offers; `None` if it could not say, and keeps what it offered before.
    pub(crate) fn catalogue(&self, handle: &UpstreamHandle, catalogue: Option<Arc<Catalogue>>) {
        self.tell(RegistryMsg::Catalogue {
            handle: handle.clone(),
            catalogue,
        });
    }

    /// What a life of a server taught.
    pub(crate) fn learnt(&self, handle: &UpstreamHandle, lessons: Lessons) {
        self.tell(RegistryMsg::Learnt {
            server: handle.server().clone(),
            generation: handle.generation(),
            lessons,
        });
    }

    /// What is held of this server is to be shown, if its digest is this one.
    pub(in crate::tree) fn approve(
        &self,
        server: ServerName,
        digest: String,
        reply: RpcReplyPort<Approval>,
    ) {
        let looked_at = (server, digest);
        self.tell(RegistryMsg::Approve { looked_at, reply });
    }

    /// Sends the table to `subscriber`, now and at each change, until it leaves.
    pub(crate) fn join(&self, session: u64, subscriber: Arc<dyn Subscriber>) {
        self.tell(RegistryMsg::Join {
            session,
            subscriber,
        });
    }

    /// Ends what [`Self::join`] began.
    pub(crate) fn leave(&self, session: u64) {
        self.tell(RegistryMsg::Leave { session });
    }

    /// When the boot latch opens at the latest.
    pub(in crate::tree) fn latch_opens(&self, at: Instant) {
        self.tell(RegistryMsg::LatchOpens(at));
    }

    /// At the start there is no configuration that can be used.
    pub(in crate::tree) fn unconfigured(&self) {
        self.tell(RegistryMsg::Unconfigured);
    }

    /// Has the registry show that it is at work.
    pub(in crate::tree) fn beat(&self, beat: Beat) {
        self.tell(RegistryMsg::Beat(beat));
    }

    fn tell(&self, message: RegistryMsg) {
        if self.0.cast(message).is_err() {
            log::trace!("the registry is being restarted");
        }
    }
}
