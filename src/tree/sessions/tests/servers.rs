//! Servers for the tests beside this file: such as offer more than tools, and such as belong to
//! one session.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Client, House, Server, settle};
use crate::config::model::Isolation;
use crate::protocol::jsonrpc::{Message, Request, decode};
use crate::testing::{self, wanted};
use crate::tree::client::{InstanceOwner, ServerRequest, SessionEvent};
use crate::tree::registry::{Catalogue, ConfiguredServer, RouteState};
use crate::tree::root::RootMsg;

impl House {
    /// A house with one server, of which each session has its own instance, and its template.
    pub(super) async fn isolating(server: &str, offered: &Arc<Catalogue>) -> (Self, Server) {
        let house = Self::of(&[]).await;
        house.isolates(server, Isolation::Session);
        let template = house.offering(server, 1, offered).await;
        (house, template)
    }

    /// The configuration says so from now on.
    pub(super) fn isolates(&self, server: &str, isolation: Isolation) {
        let wanted = wanted(server);
        self.registry.wanted(vec![ConfiguredServer {
            isolation,
            view: Arc::default(),
            ..wanted
        }]);
    }

    /// A generation of a server that is ready and offers this.
    pub(super) async fn offering(
        &self,
        server: &str,
        generation: u64,
        offered: &Arc<Catalogue>,
    ) -> Server {
        let (handle, actor, heard) = testing::upstream(server, generation, 128).await;
        self.registry.catalogue(&handle, Some(Arc::clone(offered)));
        settle().await;
        Server {
            handle,
            actor,
            heard,
        }
    }

    /// The sessions that root was asked for an instance for since the last time.
    pub(super) async fn owners(&mut self) -> Vec<InstanceOwner> {
        settle().await;
        std::iter::from_fn(|| self.told.try_recv().ok())
            .filter_map(|told| {
                let RootMsg::InstanceWanted { owner, .. } = told else {
                    return None;
                };
                Some(owner)
            })
            .collect()
    }

    pub(super) async fn owner(&mut self) -> InstanceOwner {
        let mut owners = self.owners().await;
        assert_eq!(owners.len(), 1);
        owners.pop().unwrap()
    }
}

impl Client {
    /// Shakes hands, with these capabilities.
    pub(super) async fn initialises(&mut self, capabilities: Value) {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities});
        self.asks("initialize", "initialize", params);
        assert_eq!(self.next().await["id"], "initialize");
        self.tells("notifications/initialized", &json!({}));
        settle().await;
    }

    pub(super) fn answers(&self, id: &Value, result: &Value) {
        let message = json!({"jsonrpc": "2.0", "id": id, "result": result});
        self.posts(&message).unwrap();
    }
}

/// An instance of a server that belongs to one session.
pub(super) struct Own {
    pub(super) server: Server,
    pub(super) owner: InstanceOwner,
}

impl Own {
    /// One that is ready and offers this.
    pub(super) async fn of(
        owner: InstanceOwner,
        server: &str,
        generation: u64,
        offered: &Arc<Catalogue>,
    ) -> Self {
        let own = Self::starting(owner, server, generation).await;
        own.offers(offered).await;
        own
    }

    /// One that is not ready yet.
    pub(super) async fn starting(owner: InstanceOwner, server: &str, generation: u64) -> Self {
        let (handle, actor, heard) = testing::upstream(server, generation, 128).await;
        let server = Server {
            handle,
            actor,
            heard,
        };
        Self { server, owner }
    }

    pub(super) async fn offers(&self, offered: &Arc<Catalogue>) {
        let handle = self.server.handle.clone();
        let catalogue = Some(Arc::clone(offered));
        self.tells(SessionEvent::Offers { handle, catalogue }).await;
    }

    pub(super) async fn tells(&self, event: SessionEvent) {
        self.owner.client.tell(event);
        settle().await;
    }

    /// As root says it.
    pub(super) async fn is_now(&self, state: Option<RouteState>) {
        let server = self.server.handle.server().clone();
        self.tells(SessionEvent::Instance { server, state }).await;
    }

    /// Asks the client something. Gives the line.
    pub(super) async fn asks(&self, id: impl Into<Value>, method: &str, params: &str) -> Bytes {
        let id = id.into();
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        let line = Bytes::from(text);
        let Ok(Message::Request(request)) = decode(&line) else {
            panic!("not a request");
        };
        self.tells(SessionEvent::ServerRequested(self.ask(request)))
            .await;
        line
    }

    fn ask(&self, request: Request) -> ServerRequest {
        let within = std::time::Duration::from_secs(60);
        ServerRequest::new(self.server.handle.clone(), within, request)
    }
}
