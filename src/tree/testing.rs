//! Parts of a real tree for tests of rooms that need one beside them: a registry and a sessions'
//! supervisor under nobody, and a root that only listens.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::registry::{Registry, RegistryArgs, RegistryHandle, Store, Wanted};
use super::root::{RootHandle, RootMsg};
use super::sessions::{Sessions, SessionsArgs, SessionsHandle};
use crate::supervise::Plain;

/// A root that hands what it is told to the test.
struct Listening;

impl Actor for Listening {
    type Msg = RootMsg;
    type State = UnboundedSender<RootMsg>;
    type Arguments = UnboundedSender<RootMsg>;

    async fn pre_start(
        &self,
        _: ActorRef<RootMsg>,
        ear: UnboundedSender<RootMsg>,
    ) -> Result<UnboundedSender<RootMsg>, ActorProcessingErr> {
        Ok(ear)
    }

    async fn handle(
        &self,
        _: ActorRef<RootMsg>,
        message: RootMsg,
        ear: &mut UnboundedSender<RootMsg>,
    ) -> Result<(), ActorProcessingErr> {
        drop(ear.send(message));
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<RootMsg>,
        _: SupervisionEvent,
        _: &mut UnboundedSender<RootMsg>,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// A root that only listens, and what it hears.
pub(crate) async fn root() -> (RootHandle, UnboundedReceiver<RootMsg>) {
    let (ear, heard) = mpsc::unbounded_channel();
    let (actor, _) = Actor::spawn(None, Listening, ear).await.unwrap();
    (RootHandle::new(actor), heard)
}

/// A registry that keeps nothing on disk and has been told of these servers.
pub(crate) async fn registry(root: &RootHandle, wanted: Vec<Wanted>) -> RegistryHandle {
    let args = RegistryArgs {
        last: None,
        store: Store::new(None),
        root: Arc::new(root.clone()),
        latch_opens: Instant::now() + std::time::Duration::from_secs(10),
    };
    let (actor, _) = Actor::spawn(None, Registry, args).await.unwrap();
    let registry = RegistryHandle::new(actor);
    registry.wanted(wanted);
    registry
}

/// Sessions of a gateway without servers.
pub(crate) async fn sessions() -> SessionsHandle {
    let (root, _) = root().await;
    let registry = registry(&root, Vec::new()).await;
    let args = SessionsArgs {
        registry,
        root,
        limit: 1_000,
    };
    let (actor, _) = Actor::spawn(None, Sessions { spawn: Plain }, args)
        .await
        .unwrap();
    SessionsHandle::new(actor)
}
