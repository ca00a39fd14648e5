//! What servers ask while a request runs. A client of this era cannot be asked: the questions are
//! gathered, shown as the request's result, and the request is held until its client asks again with
//! the answers.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::state_token::Secret;
use crate::config::model::Limits;
use crate::protocol::jsonrpc::{RequestId, code};
use crate::protocol::mcp::lifecycle::ClientCapabilities;
use crate::protocol::mcp::method;
use crate::protocol::modern::input_required::{self, Identity, Returned};
use crate::tree::client::ServerRequest;

/// How long others are waited for after the first question: what is asked together costs one round.
const GATHER: Duration = Duration::from_millis(20);
/// How long a client has for its answers, each time: as long as official SDKs have.
const ROUND: Duration = Duration::from_secs(600);

/// One question without an answer.
struct Ask {
    key: String,
    params: Option<Bytes>,
    asked: ServerRequest,
}

/// What the client was shown.
#[derive(Debug, Clone, Copy)]
struct Shown {
    secret: Secret,
    identity: Identity,
    until: Instant,
}

/// All of them.
#[derive(Default)]
pub(super) struct Asks {
    open: Vec<Ask>,
    last_key: u64,
    /// When they are shown.
    show_at: Option<Instant>,
    shown: Option<Shown>,
    /// When the server is told again that somebody is being asked.
    extend_at: Option<Instant>,
}

impl Asks {
    /// A server asks. What is open at once is limited as it is for a session. Gives what the client would
    /// have to declare to be asked.
    pub(super) fn take(
        &mut self,
        now: Instant,
        mut asked: ServerRequest,
        capabilities: ClientCapabilities,
        limits: &Limits,
    ) -> Option<&'static str> {
        let name = asked.request.method.clone();
        let params = asked.request.params.take();
        let by_url = &*name == method::ELICITATION && input_required::is_by_url(params.as_ref());
        if let Some(missing) = capabilities.missing(&name, by_url) {
            let text = format!("Method not found: the client does not offer '{name}'");
            asked.refuse(code::METHOD_NOT_FOUND, &text);
            return Some(missing);
        }
        let sizes = self.open.iter().map(|ask| ask.params.as_ref());
        let sizes = sizes.chain([params.as_ref()]).flatten().map(Bytes::len);
        if self.open.len() >= limits.max_questions_per_session
            || sizes.sum::<usize>() > limits.max_outgoing_bytes
        {
            let text = "busy: the client has as many questions before it as it may";
            asked.refuse(code::BUSY, text);
            return None;
        }
        self.last_key += 1;
        self.extend_at.get_or_insert(now + asked.timeout / 2);
        self.open.push(Ask {
            key: format!("r{}", self.last_key),
            params: params.map(|params| input_required::question(&name, &params)),
            asked,
        });
        if self.shown.is_none() {
            self.show_at.get_or_insert(now + GATHER);
        }
        None
    }

    /// The server does not want the answer any more.
    pub(super) fn withdraw(&mut self, id: &RequestId) {
        for ask in self.open.extract_if(.., |ask| ask.asked.id() == id) {
            ask.asked.close();
        }
    }

    /// The life that asked has ended: nobody waits for the answers.
    pub(super) fn forget(&mut self) {
        for ask in self.open.drain(..) {
            ask.asked.close();
        }
        self.show_at = None;
    }

    /// Whether it is time to show them.
    pub(super) fn are_due(&mut self, now: Instant) -> bool {
        let is_due = self.show_at.take_if(|at| *at <= now).is_some();
        is_due && !self.open.is_empty()
    }

    /// Shows them: the raw result. From here on the client may ask again.
    pub(super) fn show(
        &mut self,
        now: Instant,
        (state, secret): (&str, Secret),
        identity: Identity,
    ) -> Vec<u8> {
        self.shown = Some(Shown {
            secret,
            identity,
            until: now + ROUND,
        });
        let questions = self.open.iter().map(|ask| {
            let params = ask.params.as_deref();
            (ask.key.as_str(), &*ask.asked.request.method, params)
        });
        input_required::result(questions, state)
    }

    /// Whether the client was shown questions, and has not asked again.
    pub(super) fn are_shown(&self) -> bool {
        self.shown.is_some()
    }

    /// Whether `identity` with this secret is what the client was shown them for.
    pub(super) fn belong_to(&self, secret: &Secret, identity: Identity) -> bool {
        let is_it = |shown: &Shown| shown.secret == *secret && shown.identity == identity;
        self.shown.as_ref().is_some_and(is_it)
    }

    /// The client has asked again. Gives whether all questions have their answers, which their servers
    /// get then; otherwise they are to be shown again.
    pub(super) fn answer(&mut self, returned: &Returned) -> bool {
        self.shown = None;
        let has_answer = |ask: &Ask| returned.answers.contains_key(&ask.key);
        let are_all = self.open.iter().all(has_answer);
        if are_all {
            for ask in self.open.drain(..) {
                if let Some(answer) = returned.answers.get(&ask.key) {
                    ask.asked.answer(Ok(answer.clone()));
                }
            }
            self.extend_at = None;
        }
        are_all
    }

    /// Whether the client has had its time.
    pub(super) fn are_overdue(&self, now: Instant) -> bool {
        self.shown.is_some_and(|shown| shown.until <= now)
    }

    /// Has the servers wait for longer, if it is time to say so.
    pub(super) fn extend(&mut self, now: Instant) {
        if self.extend_at.take_if(|at| *at <= now).is_none() {
            return;
        }
        for ask in &self.open {
            ask.asked.upstream().extend();
            let again = now + ask.asked.timeout / 2;
            self.extend_at.get_or_insert(again);
        }
    }

    /// When something is to be done.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let until = self.shown.map(|shown| shown.until);
        let all = [self.show_at, self.extend_at, until];
        all.into_iter().flatten().min()
    }
}

impl Drop for Asks {
    /// Every server gets an answer: a user who was not asked did not decline.
    fn drop(&mut self) {
        for ask in self.open.drain(..) {
            if &*ask.asked.request.method == method::ELICITATION {
                let cancelled = Bytes::from_static(br#"{"action":"cancel"}"#);
                ask.asked.answer(Ok(cancelled));
            }
        }
    }
}
