//! Parts of a real tree for tests of rooms that need one beside them: a registry and a sessions'
//! supervisor under nobody, and actors that only listen in the place of the others.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, Message, SupervisionEvent};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use crate::config::model::{Isolation, Limits};
use crate::ids::{Generation, Holder, Owner, Prefix, ServerName};
use crate::protocol::mcp::item::{self, Kind};
use crate::supervise::Plain;
use crate::telemetry::metrics::Metrics;
use crate::tree::inside::{
    Catalogue, ConfiguredServer, Registry, RegistryArgs, RegistryHandle, RootHandle, RootMsg,
    Routes, SessionEvent, SessionSink, Sessions, SessionsArgs, Signer, Store, Subscriber,
    UpstreamHandle, UpstreamMsg, Workers,
};
use crate::tree::{Quota, Rest, SessionsHandle, StatusHandle, Steering};

/// An actor that hands what it is told to the test, if that is of interest.
struct Ear<M>(fn(&M) -> bool);

impl<M: Message + Sync> Actor for Ear<M> {
    type Msg = M;
    type State = UnboundedSender<M>;
    type Arguments = UnboundedSender<M>;

    async fn pre_start(
        &self,
        _: ActorRef<M>,
        ear: UnboundedSender<M>,
    ) -> Result<UnboundedSender<M>, ActorProcessingErr> {
        Ok(ear)
    }

    async fn handle(
        &self,
        _: ActorRef<M>,
        message: M,
        ear: &mut UnboundedSender<M>,
    ) -> Result<(), ActorProcessingErr> {
        if (self.0)(&message) {
            drop(ear.send(message));
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<M>,
        _: SupervisionEvent,
        _: &mut UnboundedSender<M>,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

async fn ear<M: Message + Sync>(
    is_of_interest: fn(&M) -> bool,
) -> (ActorRef<M>, UnboundedReceiver<M>) {
    let (ear, heard) = mpsc::unbounded_channel();
    let (actor, _) = Actor::spawn(None, Ear(is_of_interest), ear).await.unwrap();
    (actor, heard)
}

/// A root that only listens, and what it hears.
pub(crate) async fn root() -> (RootHandle, UnboundedReceiver<RootMsg>) {
    let (actor, heard) = ear(|_| true).await;
    (RootHandle::new(actor), heard)
}

/// A root that says nothing of how it is.
pub(crate) async fn status() -> StatusHandle {
    root().await.0.status()
}

/// A root that does nothing for the operator.
pub(crate) async fn steering() -> Steering {
    root()
        .await
        .0
        .steering(tokio::sync::watch::Sender::default().subscribe())
}

/// A generation of a server that only listens, with room for `permits` calls.
pub(super) async fn upstream(
    server: &str,
    generation: u64,
    permits: usize,
) -> (
    UpstreamHandle,
    ActorRef<UpstreamMsg>,
    UnboundedReceiver<UpstreamMsg>,
) {
    // The registry's word, which comes after each catalogue.
    let is_of_interest = |message: &UpstreamMsg| !matches!(message, UpstreamMsg::Remember(_));
    let (actor, heard) = ear(is_of_interest).await;
    let permits = Quota::new(permits);
    let handle = UpstreamHandle::new(actor.clone(), name(server), Generation(generation), permits);
    (handle, actor, heard)
}

/// A generation of a server in the test's hands, without an actor.
pub(super) fn in_hand(
    server: &str,
    generation: u64,
    permits: usize,
) -> (UpstreamHandle, UnboundedReceiver<UpstreamMsg>) {
    let (test, heard) = mpsc::unbounded_channel();
    let permits = Quota::new(permits);
    let handle = UpstreamHandle::in_hand(test, name(server), Generation(generation), permits);
    (handle, heard)
}

/// Who is told things, in the place of sessions and root.
pub(crate) struct Listener<T>(UnboundedSender<T>);

/// A listener and what it hears. It counts as gone when the other end is dropped.
pub(crate) fn listener<T>() -> (Arc<Listener<T>>, UnboundedReceiver<T>) {
    let (sender, heard) = mpsc::unbounded_channel();
    (Arc::new(Listener(sender)), heard)
}

impl Subscriber for Listener<Arc<Routes>> {
    fn routes_changed(&self, routes: Arc<Routes>) -> bool {
        self.0.send(routes).is_ok()
    }
}

impl SessionSink for Listener<SessionEvent> {
    fn tell(&self, event: SessionEvent) {
        drop(self.0.send(event));
    }

    fn rest(&self) -> Rest {
        Rest::Busy
    }

    fn holder(&self) -> Holder {
        Holder::of(Owner::ANYBODY)
    }
}

/// What a client is listed of one kind: names or URIs.
pub(crate) fn listed(routes: &Routes, kind: Kind) -> Vec<String> {
    let first = routes.merged.pages(kind).get(None).unwrap();
    let page = item::page(kind, &first.whole()).unwrap();
    assert_eq!(page.next_cursor, None, "one page");
    page.items
        .iter()
        .map(|item| item.key().to_owned())
        .collect()
}

/// A server's name.
pub(crate) fn name(text: &str) -> ServerName {
    ServerName::new(text).unwrap()
}

/// A configured server.
pub(crate) fn wanted(server: &str) -> ConfiguredServer {
    ConfiguredServer {
        server: name(server),
        fingerprint: 1,
        prefix: Prefix::of(&name(server)),
        isolation: Isolation::Shared,
        view: Arc::default(),
    }
}

/// A catalogue of tools with these names.
pub(crate) fn catalogue(names: &[&str]) -> Arc<Catalogue> {
    let tools: Vec<String> = names
        .iter()
        .map(|name| format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#))
        .collect();
    let page = Bytes::from(format!(r#"{{"tools":[{}]}}"#, tools.join(",")));
    let tools = item::page(Kind::Tools, &page).unwrap().items;
    Arc::new(Catalogue {
        tools: tools.into(),
        ..Catalogue::default()
    })
}

/// A catalogue of tools and resources, of a server that can do everything.
pub(crate) fn offer(tools: &[&str], uris: &[&str]) -> Arc<Catalogue> {
    let resources: Vec<Value> = uris
        .iter()
        .map(|uri| json!({"uri": uri, "name": "r"}))
        .collect();
    let page = Bytes::from(json!({"resources": resources}).to_string());
    let mut offered = Catalogue {
        resources: item::page(Kind::Resources, &page).unwrap().items.into(),
        ..Arc::unwrap_or_clone(catalogue(tools))
    };
    offered.abilities.resources = true;
    offered.abilities.subscribe = true;
    offered.abilities.logging = true;
    Arc::new(offered)
}

/// A registry that keeps nothing on disk and has been told of these servers.
pub(crate) async fn registry(root: &RootHandle, wanted: Vec<ConfiguredServer>) -> RegistryHandle {
    let registry = registry_after(None, Arc::new(root.clone())).await;
    registry.wanted(wanted);
    registry
}

/// A registry that keeps nothing on disk and goes on from `last`.
pub(crate) async fn registry_after(
    last: Option<Arc<Routes>>,
    root: Arc<dyn Subscriber>,
) -> RegistryHandle {
    let args = RegistryArgs {
        last,
        store: Store::nowhere(),
        root,
        latch_opens: Instant::now() + Duration::from_secs(10),
    };
    let (actor, _) = Actor::spawn(None, Registry, args).await.unwrap();
    RegistryHandle::new(actor)
}

/// Sessions of a gateway with these servers, which never come up: what asks for them, or for a list,
/// stays without an answer for ten seconds.
pub(crate) async fn sessions(servers: &[&str]) -> SessionsHandle {
    let (root, _) = root().await;
    let wanted = servers.iter().map(|server| wanted(server)).collect();
    let registry = registry(&root, wanted).await;
    let limits = Arc::new(Limits::default());
    let workers = Workers::new(Arc::clone(&limits), Metrics::default());
    let args = SessionsArgs {
        workers: workers.clone(),
        registry,
        root: Arc::new(root),
        limits,
        signer: Signer::load(None),
        state_dir: None,
        metrics: Metrics::default(),
    };
    let (actor, _) = Actor::spawn(None, Sessions { spawn: Plain }, args)
        .await
        .unwrap();
    SessionsHandle::new(actor, workers)
}
