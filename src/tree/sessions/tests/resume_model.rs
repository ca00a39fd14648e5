//! Any order of saying, reading, breaking and resuming: a client that names the last event it saw
//! misses nothing and hears nothing twice. The seed is printed when it fails.

use bytes::Bytes;
use fastrand::Rng;
use serde_json::json;

use super::{Event, House, Mcp, Outbound, Server, next, result, settle, value};
use crate::protocol::version::Version;
use crate::tree::call::ReplyToken;

/// Fewer than what is kept.
const MESSAGES: u64 = 60;

/// One call, its reply token and what its client has heard.
struct Run {
    client: Mcp,
    stream: Option<Outbound>,
    reply_token: Option<ReplyToken>,
    seen: Option<Event>,
    heard: Vec<u64>,
    said: u64,
}

impl Run {
    async fn start(house: &House, server: &mut Server) -> Self {
        let client = house.mcp(Version::LATEST).await;
        let mut stream = client.calls(0, "s__t");
        stream.begin_stream();
        Self {
            reply_token: Some(server.reply_token().await),
            seen: next(&mut stream).await,
            stream: Some(stream),
            heard: Vec::new(),
            said: 0,
            client,
        }
    }

    fn say(&mut self, rng: &mut Rng) {
        self.said += 1;
        if self.said == MESSAGES || rng.u32(..40) == 0 {
            let reply_token = self.reply_token.take().unwrap();
            return reply_token.answer(result("{}"));
        }
        let message = json!({"jsonrpc": "2.0", "method": "m", "params": self.said});
        let reply_token = self.reply_token.as_ref().unwrap();
        reply_token.progress(Bytes::from(message.to_string()));
    }

    /// Reads what is there, or a part of it. Gives whether that was the end.
    async fn read(&mut self, rng: &mut Rng) -> bool {
        settle().await;
        let stream = self.stream.as_mut().unwrap();
        while self.reply_token.is_none() || (self.heard.len() as u64) < self.said {
            if rng.u32(..4) == 0 {
                return false;
            }
            let event = next(stream).await.expect("the end before the last event");
            let message = value(&event);
            let is_answer = message.get("result").is_some();
            let number = message["params"].as_u64().unwrap_or(self.said);
            assert_eq!(event.is_last, is_answer);
            self.heard.push(number);
            self.seen = Some(event);
            if is_answer {
                return true;
            }
        }
        false
    }

    async fn resume(&mut self, rng: &mut Rng) {
        // The old connection may end before, after, or with its end unseen.
        let old = self.stream.take().filter(|_| rng.bool());
        if rng.bool() {
            settle().await;
        }
        self.stream = Some(self.client.listens(self.seen.as_ref()).await.unwrap());
        drop(old);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_missed_and_nothing_said_twice() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    for _ in 0..60 {
        let seed = fastrand::u64(..);
        eprintln!("seed {seed}");
        let mut rng = Rng::with_seed(seed);
        let mut run = Run::start(&house, &mut server).await;
        loop {
            match rng.u32(..6) {
                0..=3 if run.reply_token.is_some() => run.say(&mut rng),
                4 => run.resume(&mut rng).await,
                _ => {
                    if run.read(&mut rng).await {
                        break;
                    }
                }
            }
        }
        assert_eq!(run.heard, (1..=run.said).collect::<Vec<_>>());
        assert_eq!(next(&mut run.stream.take().unwrap()).await, None);
        settle().await;
        assert!(run.client.session.idle_for().is_some());
    }
}
