//! The clients that call all the time, eight over each transport and four without a session, and write down what each call came
//! to. They do what good SDKs do when a connection or a session is lost: come back, at once. None panics: the
//! ledger keeps what happened, and the judge says at the end what of it was wrong.

#![cfg(test)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{self, Instant, MissedTickBehavior};

use crate::ledger::{Call, Ledger, Outcome};
use crate::world::GOOD;

/// Calls that one client has in flight: the first asks good servers only, so that it never waits for another.
pub(crate) const LANES: usize = 3;
/// A lane calls no oftener: a call that is refused at once must not become a busy loop.
const BEAT: Duration = Duration::from_millis(15);
/// More than any call may take: `call_timeout`, and a start before it.
const PATIENCE: Duration = Duration::from_secs(75);

/// A call that is taken back is so after this at the latest.
const CURIOSITY: Duration = Duration::from_secs(2);

/// The id of the handshake, of every session.
pub(crate) const HANDSHAKE: u64 = 0;

/// What all steady clients share.
pub(crate) struct Stage {
    pub(crate) addr: SocketAddr,
    pub(crate) ledger: Ledger,
    /// Names that calls are sent to, also some that are gone.
    pub(crate) names: Mutex<Vec<String>>,
    /// No new calls.
    pub(crate) is_over: AtomicBool,
}

/// One client: its numbers, and who waits for which answer.
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) stage: Arc<Stage>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<()>>>,
    /// Who waits for the first word about a call.
    curious: Mutex<HashMap<u64, oneshot::Sender<()>>>,
}

/// A call that is to be sent.
pub(crate) struct Draft {
    pub(crate) id: u64,
    pub(crate) json: String,
    /// What takes it back, if it is to be.
    pub(crate) cancel: Option<String>,
}

impl Client {
    pub(crate) fn new(number: usize, stage: Arc<Stage>) -> Self {
        Self {
            number,
            stage,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            curious: Mutex::default(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stage.is_over.load(Ordering::SeqCst)
    }

    pub(crate) fn fresh_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    /// Calls again and again, by what `send` does with a call. It ends when no new calls are wanted.
    pub(crate) async fn lane(&self, lane: usize, mut send: impl AsyncFnMut(&Draft)) {
        let mut beat = time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over() {
            beat.tick().await;
            let server = self.choose(lane);
            let draft = self.draft(&server, lane > 0 && fastrand::u8(..) < 8);
            let answered = self.expect(draft.id);
            let call = async {
                send(&draft).await;
                // Dropped by a loss, which is written down where it is seen.
                if draft.cancel.is_none() {
                    drop(answered.await);
                }
            };
            let is_late = time::timeout(PATIENCE, call).await.is_err();
            if is_late || draft.cancel.is_some() {
                self.give_up(draft.id, Outcome::Silence);
            }
        }
    }

    fn choose(&self, lane: usize) -> String {
        if lane == 0 {
            return GOOD[fastrand::usize(..GOOD.len())].to_owned();
        }
        let names = self.stage.names.lock().expect("no panic inside");
        names[fastrand::usize(..names.len())].clone()
    }

    fn draft(&self, server: &str, is_cancelled: bool) -> Draft {
        let id = self.fresh_id();
        let nonce = format!("{}-{id}-{:x}", self.number, fastrand::u64(..));
        let (tool, arguments) = if is_cancelled {
            // It answers all the same, too late: until then it holds what a call holds.
            (
                "sleep",
                json!({ "ms": 5_000, "steps": 24, "ignore_cancel": true }),
            )
        } else {
            ("pid", json!({ "text": nonce }))
        };
        let meta = if is_cancelled {
            json!({ "progressToken": id })
        } else {
            json!({})
        };
        let name = format!("{server}__{tool}");
        let params = json!({ "name": name, "arguments": arguments, "_meta": meta });
        let json =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
        let cancel = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        );
        let call = Call {
            client: self.number,
            server: server.to_owned(),
            nonce,
            is_cancelled,
            withdrawn: None,
            sent: Instant::now(),
            settled: None,
        };
        self.stage.ledger.begin((self.number, id), call);
        Draft {
            id,
            json,
            cancel: is_cancelled.then_some(cancel),
        }
    }

    fn expect(&self, id: u64) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.waiting().insert(id, sender);
        receiver
    }

    /// Waits until the server has said anything about this call: then it has the call. Gives whether it has.
    pub(crate) async fn is_begun(&self, id: u64) -> bool {
        let (sender, receiver) = oneshot::channel();
        self.curious
            .lock()
            .expect("no panic inside")
            .insert(id, sender);
        let heard = time::timeout(CURIOSITY, receiver).await;
        heard.is_ok()
    }

    /// Nobody waits for this one any longer.
    pub(crate) fn give_up(&self, id: u64, outcome: Outcome) {
        self.stage.ledger.give_up((self.number, id), outcome);
        drop(self.waiting().remove(&id));
    }

    /// Everything in flight is lost.
    pub(crate) fn lose(&self, why: &str) {
        self.stage.ledger.lose(self.number, why);
        self.waiting().clear();
    }

    /// Takes any message of the gateway.
    pub(crate) fn take(&self, raw: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Value>(raw) else {
            let text = String::from_utf8_lossy(raw);
            return self.stage.ledger.complain(format!("not JSON: {text:.300}"));
        };
        if message.get("method").is_some() {
            let token = message
                .pointer("/params/progressToken")
                .and_then(Value::as_u64);
            let mut curious = self.curious.lock().expect("no panic inside");
            drop(token.and_then(|id| curious.remove(&id)));
            return;
        }
        let Some(id) = message.get("id").and_then(Value::as_u64) else {
            let complaint = format!("an answer without an id: {message}");
            return self.stage.ledger.complain(complaint);
        };
        if id == HANDSHAKE {
            return;
        }
        self.stage.ledger.answer((self.number, id), read(&message));
        if let Some(waiting) = self.waiting().remove(&id) {
            waiting.send(()).ok();
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<()>>> {
        self.waiting.lock().expect("no panic inside")
    }
}

/// What an answer says: who it is from, and to what; or that the call failed.
pub(crate) fn read(answer: &Value) -> Outcome {
    let text = answer.pointer("/result/content/0/text");
    let text = text.and_then(Value::as_str);
    let is_error = answer.pointer("/result/isError") == Some(&Value::Bool(true));
    let Some(text) = text.filter(|_| !is_error) else {
        let error = answer.get("error").map(Value::to_string);
        let said = text.map(str::to_owned).or(error);
        return Outcome::Refused(said.unwrap_or_else(|| answer.to_string()));
    };
    let identity: Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| identity.get(name).and_then(Value::as_str);
    let marker = field("marker").unwrap_or(text);
    let pid = identity.get("pid").and_then(Value::as_u64);
    Outcome::Answered {
        marker: marker.to_owned(),
        text: field("text").unwrap_or_default().to_owned(),
        pid: pid.and_then(|pid| pid.try_into().ok()).unwrap_or_default(),
    }
}

/// The request that begins a session.
pub(crate) fn hello() -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{HANDSHAKE},"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{{"name":"steady","version":"1"}}}}}}"#
    )
}

pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
