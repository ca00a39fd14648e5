//! Sessions and upstreams under random weather: servers bounce calls, die with them, come back;
//! clients cancel and leave; the registry is restarted. No call is lost or answered twice, and
//! every permit comes back. Each case prints its seed when it fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Client, House, Server, result, settle};
use crate::ids::Generation;
use crate::testing::{Listener, catalogue, listener, name, registry_after, upstream, wanted};
use crate::tree::call::ReplyToken;
use crate::tree::registry::{RegistryHandle, Routes, ServerState};
use crate::tree::root::RootMsg;
use crate::tree::upstream::UpstreamMsg;

const SERVERS: [&str; 3] = ["a", "b", "c"];
const ROOM: usize = 16;

/// What a client may still be told of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// One answer.
    Answer,
    /// It was cancelled: an answer that was under way, or none.
    AtMostOne,
    /// Nothing more.
    Nothing,
}

struct Caller {
    client: Client,
    due: BTreeMap<u64, Due>,
    last_id: u64,
}

/// One server's life, and the calls that it works on.
struct Life {
    server: Server,
    held: Vec<ReplyToken>,
    is_ready: bool,
}

struct World {
    rng: Rng,
    house: House,
    registry: RegistryHandle,
    root: Arc<Listener<Arc<Routes>>>,
    tables: tokio::sync::mpsc::UnboundedReceiver<Arc<Routes>>,
    last: Option<Arc<Routes>>,
    generation: u64,
    lives: BTreeMap<&'static str, Life>,
    callers: Vec<Caller>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let house = House::of(&SERVERS).await;
        let (root, tables) = listener();
        let mut world = Self {
            rng: Rng::with_seed(seed),
            registry: house.registry.clone(),
            house,
            root,
            tables,
            last: None,
            generation: 0,
            lives: BTreeMap::new(),
            callers: Vec::new(),
        };
        world.restart_registry().await;
        for server in SERVERS {
            world.begin(server).await;
        }
        for _ in 0..3 {
            world.connect().await;
        }
        world
    }

    async fn connect(&mut self) {
        self.callers.push(Caller {
            client: self.house.client().await,
            due: BTreeMap::new(),
            last_id: 0,
        });
    }

    async fn begin(&mut self, server: &'static str) {
        self.generation += 1;
        let (handle, actor, heard) = upstream(server, self.generation, ROOM).await;
        let life = Life {
            server: Server {
                handle,
                actor,
                heard,
            },
            held: Vec::new(),
            is_ready: false,
        };
        self.lives.insert(server, life);
        let state = ServerState::Starting { has_failed: false };
        self.tell(server, state);
    }

    fn tell(&self, server: &str, state: ServerState) {
        let generation = Generation(self.generation_of(server));
        self.registry.server_state(name(server), generation, state);
    }

    fn generation_of(&self, server: &str) -> u64 {
        self.lives[server].server.handle.generation().0
    }

    /// As root does it: the successor is told everything, and introduced to everybody.
    async fn restart_registry(&mut self) {
        while let Ok(routes) = self.tables.try_recv() {
            self.last = Some(routes);
        }
        self.registry = registry_after(self.last.clone(), self.root.clone()).await;
        let servers = SERVERS.iter().map(|server| wanted(server)).collect();
        self.registry.wanted(servers);
        for (server, life) in &self.lives {
            if life.is_ready {
                let tools = Some(catalogue(&["t"]));
                self.registry.catalogue(&life.server.handle, tools);
            } else {
                self.tell(server, ServerState::Between { has_failed: true });
            }
        }
        self.house.sessions.hello(self.registry.clone());
    }

    async fn step(&mut self) {
        let server = SERVERS[self.rng.usize(..SERVERS.len())];
        match self.rng.u32(..100) {
            0..40 => self.call(server),
            40..50 => self.cancel(),
            50..75 => self.work(server),
            75..80 => {
                let life = self.lives.get_mut(server).unwrap();
                life.is_ready = true;
                let tools = Some(catalogue(&["t"]));
                self.registry.catalogue(&life.server.handle, tools);
            }
            80..85 => self.die(server).await,
            85..87 => self.restart_registry().await,
            87..89 => self.leave().await,
            89..90 => sleep(Duration::from_secs(self.rng.u64(..20))).await,
            _ => settle().await,
        }
        self.read();
    }

    fn call(&mut self, server: &str) {
        let which = self.rng.usize(..self.callers.len());
        let caller = &mut self.callers[which];
        caller.last_id += 1;
        caller.client.calls(caller.last_id, &format!("{server}__t"));
        caller.due.insert(caller.last_id, Due::Answer);
    }

    fn cancel(&mut self) {
        let which = self.rng.usize(..self.callers.len());
        let caller = &mut self.callers[which];
        let id = self.rng.u64(..=caller.last_id);
        let params = json!({"requestId": id});
        caller.client.tells("notifications/cancelled", &params);
        if let Some(due @ Due::Answer) = caller.due.get_mut(&id) {
            *due = Due::AtMostOne;
        }
    }

    /// A server takes what it was sent, and does something with it.
    fn work(&mut self, server: &str) {
        let life = self.lives.get_mut(server).unwrap();
        while let Ok(message) = life.server.heard.try_recv() {
            match message {
                UpstreamMsg::Call(reply_token) if self.rng.u32(..4) == 0 => drop(reply_token),
                UpstreamMsg::Call(mut reply_token) => {
                    reply_token.handed_over();
                    life.held.push(reply_token);
                }
                UpstreamMsg::Cancel { call, .. } => {
                    let found = life.held.iter().position(|held| held.call() == call);
                    if let Some(found) = found {
                        life.held.swap_remove(found).close();
                    }
                }
                UpstreamMsg::Start
                | UpstreamMsg::Launched(_)
                | UpstreamMsg::Answered(_)
                | UpstreamMsg::Notify(_)
                | UpstreamMsg::Remember(_)
                | UpstreamMsg::Interested { .. }
                | UpstreamMsg::Wanted(_)
                | UpstreamMsg::Output(_)
                | UpstreamMsg::Hello(_)
                | UpstreamMsg::IdleTimeout(_)
                | UpstreamMsg::Stop { .. }
                | UpstreamMsg::TimerElapsed(_)
                | UpstreamMsg::Extend
                | UpstreamMsg::Stopped(_) => {}
            }
        }
        if !life.held.is_empty() {
            let which = self.rng.usize(..life.held.len());
            let reply_token = life.held.swap_remove(which);
            reply_token.progress(r#"{"jsonrpc":"2.0","method":"progress"}"#.into());
            match self.rng.u32(..10) {
                0 => drop(reply_token),
                _ => reply_token.answer(result("1")),
            }
        }
    }

    /// A life ends with all that it holds, and with its mailbox; the next one begins.
    async fn die(&mut self, server: &'static str) {
        let life = self.lives.remove(server).unwrap();
        life.server.actor.kill();
        if self.rng.bool() {
            settle().await;
        }
        drop(life.held);
        drop(life.server.heard);
        self.begin(server).await;
        let last = self.generation_of(server) - 1;
        let state = match self.rng.u32(..3) {
            0 => ServerState::Down {
                why: "exited".into(),
                next_try: Instant::now(),
            },
            _ => ServerState::Between { has_failed: true },
        };
        self.registry
            .server_state(name(server), Generation(last), state);
    }

    async fn leave(&mut self) {
        if self.callers.len() > 1 {
            let which = self.rng.usize(..self.callers.len());
            drop(self.callers.swap_remove(which));
        }
        self.connect().await;
    }

    fn read(&mut self) {
        for caller in &mut self.callers {
            while let Some(Some(event)) = caller.client.stream.next().now_or_never() {
                let message: Value = serde_json::from_slice(&event.message).unwrap();
                let Some(id) = message["id"].as_u64() else {
                    continue;
                };
                let due = caller.due.insert(id, Due::Nothing);
                let is_due = matches!(due, Some(Due::Answer | Due::AtMostOne));
                assert!(is_due, "{due:?}, and then {message}");
            }
        }
    }

    /// Fair weather: everything that can be answered is, and the rest has its time.
    async fn end(mut self) {
        for server in SERVERS {
            let life = self.lives.get_mut(server).unwrap();
            life.is_ready = true;
            let tools = Some(catalogue(&["t"]));
            self.registry.catalogue(&life.server.handle, tools);
        }
        for _ in 0..1_000 {
            settle().await;
            for server in SERVERS {
                self.work(server);
            }
            self.read();
        }
        sleep(Duration::from_secs(60)).await;
        self.read();
        for caller in &self.callers {
            let lost = caller.due.iter().filter(|(_, due)| **due == Due::Answer);
            assert_eq!(lost.count(), 0, "calls without an answer");
        }
        for life in self.lives.values() {
            assert!(life.held.is_empty());
            assert_eq!(life.server.free(), ROOM, "permits");
        }
        while let Ok(message) = self.house.told.try_recv() {
            assert!(!matches!(message, RootMsg::SessionsCalling { .. }));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_is_lost_or_answered_twice_in_any_weather() {
    for seed in 0..60 {
        eprintln!("seed {seed}");
        let mut world = World::new(seed).await;
        for _ in 0..400 {
            world.step().await;
        }
        world.end().await;
    }
}
