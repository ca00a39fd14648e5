//! Tests of conversations without an actor and without a runtime: a table, servers and a clock in the
//! test's hands. What a conversation is told is done when the call returns.

mod announcements;
mod asked_on_streams;
mod asleep;
mod calls;
mod exchange;
mod input_required;
mod instances;
mod logging;
mod record;
mod requests;
mod resume;
mod server_requests;
mod servers;
mod sessionless;
mod stop;
mod streamable;
mod subscriptions;
mod unheard;
mod world;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use self::world::World;
use super::super::delivery::StreamId;
use crate::ids::Generation;
use crate::protocol::jsonrpc;
use crate::testing::{catalogue, in_hand, name, wanted};
use crate::tree::call::{Answer, ReplyToken};
use crate::tree::registry::ServerState;
use crate::tree::upstream::{UpstreamHandle, UpstreamMsg};

/// The servers and the clients of a gateway.
#[derive(Clone)]
struct House(World);

impl House {
    fn of(servers: &[&str]) -> Self {
        let house = Self(World::new());
        let servers = servers.iter().map(|server| wanted(server));
        house.wanted(servers.collect());
        house
    }

    fn client(&self) -> Client {
        let number = self.0.enter(None, None);
        Client {
            world: self.0.clone(),
            number,
        }
    }

    /// A generation of a server that is ready and offers these tools.
    fn server(&self, server: &str, generation: u64, tools: &[&str]) -> Server {
        self.server_with(server, generation, tools, 128)
    }

    fn server_with(&self, server: &str, generation: u64, tools: &[&str], room: usize) -> Server {
        let server = self.starts(server, generation, room);
        self.catalogue(&server.handle, Some(catalogue(tools)));
        server
    }

    /// One that has not said yet what it offers.
    fn starts(&self, server: &str, generation: u64, room: usize) -> Server {
        let (handle, heard) = in_hand(server, generation, room);
        Server {
            world: self.0.clone(),
            handle,
            heard,
        }
    }

    fn between(&self, server: &str, generation: u64) {
        let state = ServerState::Between { has_failed: true };
        self.server_state(&name(server), Generation(generation), state);
    }
}

/// One connected client of HTTP+SSE. It goes when it is dropped.
struct Client {
    world: World,
    number: usize,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.world.leave(self.number);
    }
}

impl Client {
    fn posts(&self, message: &Value) {
        let text = Bytes::from(message.to_string());
        let message = jsonrpc::decode(&text).unwrap();
        self.world.with(self.number, |session| {
            let fx = &mut session.fx;
            session
                .conversation
                .on_message(fx, message, StreamId::STANDALONE);
        });
    }

    fn asks(&self, id: impl Into<Value>, method: &str, params: Value) {
        let mut message = json!({"jsonrpc": "2.0", "id": id.into(), "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.posts(&message);
    }

    fn calls(&self, id: impl Into<Value>, tool: &str) {
        self.asks(id, "tools/call", json!({"name": tool}));
    }

    fn is_used_now(&self) {
        self.world.touch(self.number);
    }

    fn tells(&self, method: &str, params: &Value) {
        self.posts(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// The next message, in whatever time.
    fn next(&mut self) -> Value {
        let within = self.world.now() + Duration::from_secs(3_600);
        loop {
            let said = self.world.with(self.number, |it| it.fx.said.pop_front());
            if let Some(said) = said {
                return serde_json::from_slice(&said).unwrap();
            }
            assert!(self.world.step(within), "the client waits for ever");
        }
    }

    /// The text of the next message, which is a failed call's result.
    fn next_failure(&mut self, id: impl Into<Value>) -> String {
        let message = self.next();
        assert_eq!(message["id"], id.into(), "{message}");
        assert_eq!(message["result"]["isError"], true, "{message}");
        let text = &message["result"]["content"][0]["text"];
        text.as_str().unwrap().to_owned()
    }

    /// Nothing comes for so long.
    fn hears_nothing_for(&mut self, time: Duration) {
        self.world.sleep(time);
        let said = self.world.with(self.number, |it| it.fx.said.pop_front());
        assert_eq!(said, None);
    }

    fn hears_nothing(&mut self) {
        self.hears_nothing_for(Duration::from_millis(10));
    }
}

/// One generation of a server.
struct Server {
    world: World,
    handle: UpstreamHandle,
    heard: UnboundedReceiver<UpstreamMsg>,
}

impl Server {
    fn next(&mut self) -> UpstreamMsg {
        self.world.settle();
        self.heard.try_recv().expect("the server is told nothing")
    }

    fn reply_token(&mut self) -> ReplyToken {
        let UpstreamMsg::Call(reply_token) = self.next() else {
            panic!("not a call");
        };
        reply_token
    }

    /// The call that is withdrawn, and the client's own words about it.
    fn cancelled(&mut self) -> (u64, Option<Bytes>) {
        let UpstreamMsg::Cancel { call, params } = self.next() else {
            panic!("not a cancellation");
        };
        (call.number, params)
    }

    fn hears_nothing(&mut self) {
        self.world.settle();
        assert!(self.heard.try_recv().is_err());
    }

    fn free(&self) -> usize {
        self.world.settle();
        self.handle.free()
    }
}

fn result(text: &'static str) -> Answer {
    Answer::Result(Bytes::from_static(text.as_bytes()))
}

fn tool_names(list: &Value) -> Vec<&str> {
    let tools = list["result"]["tools"].as_array().unwrap();
    let names = tools.iter().map(|tool| tool["name"].as_str());
    names.map(Option::unwrap).collect()
}

const LIST_CHANGED: &str = "notifications/tools/list_changed";
