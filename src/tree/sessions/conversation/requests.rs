//! What a session's client says: requests, answered here or sent on; notifications; and answers to
//! what servers asked.

use bytes::Bytes;

use super::super::delivery::StreamId;
use super::lists::{TableQuery, WaitingQuery};
use super::{Conversation, Effects, ReplyTo};
use crate::protocol::Era;
use crate::protocol::jsonrpc::{Message, Notification, Request, code};
use crate::protocol::mcp::cancelled::Cancelled;
use crate::protocol::mcp::item::{self, Kind};
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::mcp::{lifecycle, method};
use crate::protocol::modern::asker::Asker;

impl Conversation {
    /// Takes what the client said on `stream`, where the answer goes.
    pub(in super::super) fn on_message(
        &mut self,
        fx: &mut dyn Effects,
        message: Message,
        stream: StreamId,
    ) {
        self.come_back(fx);
        match message {
            Message::Request(request) => self.on_request(fx, request, stream),
            Message::Notification(notification) => self.on_notification(fx, &notification),
            Message::Response(response) => self.on_response(fx, response),
        }
    }

    fn on_request(&mut self, fx: &mut dyn Effects, request: Request, stream: StreamId) {
        let Request { id, method, params } = request;
        let asked = ReplyTo { id, stream };
        if fx.is_full() {
            let text = "busy: more waits on this session's stream than may; read it";
            return self.refuse_busy(fx, &asked, text);
        }
        let routed = ClientRequest::routed(&method);
        let list = Kind::of_method(&method);
        let may_wait = routed.is_some() || list.is_some() || &*method == method::INITIALIZE;
        if may_wait && self.calls.len() + self.waiting.len() >= self.limits.max_calls_per_session {
            let text = "busy: this session has as many requests without an answer as it may";
            return self.refuse_busy(fx, &asked, text);
        }
        if let Some(method) = routed {
            return self.on_call(fx, asked, method, params);
        }
        if let Some(kind) = list {
            return self.on_list(fx, asked, kind, params.as_ref());
        }
        match &*method {
            method::INITIALIZE => {
                self.client = lifecycle::client_info(params.as_ref());
                self.info = Asker::info_of(params.as_ref());
                self.declared = lifecycle::client_extensions(params.as_ref());
                let query = TableQuery::Initialize(self.client.version);
                self.answer_or_keep(fx, WaitingQuery { asked, query });
            }
            method::SET_LEVEL => self.on_set_level(fx, &asked, params.as_ref()),
            method::PING => fx.respond_result(&asked, b"{}"),
            method => {
                let text = format!("Method not found: {method}");
                fx.refuse(&asked, code::METHOD_NOT_FOUND, &text);
            }
        }
    }

    /// Refuses what would be too much for this session.
    pub(super) fn refuse_busy(&mut self, fx: &mut dyn Effects, asked: &ReplyTo, text: &str) {
        self.caller.metrics.refused("busy");
        fx.refuse(asked, code::BUSY, text);
    }

    fn on_list(
        &mut self,
        fx: &mut dyn Effects,
        asked: ReplyTo,
        kind: Kind,
        params: Option<&Bytes>,
    ) {
        self.has_spoken = true;
        match item::list_cursor(params) {
            Ok(cursor) => self.list(fx, asked, (kind, cursor)),
            Err(why) => fx.refuse(&asked, code::INVALID_PARAMS, &why),
        }
    }

    fn on_call(
        &mut self,
        fx: &mut dyn Effects,
        asked: ReplyTo,
        method: &'static str,
        params: Option<Bytes>,
    ) {
        self.has_spoken = true;
        let params = params.unwrap_or(Bytes::from_static(b"{}"));
        match ClientRequest::parse(Era::Legacy, method, &params) {
            Ok(request) => self.call(fx, asked, request),
            Err(why) => {
                let text = format!("Invalid params of {method}: {why}");
                fx.refuse(&asked, code::INVALID_PARAMS, &text);
            }
        }
    }

    fn on_notification(&mut self, fx: &mut dyn Effects, notification: &Notification) {
        let params = notification.params.as_ref();
        match &*notification.method {
            method::INITIALIZED => self.has_spoken = true,
            method::CANCELLED => self.on_cancelled(fx, params),
            method::PROGRESS => self.on_progress(fx, params),
            method::ROOTS_LIST_CHANGED => self.on_roots_changed(params),
            method => log::debug!("{:?} sent '{method}', which is not passed on", self.caller),
        }
    }

    fn on_cancelled(&mut self, fx: &mut dyn Effects, params: Option<&Bytes>) {
        let id = params.and_then(|params| Cancelled::parse(params).ok()?.request_id());
        if let Some(id) = id {
            self.cancel(fx, &id, params);
        }
    }
}
