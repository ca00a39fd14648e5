//! What the tree knows of the port: how to start the actor that serves it. `main` passes the
//! implementation in, so that the tree does not depend on HTTP.

use std::sync::Arc;

use ractor::{Actor, ActorRef};
use tokio::sync::watch;

use super::heartbeat::Beat;
use super::root::{StatusHandle, Steering};
use super::sessions::SessionsHandle;
use crate::config::model::{Limits, Profiles, Serving};
use crate::turn::Kind;

/// What the listener is given at each of its starts.
#[derive(Debug, Clone)]
pub struct FrontendLinks {
    /// Who opens and finds sessions.
    pub sessions: SessionsHandle,
    /// The limits, as they change.
    pub limits: watch::Receiver<Arc<Limits>>,
    /// What clients are served, as it changes.
    pub serving: watch::Receiver<Serving>,
    /// The profiles that hold, as they change; `None` until the configuration has been read.
    pub profiles: watch::Receiver<Option<Arc<Profiles>>>,
    /// Who knows how the tree is.
    pub status: StatusHandle,
    /// Who does what the operator asks for.
    pub steering: Steering,
}

/// The outermost child of the tree.
pub trait Frontend: Send + Sync + 'static {
    /// The actor that listens.
    type Listener: Actor<Msg: Kind>;

    /// A listener and its arguments, for one more start. Must not wait.
    fn listener(
        &self,
        links: FrontendLinks,
    ) -> (Self::Listener, <Self::Listener as Actor>::Arguments);

    /// The gateway stops. Newcomers are left to the next process where it has the socket too; the
    /// others are served until the listener is stopped. Must not wait.
    fn stopping(&self, listener: Option<&ActorRef<<Self::Listener as Actor>::Msg>>);

    /// Passes a beat to a running listener, which answers for itself and for whoever takes the
    /// connections. Must not wait.
    fn beat(listener: &ActorRef<<Self::Listener as Actor>::Msg>, beat: Beat);
}
