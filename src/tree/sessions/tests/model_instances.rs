//! Sessions and their own instances under random weather: instances die with calls and questions,
//! come back, withdraw what they asked; clients answer, or do not, and leave. Every call is
//! answered once, and so is every question. Each case prints its seed when it fails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::servers::Own;
use super::{Client, House, Server, result, settle};
use crate::testing::{name, offer};
use crate::tree::call::ReplyToken;
use crate::tree::client::{InstanceOwner, SessionEvent};
use crate::tree::registry::RouteState;
use crate::tree::upstream::UpstreamMsg;

/// One client, and its instance once it has one.
struct Pair {
    client: Client,
    due: BTreeSet<u64>,
    last_id: u64,
    /// The ids of all questions it was asked, and of those without an answer.
    seen: BTreeSet<u64>,
    unanswered: Vec<u64>,
    life: Option<Life>,
}

struct Life {
    own: Own,
    held: Vec<ReplyToken>,
    /// What it asked; whether it has to be answered, or was withdrawn and may be.
    asked: BTreeMap<u64, bool>,
}

struct World {
    rng: Rng,
    house: House,
    _template: Server,
    generation: u64,
    pairs: Vec<Pair>,
    last_question: u64,
}

impl World {
    async fn new(seed: u64) -> Self {
        let (house, template) = House::isolating("s", &offer(&["t"], &[])).await;
        let mut world = Self {
            rng: Rng::with_seed(seed),
            house,
            _template: template,
            generation: 1,
            pairs: Vec::new(),
            last_question: 0,
        };
        for _ in 0..3 {
            world.connect().await;
        }
        world
    }

    /// Connects a client; its first call makes root start an instance, sooner or later.
    async fn connect(&mut self) {
        let mut client = self.house.client().await;
        client.initialises(json!({"sampling": {}})).await;
        client.calls(0, "s__t");
        let owner = self.house.owner().await;
        self.pairs.push(Pair {
            client,
            due: [0].into(),
            last_id: 0,
            seen: BTreeSet::new(),
            unanswered: Vec::new(),
            life: None,
        });
        let life = self.begin(owner).await;
        self.pairs.last_mut().unwrap().life = Some(life);
    }

    async fn begin(&mut self, owner: InstanceOwner) -> Life {
        self.generation += 1;
        Life {
            own: Own::of(owner, "s", self.generation, &offer(&["t"], &[])).await,
            held: Vec::new(),
            asked: BTreeMap::new(),
        }
    }

    async fn step(&mut self) {
        let at = self.rng.usize(..self.pairs.len());
        match self.rng.u32(..100) {
            0..30 => self.pairs[at].call(),
            30..50 => self.ask(at).await,
            50..55 => self.withdraw(at).await,
            55..60 => self.die(at).await,
            60..62 => {
                let pair = self.pairs.swap_remove(at);
                leave(pair).await;
                self.connect().await;
            }
            62..64 => sleep(Duration::from_secs(self.rng.u64(..50))).await,
            _ => settle().await,
        }
        for pair in &mut self.pairs {
            pair.read(&mut self.rng);
            pair.life.as_mut().unwrap().work(&mut self.rng);
        }
    }

    async fn ask(&mut self, at: usize) {
        self.last_question += 1;
        let life = self.pairs[at].life.as_mut().unwrap();
        life.asked.insert(self.last_question, true);
        let question = self.last_question;
        life.own
            .asks(question, "sampling/createMessage", "{}")
            .await;
    }

    async fn withdraw(&mut self, at: usize) {
        let life = self.pairs[at].life.as_mut().unwrap();
        if let Some((question, is_due)) = life.asked.iter_mut().next() {
            *is_due = false;
            let params = Bytes::from(json!({"requestId": question}).to_string());
            let server = name("s");
            life.own
                .tells(SessionEvent::ServerRequestCancelled { server, params })
                .await;
        }
    }

    /// A life ends with all that it holds, and the next one begins.
    async fn die(&mut self, at: usize) {
        let life = self.pairs[at].life.take().unwrap();
        life.own.server.actor.kill();
        drop(life.held);
        let state = if self.rng.bool() {
            RouteState::Starting
        } else {
            RouteState::Down {
                why: "exited".into(),
                next_try: Instant::now(),
            }
        };
        life.own.is_now(Some(state)).await;
        let next = self.begin(life.own.owner.clone()).await;
        self.pairs[at].life = Some(next);
    }

    /// Fair weather: everything that can be answered is, and the rest has its time.
    async fn end(mut self) {
        for _ in 0..300 {
            settle().await;
            for pair in &mut self.pairs {
                pair.read(&mut self.rng);
                pair.life.as_mut().unwrap().work(&mut self.rng);
            }
        }
        sleep(Duration::from_secs(120)).await;
        for mut pair in self.pairs {
            pair.read(&mut self.rng);
            assert_eq!(pair.due, BTreeSet::new(), "calls without an answer");
            leave(pair).await;
        }
    }
}

/// A client goes; whatever its instance asked is answered then.
async fn leave(pair: Pair) {
    drop(pair.client);
    settle().await;
    let mut life = pair.life.unwrap();
    life.hear(&mut Rng::with_seed(0));
    let waits = life.asked.values().any(|is_due| *is_due);
    assert!(!waits, "questions without an answer: {:?}", life.asked);
}

impl Pair {
    fn call(&mut self) {
        self.last_id += 1;
        self.due.insert(self.last_id);
        self.client.calls(self.last_id, "s__t");
    }

    /// The client reads all there is, and answers some of it.
    fn read(&mut self, rng: &mut Rng) {
        while let Some(Some(event)) = self.client.stream.next().now_or_never() {
            let message: Value = serde_json::from_slice(&event.message).unwrap();
            let Some(id) = message["id"].as_u64() else {
                continue;
            };
            if message["method"].is_string() {
                assert!(self.seen.insert(id), "asked twice: {message}");
                self.unanswered.push(id);
            } else {
                assert!(self.due.remove(&id), "answered twice: {message}");
            }
        }
        if !self.unanswered.is_empty() && rng.bool() {
            let at = rng.usize(..self.unanswered.len());
            let id = self.unanswered.swap_remove(at);
            self.client.answers(&json!(id), &json!({}));
        }
    }
}

impl Life {
    fn work(&mut self, rng: &mut Rng) {
        self.hear(rng);
        if !self.held.is_empty() && rng.bool() {
            let at = rng.usize(..self.held.len());
            self.held.swap_remove(at).answer(result("{}"));
        }
    }

    /// Takes what it is sent; some calls it does not take, and some it loses.
    fn hear(&mut self, rng: &mut Rng) {
        while let Ok(message) = self.own.server.heard.try_recv() {
            match message {
                UpstreamMsg::Call(reply_token) if rng.u32(..8) == 0 => drop(reply_token),
                UpstreamMsg::Call(mut reply_token) => {
                    reply_token.handed_over();
                    if rng.u32(..8) > 0 {
                        self.held.push(reply_token);
                    }
                }
                UpstreamMsg::Cancel { call, .. } => {
                    let found = self.held.iter().position(|held| held.call() == call);
                    if let Some(found) = found {
                        self.held.swap_remove(found).close();
                    }
                }
                UpstreamMsg::Answered(response) => {
                    let question = response.id.and_then(|id| id.as_number()).unwrap();
                    let asked = self.asked.remove(&question);
                    assert!(asked.is_some(), "{question} is answered twice");
                }
                UpstreamMsg::Start
                | UpstreamMsg::Launched(_)
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
                | UpstreamMsg::Stopped(_) => panic!("{message}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_and_no_question_is_lost_or_answered_twice_in_any_weather() {
    for seed in 0..40 {
        eprintln!("seed {seed}");
        let mut world = World::new(seed).await;
        for _ in 0..300 {
            world.step().await;
        }
        world.end().await;
    }
}
