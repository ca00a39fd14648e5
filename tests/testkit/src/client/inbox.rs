//! What a client has received and nobody has taken yet, and who waits for what. Filled by the reader task,
//! emptied by the test.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Notify, oneshot};

use super::super::sse::Item;
use super::Answer;

#[derive(Default)]
pub(crate) struct State {
    pub endpoint: Option<String>,
    /// Messages with a method, as (method, raw).
    pub calls: VecDeque<(String, String)>,
    /// Answers that were not expected, as (raw id, raw).
    pub unclaimed: Vec<(String, String)>,
    pub comments: usize,
    pub recorded: Option<Vec<u8>>,
    pub ended: Option<String>,
    waiting: HashMap<u64, oneshot::Sender<Result<String, String>>>,
    kept: HashMap<u64, Answer>,
}

impl State {
    pub(crate) fn take_call(&mut self, method: &str) -> Option<String> {
        let at = self.calls.iter().position(|(name, _)| name == method)?;
        self.calls.remove(at).map(|(_, raw)| raw)
    }

    pub(crate) fn take_unclaimed(&mut self, id: &str) -> Option<String> {
        let at = self.unclaimed.iter().position(|(raw_id, _)| raw_id == id)?;
        Some(self.unclaimed.remove(at).1)
    }

    fn on_event(&mut self, name: &str, data: String) -> Result<(), String> {
        match name {
            "endpoint" if self.endpoint.is_none() => self.endpoint = Some(data),
            "message" => self.on_message(data)?,
            other => return Err(format!("an event {other:?} that nobody expects: {data}")),
        }
        Ok(())
    }

    fn on_message(&mut self, raw: String) -> Result<(), String> {
        let envelope: Envelope = serde_json::from_str(&raw)
            .map_err(|error| format!("a message that is not JSON-RPC ({error}): {raw:.500}"))?;
        if let Some(method) = envelope.method {
            let method = method.into_owned();
            self.calls.push_back((method, raw));
            return Ok(());
        }
        let id = envelope.id.map_or("null", RawValue::get);
        let waiter = id.parse().ok().and_then(|id: u64| self.waiting.remove(&id));
        let id = id.to_owned();
        let refused = match waiter {
            // Given back when the caller no longer waits.
            Some(waiter) => waiter.send(Ok(raw)).err().and_then(Result::ok),
            None => Some(raw),
        };
        self.unclaimed.extend(refused.map(|raw| (id, raw)));
        Ok(())
    }
}

/// The part of a message that says whose it is.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
}

pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Notify,
}

impl Inbox {
    pub(crate) fn new(record: bool) -> Self {
        Self {
            state: Mutex::new(State {
                recorded: record.then(Vec::new),
                ..State::default()
            }),
            changed: Notify::new(),
        }
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().expect("no panic inside"))
    }

    /// Announces a request; its answer goes to the receiver.
    pub(crate) fn expect(&self, id: u64) -> Answer {
        let (sender, receiver) = oneshot::channel();
        self.look(|state| {
            // After the end nobody would drop the sender any more, and the caller would wait for its deadline.
            match &state.ended {
                None => drop(state.waiting.insert(id, sender)),
                Some(reason) => drop(sender.send(Err(reason.clone()))),
            }
        });
        receiver
    }

    /// No answer will come to the request with this raw id, and why.
    pub(crate) fn fail(&self, id: &str, reason: String) {
        let id = id.parse().ok();
        let waiter = self.look(|state| state.waiting.remove(&id?));
        if let Some(waiter) = waiter {
            drop(waiter.send(Err(reason)));
        }
    }

    pub(crate) fn keep(&self, id: u64, answer: Answer) {
        self.look(|state| state.kept.insert(id, answer));
    }

    pub(crate) fn kept(&self, id: u64) -> Option<Answer> {
        self.look(|state| state.kept.remove(&id))
    }

    /// Waits until `take` gives a value; an error when the stream ends before that.
    pub(crate) async fn until<T>(
        &self,
        mut take: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, String> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that what comes in between is not missed.
            changed.as_mut().enable();
            let (taken, ended) = self.look(|state| (take(state), state.ended.clone()));
            if let Some(taken) = taken {
                return Ok(taken);
            }
            if let Some(reason) = ended {
                return Err(reason);
            }
            changed.await;
        }
    }

    /// Waits for the end of the stream.
    pub(crate) async fn ended(&self) -> String {
        match self.until(|state| state.ended.clone()).await {
            Ok(reason) | Err(reason) => reason,
        }
    }

    pub(crate) fn record(&self, bytes: &[u8]) {
        self.look(|state| {
            if let Some(recorded) = &mut state.recorded {
                recorded.extend_from_slice(bytes);
            }
        });
    }

    /// Files one item; an error is a reason to end the stream.
    pub(crate) fn put(&self, item: Item) -> Result<(), String> {
        let filed = self.look(|state| match item {
            Item::Comment(_) => {
                state.comments += 1;
                Ok(())
            }
            // It only names the place to resume from.
            Item::Event { id, data, .. } if id.is_some() && data.is_empty() => Ok(()),
            Item::Event { name, data, .. } => String::from_utf8(data)
                .map_err(|_| "an event that is not UTF-8".to_owned())
                .and_then(|data| state.on_event(&name, data)),
        });
        self.changed.notify_waiters();
        filed
    }

    /// Files a body: one message, or a batch of answers.
    pub(crate) fn put_messages(&self, raw: String) -> Result<(), String> {
        let filed = self.look(|state| match serde_json::from_str::<Vec<&RawValue>>(&raw) {
            Ok(batch) => batch
                .into_iter()
                .try_for_each(|message| state.on_message(message.get().to_owned())),
            Err(_) => state.on_message(raw),
        });
        self.changed.notify_waiters();
        filed
    }

    /// Nothing more will come: every waiter learns it.
    pub(crate) fn end(&self, reason: String) {
        self.look(|state| {
            for (_, waiter) in state.waiting.drain() {
                drop(waiter.send(Err(reason.clone())));
            }
            state.ended = Some(reason);
        });
        self.changed.notify_waiters();
    }
}
