//! What servers ask the client: `sampling/createMessage`, `elicitation/create`, `roots/list`. The
//! session's own instances do so by requests, those without a handshake in answer to a call. Each goes out under an id of the gateway's own, which is its progress token too,
//! and its server gets an answer whatever the client does.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::delivery::StreamId;
use super::input_required::ROUND;
use super::{Conversation, Effects};
use crate::ids::{Generation, ServerName};
use crate::protocol::jsonrpc::{self, RequestId, Response, code};
use crate::protocol::mcp::cancelled::{self, Cancelled};
use crate::protocol::mcp::method;
use crate::protocol::mcp::progress::Progress;
use crate::protocol::mcp::server_requests::ServerRequestParams;
use crate::tree::client::ServerRequest;
use crate::tree::registry::RouteState;

/// Whose question it is.
pub(super) enum AskedBy {
    /// A server's own request.
    Server(ServerRequest),
    /// A call's, by its number: which of its questions, and by which method.
    Call(u64, usize, &'static str),
}

/// A request that the client has not answered.
pub(super) struct OpenServerRequest {
    by: AskedBy,
    stream: StreamId,
    /// The event of the standalone stream that asks it.
    event: Option<u64>,
    /// The server's progress token, as it wrote it.
    token: Option<Box<str>>,
    /// When the client has had its time.
    deadline: Instant,
}

impl AskedBy {
    /// No answer is wanted.
    fn close(self) {
        match self {
            Self::Server(ask) => ask.close(),
            Self::Call(..) => {}
        }
    }
}

/// All of them.
pub(super) struct ServerRequests {
    open: BTreeMap<u64, OpenServerRequest>,
    last_number: u64,
}

impl Default for ServerRequests {
    /// A client that lives longer than the gateway may yet answer what an earlier life asked: the
    /// numbers begin anywhere, and stay where every client counts exactly.
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            last_number: fastrand::u64(..1 << 48),
        }
    }
}

impl ServerRequests {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// The events of the standalone stream that ask them.
    pub(super) fn events(&self) -> Vec<u64> {
        self.open.values().filter_map(|open| open.event).collect()
    }

    /// When the first of them is overdue.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.open.values().map(|open| open.deadline).min()
    }

    fn overdue(&self, now: Instant) -> Vec<u64> {
        let open = self.open.iter();
        let overdue = open.filter(|(_, open)| open.deadline <= now);
        overdue.map(|(number, _)| *number).collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Those of a call.
    fn of_call(&self, number: u64) -> Vec<u64> {
        let is_it = |open: &OpenServerRequest| match open.by {
            AskedBy::Call(of, ..) => of == number,
            AskedBy::Server(_) => false,
        };
        let open = self.open.iter();
        open.filter_map(|(number, open)| is_it(open).then_some(*number))
            .collect()
    }

    /// The number that the server knows under this id.
    fn find(&self, server: &ServerName, id: &RequestId) -> Option<u64> {
        let is_it = |open: &OpenServerRequest| match &open.by {
            AskedBy::Server(ask) => ask.upstream().server() == server && ask.id() == id,
            AskedBy::Call(..) => false,
        };
        let mut latest_first = self.open.iter().rev();
        latest_first.find_map(|(number, open)| is_it(open).then_some(*number))
    }

    /// Those of `server`, or only of its lives before `generation`.
    fn of(&self, server: &ServerName, before: Option<Generation>) -> Vec<u64> {
        let is_it = |open: &OpenServerRequest| {
            let AskedBy::Server(ask) = &open.by else {
                return false;
            };
            let upstream = ask.upstream();
            let is_past = before.is_none_or(|before| upstream.generation() < before);
            upstream.server() == server && is_past
        };
        let open = self.open.iter();
        open.filter_map(|(number, open)| is_it(open).then_some(*number))
            .collect()
    }
}

impl Conversation {
    /// A server asks the client something.
    pub(super) fn on_server_request(&mut self, fx: &mut dyn Effects, mut ask: ServerRequest) {
        let asked = &ask.request.method;
        if !self.client.capabilities.allows(asked) {
            let text = format!("Method not found: the client does not offer '{asked}'");
            return ask.refuse(code::METHOD_NOT_FOUND, &text);
        }
        if self.server_requests.open.len() >= self.limits.max_questions_per_session || fx.is_full()
        {
            let text = "busy: the client has as many requests before it as it may";
            return ask.refuse(code::BUSY, text);
        }
        // The client may take its time: what it was sent must not wait here too.
        let params = ask.request.params.take();
        let method = ask.request.method.clone();
        let stream = self.stream_at(fx, ask.upstream().server());
        self.put_question(fx, stream, (&method, params.as_ref()), AskedBy::Server(ask));
    }

    /// Puts a question to the client, on `stream`.
    pub(super) fn put_question(
        &mut self,
        fx: &mut dyn Effects,
        stream: StreamId,
        (method, params): (&str, Option<&Bytes>),
        by: AskedBy,
    ) {
        let number = self.server_requests.next_number();
        let params = ServerRequestParams::parse(params);
        let token = params.token().map(Box::from);
        let params = params.rewrite(Some(number));
        let request = jsonrpc::request(number, method, params.as_deref());
        let timeout = match &by {
            AskedBy::Server(ask) => ask.timeout,
            AskedBy::Call(..) => ROUND,
        };
        let open = OpenServerRequest {
            deadline: fx.now() + timeout,
            event: fx.ask(stream, request),
            by,
            stream,
            token,
        };
        self.server_requests.open.insert(number, open);
    }

    /// The client answers.
    pub(super) fn on_response(&mut self, fx: &mut dyn Effects, response: Response) {
        let number = response.id.as_ref().and_then(RequestId::as_number);
        let open = number.and_then(|number| self.server_requests.open.remove(&number));
        match open.map(|open| open.by) {
            Some(AskedBy::Server(ask)) => ask.answer(response.outcome),
            Some(AskedBy::Call(number, place, method)) => {
                self.on_question_answered(fx, (number, place), (method, response.outcome));
            }
            None => log::debug!(
                "{:?} answered {:?}, which nobody asks (any more)",
                self.caller,
                response.id
            ),
        }
    }

    /// Answers, in its client's place, what has not been answered in time.
    pub(super) fn expire_server_requests(&mut self, fx: &mut dyn Effects) {
        for number in self.server_requests.overdue(fx.now()) {
            self.time_out_server_request(fx, number);
        }
    }

    fn time_out_server_request(&mut self, fx: &mut dyn Effects, number: u64) {
        let Some(open) = self.server_requests.open.remove(&number) else {
            return;
        };
        let timeout = match &open.by {
            AskedBy::Server(ask) => ask.timeout,
            AskedBy::Call(..) => ROUND,
        };
        let within = timeout.as_secs();
        let text = format!("the client did not answer within {within} s");
        self.notify_cancelled(fx, open.stream, &cancelled::cancelled_params(number, &text));
        match open.by {
            AskedBy::Server(ask) => ask.refuse(code::TIMEOUT, &text),
            AskedBy::Call(call, _, method) => {
                self.fail_asked(fx, call, &format!("'{method}' was asked first: {text}"));
            }
        }
    }

    /// A server does not want the answer any more.
    pub(super) fn on_server_request_cancelled(
        &mut self,
        fx: &mut dyn Effects,
        server: &ServerName,
        params: &Bytes,
    ) {
        let Ok(cancelled) = Cancelled::parse(params) else {
            return;
        };
        let id = cancelled.request_id();
        let number = id.and_then(|id| self.server_requests.find(server, &id));
        let open = number.and_then(|number| self.server_requests.open.remove(&number));
        if let (Some(number), Some(open)) = (number, open) {
            open.by.close();
            self.notify_cancelled(fx, open.stream, &cancelled.rewrite(number));
        }
    }

    /// A life of `server` has ended, and nobody waits for these answers: those of its lives before
    /// `generation`, or all.
    pub(super) fn withdraw_server_requests(
        &mut self,
        fx: &mut dyn Effects,
        server: &ServerName,
        before: Option<Generation>,
    ) {
        for number in self.server_requests.of(server, before) {
            self.withdraw(fx, number, "the server has ended");
        }
    }

    /// A call is over, or is sent on: what was asked for it is not wanted any more.
    pub(super) fn withdraw_questions(&mut self, fx: &mut dyn Effects, call: u64) {
        if self.calls.is_asked(call) {
            for number in self.server_requests.of_call(call) {
                self.withdraw(fx, number, "the call that it was about has ended");
            }
        }
    }

    fn withdraw(&mut self, fx: &mut dyn Effects, number: u64, why: &str) {
        if let Some(open) = self.server_requests.open.remove(&number) {
            open.by.close();
            let params = cancelled::cancelled_params(number, why);
            self.notify_cancelled(fx, open.stream, &params);
        }
    }

    /// Tells the client where it was asked, if there still is a call.
    fn notify_cancelled(&mut self, fx: &mut dyn Effects, stream: StreamId, params: &Bytes) {
        let stream = if self.calls.has_stream(stream) && !fx.is_lost(stream) {
            stream
        } else {
            StreamId::STANDALONE
        };
        let message = jsonrpc::notification(method::CANCELLED, Some(params));
        fx.notify(stream, message);
    }

    /// The client says how far it has come; that sets its time back.
    pub(super) fn on_progress(&mut self, fx: &dyn Effects, params: Option<&Bytes>) {
        let progress = params.and_then(|params| Progress::parse(params).ok());
        let number = progress.as_ref().and_then(Progress::token);
        let open = number.and_then(|number| self.server_requests.open.get_mut(&number));
        let (Some(progress), Some(open)) = (progress, open) else {
            return log::debug!(
                "{:?} has progress in what nobody asks (any more)",
                self.caller
            );
        };
        let AskedBy::Server(ask) = &open.by else {
            return; // its server waits for nothing
        };
        open.deadline = fx.now() + ask.timeout;
        if let Some(token) = &open.token {
            let params = progress.rewrite(token);
            let message = jsonrpc::notification(method::PROGRESS, Some(&params));
            ask.upstream().notify(message);
        }
    }

    /// The client's roots are not what they were: every server of its own may ask again.
    pub(super) fn on_roots_changed(&mut self, params: Option<&Bytes>) {
        let params = params.map(|params| &**params);
        let message = jsonrpc::notification(method::ROOTS_LIST_CHANGED, params);
        for instance in self.instances.values() {
            if let RouteState::Ready { handle } = &instance.state {
                handle.notify(message.clone());
            }
        }
    }
}
