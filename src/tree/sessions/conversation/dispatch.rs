//! A call's life: parked, sent, undelivered, answered once or taken back. It needs no session.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use super::calls::{self, CallStage, OpenCall, SentGuard};
use super::lists::{TableQuery, WaitingQuery};
use super::record;
use super::routing::Routing;
use super::stop::not_run;
use super::{Conversation, Effects, ReplyTo};
use crate::ids::{CallId, Generation, ServerName};
use crate::protocol::jsonrpc::{self, RequestId, code};
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::mcp::{contents, method, tools};
use crate::protocol::modern::tasks::{self, Told};
use crate::protocol::uri::Search;
use crate::tree::beside;
use crate::tree::call::{Answer, Failure, ReplyToken, RoutedRequest};

/// So many times as much as to copy a result costs it to look up all the URIs that may be in it.
const LINKS: usize = 8;

impl Conversation {
    /// Has a request called. It is answered where `asked` says, once.
    pub(in super::super) fn call(
        &mut self,
        fx: &mut dyn Effects,
        asked: ReplyTo,
        request: ClientRequest,
    ) {
        let subscribes = request.method() == method::RESOURCES_SUBSCRIBE;
        let room = match subscribes.then(|| self.room_for(request.key())).transpose() {
            Ok(room) => room,
            Err(text) => return self.refuse_busy(fx, &asked, text),
        };
        let record = self.begin_record(&request);
        let number = self.calls.insert(asked.id, asked.stream, request);
        if let Some(open) = self.calls.get_mut(number) {
            open.room = room;
            open.record = record;
        }
        self.dispatch(fx, number);
    }

    /// Takes a request back, which gets no answer; what its server may still say is dropped there. The
    /// handshake can't be cancelled (2025-11-25, basic/utilities/cancellation). `params` are the
    /// client's own words about it.
    pub(in super::super) fn cancel(
        &mut self,
        fx: &mut dyn Effects,
        id: &RequestId,
        params: Option<&Bytes>,
    ) {
        let is_it = |waiting: &mut WaitingQuery| {
            waiting.asked.id == *id && !matches!(waiting.query, TableQuery::Initialize(_))
        };
        for waiting in self.waiting.extract_if(.., is_it) {
            fx.forgo(waiting.asked.stream);
        }
        let number = self.calls.find(id);
        if let Some(number) = number {
            self.withdraw_questions(fx, number);
        }
        if let Some(open) = number.and_then(|number| self.calls.remove(number)) {
            if let CallStage::Sent(guard) = open.stage {
                guard.cancel(params.cloned());
            }
            record::cancelled(open.record, open.server.as_ref());
            fx.forgo(open.stream);
            if let (Some(server), Some(_)) = (open.server, open.uri) {
                self.refresh_interest(&server);
            }
        }
    }

    /// Sends a parked call on its way, as the tables say.
    pub(super) fn dispatch(&mut self, fx: &mut dyn Effects, number: u64) {
        let Some(OpenCall {
            stage: CallStage::Parked { request, after },
            ..
        }) = self.calls.get(number)
        else {
            return;
        };
        let routing = self.routing(fx, request, *after);
        if self.is_cut_off(&routing) {
            return self.answer(fx, number, not_run());
        }
        match routing {
            Routing::Send { .. } => self.send_call(number, routing),
            Routing::Start(server) => {
                self.want_instance(fx, &server);
                self.park(fx, number, Some(server));
            }
            Routing::Park(server) => self.park(fx, number, server),
            Routing::Done => {
                self.answer(fx, number, Answer::Result(Bytes::from_static(b"{}")));
            }
            Routing::Fail(server, text) => self.fail(fx, number, server, text),
            Routing::Refuse(code, text) => {
                self.answer(
                    fx,
                    number,
                    Answer::Error(jsonrpc::error_object(code, &text)),
                );
            }
        }
    }

    pub(super) fn dispatch_parked(&mut self, fx: &mut dyn Effects) {
        self.end_questions_of_the_dead(fx);
        for number in self.calls.parked() {
            self.dispatch(fx, number);
        }
    }

    fn send_call(&mut self, number: u64, routing: Routing) {
        let (
            Routing::Send {
                upstream,
                permit,
                route,
            },
            Some(open),
        ) = (routing, self.calls.get_mut(number))
        else {
            return;
        };
        let call = CallId {
            session: self.caller.serial,
            number,
        };
        let sent = CallStage::Sent(SentGuard::new(upstream.clone(), call));
        let CallStage::Parked { request, .. } = mem::replace(&mut open.stage, sent) else {
            return;
        };
        let key = route.key;
        if let Some(record) = &mut open.record {
            record.goes_to(&route.server);
        }
        open.server = Some(route.server);
        if is_about_subscription(request.method()) {
            open.uri = Some(key.clone());
            self.interests.attach(&upstream, &self.caller);
        }
        let client = Arc::clone(&self.caller.sink);
        let asker = self.asker();
        let routed = RoutedRequest {
            key,
            request,
            asker,
        };
        let generation = upstream.generation();
        upstream.call(ReplyToken::new(call, generation, routed, permit, client));
    }

    fn park(&mut self, fx: &mut dyn Effects, number: u64, server: Option<ServerName>) {
        if !self.calls.park(number, server, fx.now()) {
            self.time_out(fx, number);
        }
    }

    /// Answers the calls that have been parked for too long.
    pub(super) fn expire_calls(&mut self, fx: &mut dyn Effects) {
        for number in self.calls.overdue(fx.now()) {
            self.time_out(fx, number);
        }
    }

    fn time_out(&mut self, fx: &mut dyn Effects, number: u64) {
        let Some(OpenCall {
            stage: CallStage::Parked { request, .. },
            ..
        }) = self.calls.get(number)
        else {
            return;
        };
        let text = format!(
            "the server of '{}' is still starting after {} s; try again later",
            request.key(),
            calls::PARK.as_secs()
        );
        self.answer(fx, number, Answer::Failed(Failure::TimedOut, text));
    }

    pub(super) fn on_answered(&mut self, fx: &mut dyn Effects, number: u64, answer: Answer) {
        let open = self.calls.get(number);
        if open.is_none_or(|open| !matches!(open.stage, CallStage::Sent(_))) {
            return;
        }
        match answer {
            Answer::InputRequired(asked) => self.on_input_required(fx, number, *asked),
            Answer::Result(_) | Answer::Extended(_) | Answer::Error(_) | Answer::Failed(..) => {
                self.answer(fx, number, answer);
            }
        }
    }

    /// The server can't take the call.
    pub(super) fn fail(
        &mut self,
        fx: &mut dyn Effects,
        number: u64,
        server: ServerName,
        text: String,
    ) {
        if let Some(open) = self.calls.get_mut(number) {
            open.server = Some(server);
        }
        self.answer(fx, number, Answer::Failed(Failure::Refused, text));
    }

    /// The server never saw the call: it goes to a later generation.
    pub(super) fn on_bounced(
        &mut self,
        fx: &mut dyn Effects,
        number: u64,
        routed: Box<RoutedRequest>,
        after: Generation,
    ) {
        let Some(open) = self.calls.get_mut(number) else {
            return;
        };
        let request = routed.request;
        let parked = CallStage::Parked { request, after };
        if let CallStage::Sent(guard) = mem::replace(&mut open.stage, parked) {
            guard.settle();
        }
        self.dispatch(fx, number);
    }

    /// Answers a call, once: it is gone from the book then.
    pub(super) fn answer(&mut self, fx: &mut dyn Effects, number: u64, answer: Answer) {
        self.withdraw_questions(fx, number);
        let Some(mut open) = self.calls.remove(number) else {
            return;
        };
        if open.uri.is_some()
            && let Some(server) = open.server.clone()
        {
            if matches!(answer, Answer::Result(_)) {
                self.on_subscription(fx, &mut open);
            }
            self.refresh_interest(&server);
        }
        if let (CallStage::Parked { .. }, Answer::Failed(..)) = (&open.stage, &answer)
            && let Some(server) = &open.server
        {
            self.caller.metrics.call_refused(server);
        }
        let OpenCall {
            id,
            method,
            stream,
            server,
            stage,
            record,
            counted,
            ..
        } = open;
        if let Some(record) = record {
            record::ended(*record, method, server.as_ref(), &answer);
        }
        if let CallStage::Sent(guard) = stage {
            guard.settle();
        }
        drop(counted);
        let asked = ReplyTo { id, stream };
        match answer {
            Answer::Result(result) => beside(self.weight(server.as_ref(), &result), || {
                fx.respond_result(&asked, &self.outward(method, server.as_ref(), result));
            }),
            Answer::Extended(result) => match self.extended(method, server.as_ref(), &result) {
                Ok(result) => fx.respond_result(&asked, &result),
                Err(text) => fx.refuse(&asked, code::INTERNAL_ERROR, &text),
            },
            Answer::Error(error) => fx.respond_error(&asked, &error),
            Answer::Failed(_, text) if method == method::TOOLS_CALL => {
                fx.respond_result(&asked, &tools::failed_call(&text));
            }
            Answer::Failed(_, text) => fx.refuse(&asked, code::SERVER_UNAVAILABLE, &text),
            Answer::InputRequired(_) => {
                let text = "the server asks something that nobody can be asked";
                fx.refuse(&asked, code::INTERNAL_ERROR, text);
            }
        }
    }

    /// What it costs to send it on, as so many bytes that are copied.
    fn weight(&self, server: Option<&ServerName>, result: &Bytes) -> usize {
        let looked_through = server.is_some_and(|server| self.may_change_links(server));
        result.len() * if looked_through { LINKS } else { 1 }
    }

    /// The result with the URIs that clients know its server's resources by.
    fn outward(&self, method: &str, server: Option<&ServerName>, result: Bytes) -> Bytes {
        if let (Some(server), Some(_)) = (server, tasks::method(method)) {
            let told = Told::read(&result);
            let told = told.and_then(|told| self.task_ids.outward(server.as_str(), &told));
            return told.unwrap_or(result);
        }
        let server = server.filter(|server| self.may_change_links(server));
        let Some(server) = server else {
            return result;
        };
        let mut search = Search::result();
        let outward = |uri: &str| self.outward_uri(server, uri, &mut search);
        let changed = contents::rewrite_uris(method, &result, outward);
        self.searched(&search);
        changed.unwrap_or(result)
    }
}

fn is_about_subscription(method: &str) -> bool {
    matches!(
        method,
        method::RESOURCES_SUBSCRIBE | method::RESOURCES_UNSUBSCRIBE
    )
}
