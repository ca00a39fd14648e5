//! The calls of one client in one session, and what may come back: exactly one answer each, and its
//! own; none for one that was cancelled, or one that crossed the cancellation; progress only before.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::server::between;
use super::world::World;
use crate::protocol::jsonrpc::{self, Message, Notification, Request, RequestId, Response};

/// One call without an answer.
struct Call {
    nonce: String,
    is_good: bool,
    is_cancelled: bool,
}

/// The book of one session's client.
pub(super) struct Calls {
    world: Arc<World>,
    open: BTreeMap<u64, Call>,
    last_id: u64,
}

impl Calls {
    pub(super) fn new(world: &Arc<World>) -> Self {
        Self {
            world: Arc::clone(world),
            open: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// A request of the client's own making; its answer is only to come.
    pub(super) fn ask(&mut self, method: &str, params: &str) -> Message {
        let call = Call {
            nonce: String::new(),
            is_good: true,
            is_cancelled: false,
        };
        self.enter(call, method, params.to_owned())
    }

    /// A call of a tool of this server. Those of good servers succeed.
    pub(super) fn call(&mut self, server: &str, tool: &str, must_succeed: bool) -> Message {
        let nonce = self.world.nonce(server);
        let id = self.last_id + 1;
        let meta = if self.world.dice.one_in(3) {
            format!(r#","_meta":{{"progressToken":{id}}}"#)
        } else {
            String::new()
        };
        let params =
            format!(r#"{{"name":"{server}__{tool}","arguments":{{"n":"{nonce}"}}{meta}}}"#);
        self.world.count(|tally| tally.calls += 1);
        self.world.note("calls", &nonce, id);
        let call = Call {
            nonce,
            is_good: must_succeed,
            is_cancelled: false,
        };
        self.enter(call, "tools/call", params)
    }

    fn enter(&mut self, call: Call, method: &str, params: String) -> Message {
        self.last_id += 1;
        self.open.insert(self.last_id, call);
        Message::Request(Request {
            id: RequestId::from_number(self.last_id),
            method: method.into(),
            params: Some(params.into()),
        })
    }

    /// Cancels one of the calls without an answer, if there is one.
    pub(super) fn cancel(&mut self) -> Option<Message> {
        let uncancelled = self.open.iter().filter(|(_, call)| !call.is_cancelled);
        let ids: Vec<u64> = uncancelled
            .filter(|(_, call)| !call.nonce.is_empty())
            .map(|(id, _)| *id)
            .collect();
        let id = *self.world.dice.pick(&ids)?;
        self.open.get_mut(&id)?.is_cancelled = true;
        self.world.count(|tally| tally.cancelled += 1);
        self.world.note("cancels", "", id);
        let params = format!(r#"{{"requestId":{id},"reason":"changed my mind"}}"#);
        Some(Message::Notification(Notification {
            method: "notifications/cancelled".into(),
            params: Some(params.into()),
        }))
    }

    /// How many calls are to be answered yet.
    pub(super) fn awaited(&self) -> usize {
        let open = self.open.values();
        open.filter(|call| !call.is_cancelled).count()
    }

    /// Takes a message in. Gives the result if it is an answer to [`Self::ask`].
    pub(super) fn hear(&mut self, message: &Bytes) -> Option<Bytes> {
        match jsonrpc::decode(message) {
            Ok(Message::Response(response)) => return self.on_response(response),
            Ok(Message::Notification(told)) => {
                if &*told.method == "notifications/progress" {
                    self.on_progress(told.params.as_ref());
                }
            }
            Ok(Message::Request(_)) => {}
            Err(error) => self.complain(format!("a client was sent {message:?}: {error}")),
        }
        None
    }

    fn on_response(&mut self, response: Response) -> Option<Bytes> {
        let id = response.id.as_ref().and_then(RequestId::as_number);
        let Some(call) = id.and_then(|id| self.open.remove(&id)) else {
            self.complain(format!("an answer too many: {response:?}"));
            return None;
        };
        let text = response.outcome.as_ref().unwrap_or_else(|error| error);
        let text = String::from_utf8_lossy(text).into_owned();
        self.world.note("hears", &call.nonce, id.unwrap_or(0));
        if call.nonce.is_empty() {
            return response.outcome.ok();
        }
        let is_done = response.outcome.is_ok() && !text.contains(r#""isError":true"#);
        let nonce = between(&text, "#", "\"").map(|nonce| format!("#{nonce}"));
        if is_done && nonce.as_deref() != Some(&call.nonce) {
            self.complain(format!("{} got another's answer: {text}", call.nonce));
        }
        if !is_done && call.is_good && !call.is_cancelled {
            self.complain(format!("{} failed at a good server: {text}", call.nonce));
        }
        self.world.count(|tally| {
            let slot = if is_done {
                &mut tally.succeeded
            } else {
                &mut tally.failed
            };
            *slot += 1;
        });
        None
    }

    fn on_progress(&self, params: Option<&Bytes>) {
        let text = params.map_or("", |params| std::str::from_utf8(params).unwrap());
        let token = between(text, r#""progressToken":"#, ",");
        let token = token.and_then(|token| token.parse::<u64>().ok());
        if !token.is_some_and(|token| self.open.contains_key(&token)) {
            self.complain(format!("progress of a call without a token: {text}"));
        }
    }

    /// The session ended; `why` if it was to be expected.
    pub(super) fn lost(&mut self, why: Option<&str>) {
        let lost = u64::try_from(self.awaited()).unwrap();
        self.world.count(|tally| tally.lost += lost);
        self.world.note("ends", why.unwrap_or("session"), lost);
        if why.is_none() && self.world.strikes_on_sessions() == 0 {
            self.complain("a session ended, and nobody had struck one".into());
        }
        self.open.clear();
    }

    /// There was time enough for everything.
    pub(super) fn overdue(&self) {
        for (id, call) in &self.open {
            if !call.is_cancelled {
                self.complain(format!("{id} {} was never answered", call.nonce));
            }
        }
    }

    pub(super) fn complain(&self, complaint: String) {
        self.world.complain(complaint);
    }
}
