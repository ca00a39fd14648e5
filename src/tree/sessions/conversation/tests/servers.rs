//! Servers for the tests beside this file: such as offer more than tools, and such as belong to one
//! session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Client, House, Server};
use crate::config::model::{Isolation, View};
use crate::ids::Generation;
use crate::protocol::jsonrpc::{Message, Response, decode};
use crate::testing::{name, wanted};
use crate::tree::client::{InstanceOwner, Interest, ServerRequest, SessionEvent};
use crate::tree::registry::{Catalogue, ConfiguredServer, RouteState, ServerState};
use crate::tree::upstream::UpstreamMsg;

impl House {
    /// A house with one server, of which each session has its own instance, and its template.
    pub(super) fn isolating(server: &str, offered: &Arc<Catalogue>) -> (Self, Server) {
        let house = Self::of(&[]);
        house.isolates(server, Isolation::Session);
        let template = house.offering(server, 1, offered);
        (house, template)
    }

    /// The configuration says so from now on.
    pub(super) fn isolates(&self, server: &str, isolation: Isolation) {
        self.isolates_as(server, isolation, View::default());
    }

    /// The same of what clients see of it.
    pub(super) fn isolates_as(&self, server: &str, isolation: Isolation, view: View) {
        let wanted = wanted(server);
        self.wanted(vec![ConfiguredServer {
            isolation,
            view: Arc::new(view),
            ..wanted
        }]);
    }

    /// A generation of a server that is ready and offers this.
    pub(super) fn offering(
        &self,
        server: &str,
        generation: u64,
        offered: &Arc<Catalogue>,
    ) -> Server {
        let server = self.starts(server, generation, 128);
        self.catalogue(&server.handle, Some(Arc::clone(offered)));
        server
    }

    pub(super) fn owner(&self) -> InstanceOwner {
        let mut owners = self.owners();
        assert_eq!(owners.len(), 1);
        owners.pop().unwrap()
    }

    pub(super) fn starting(&self, server: &str, generation: u64) {
        let state = ServerState::Starting { has_failed: false };
        self.server_state(&name(server), Generation(generation), state);
    }

    pub(super) fn wants(&self, servers: &[&str]) {
        let servers = servers.iter().map(|server| wanted(server)).collect();
        self.wanted(servers);
    }
}

impl Client {
    /// Shakes hands, with these capabilities.
    pub(super) fn initialises(&mut self, capabilities: &Value) {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities});
        self.asks("initialize", "initialize", params);
        assert_eq!(self.next()["id"], "initialize");
        self.tells("notifications/initialized", &json!({}));
    }

    pub(super) fn answers(&self, id: &Value, result: &Value) {
        self.posts(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }
}

/// An instance of a server that belongs to one session.
pub(super) struct Own {
    pub(super) server: Server,
    pub(super) owner: InstanceOwner,
}

impl Own {
    /// One that is ready and offers this.
    pub(super) fn of(
        house: &House,
        owner: InstanceOwner,
        (server, generation): (&str, u64),
        offered: &Arc<Catalogue>,
    ) -> Self {
        let server = house.starts(server, generation, 128);
        let own = Self { server, owner };
        own.offers(offered);
        own
    }

    pub(super) fn offers(&self, offered: &Arc<Catalogue>) {
        let handle = self.server.handle.clone();
        let catalogue = Some(Arc::clone(offered));
        self.tells(SessionEvent::Offers { handle, catalogue });
    }

    pub(super) fn tells(&self, event: SessionEvent) {
        self.owner.client.tell(event);
        self.server.world.settle();
    }

    /// As root says it.
    pub(super) fn is_now(&self, state: Option<RouteState>) {
        let server = self.server.handle.server().clone();
        self.tells(SessionEvent::Instance { server, state });
    }

    /// Asks the client something. Gives the line.
    pub(super) fn asks(&self, id: impl Into<Value>, method: &str, params: &str) -> Bytes {
        let id = id.into();
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        let line = Bytes::from(text);
        let Ok(Message::Request(request)) = decode(&line) else {
            panic!("not a request");
        };
        let within = Duration::from_secs(60);
        let ask = ServerRequest::new(self.server.handle.clone(), within, request);
        self.tells(SessionEvent::ServerRequested(ask));
        line
    }

    /// The next answer to what it asked: the id, and the result or the error.
    pub(super) fn answer(&mut self) -> (String, Result<Value, Value>) {
        let UpstreamMsg::Answered(Response { id, outcome }) = self.server.next() else {
            panic!("not an answer");
        };
        let read = |body: Bytes| serde_json::from_slice(&body).unwrap();
        let outcome = outcome.map(read).map_err(read);
        (id.unwrap().as_raw().to_owned(), outcome)
    }

    pub(super) fn notified(&mut self) -> Value {
        let UpstreamMsg::Notify(line) = self.server.next() else {
            panic!("not a notification");
        };
        serde_json::from_slice(&line).unwrap()
    }
}

impl Server {
    /// What a session wants to hear of it, as it is told next.
    pub(super) fn interest(&mut self) -> Interest {
        let UpstreamMsg::Interested { interest, .. } = self.next() else {
            panic!("not an interest");
        };
        interest
    }
}
