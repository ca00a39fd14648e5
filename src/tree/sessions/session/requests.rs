//! What a session's client says: requests, answered here or sent on; notifications; and answers,
//! which nobody asked for.

use bytes::Bytes;

use super::calls::{self, OpenCall, Stage};
use super::state::{Asked, STOPPING, SessionState, WaitingList};
use super::streams::Lane;
use crate::protocol::jsonrpc::{Message, Notification, Request, code};
use crate::protocol::mcp::cancelled::Cancelled;
use crate::protocol::mcp::item::{self, Kind};
use crate::protocol::mcp::request::ServerRequest;
use crate::protocol::mcp::{lifecycle, method};

impl SessionState {
    /// Takes what the client said on `lane`, where the answer goes.
    pub(super) fn on_message(&mut self, message: Message, lane: Lane) {
        match message {
            Message::Request(request) => self.on_request(request, lane),
            Message::Notification(notification) => self.on_notification(&notification),
            Message::Response(response) => {
                log::debug!(
                    "{:?} answered {:?}, which nobody asked",
                    self.id,
                    response.id
                );
            }
        }
    }

    fn on_request(&mut self, request: Request, lane: Lane) {
        let Request { id, method, params } = request;
        let asked = Asked { id, lane };
        if self.is_draining {
            return self.refuse(&asked, code::SERVER_UNAVAILABLE, STOPPING);
        }
        if self.streams.is_full() {
            let text = "busy: more waits on this session's stream than may; read it";
            return self.refuse(&asked, code::BUSY, text);
        }
        let routed = ServerRequest::routed(&method);
        let list = Kind::of_method(&method);
        let may_wait = routed.is_some() || list.is_some();
        if may_wait && self.calls.len() + self.waiting_lists.len() >= calls::LIMIT {
            let text = "busy: this session has as many requests without an answer as it may";
            return self.refuse(&asked, code::BUSY, text);
        }
        if let Some(method) = routed {
            return self.on_call(asked, method, params);
        }
        if let Some(kind) = list {
            return self.on_list(asked, kind, params.as_ref());
        }
        match &*method {
            method::INITIALIZE => {
                let version = lifecycle::client_info(params.as_ref()).version;
                let merged = self.routes.as_ref().map(|routes| &routes.merged);
                let instructions = merged.and_then(|merged| merged.instructions());
                let result = lifecycle::initialize_result(version, instructions.as_deref());
                self.give(&asked, &result);
            }
            method::PING => self.give(&asked, b"{}"),
            method => {
                let text = format!("Method not found: {method}");
                self.refuse(&asked, code::METHOD_NOT_FOUND, &text);
            }
        }
    }

    fn on_list(&mut self, asked: Asked, kind: Kind, params: Option<&Bytes>) {
        self.has_spoken = true;
        match item::list_cursor(params) {
            Ok(cursor) => self.list(&WaitingList {
                asked,
                kind,
                cursor,
            }),
            Err(why) => self.refuse(&asked, code::INVALID_PARAMS, &why),
        }
    }

    /// Answers a list request from the table, or keeps it until there is a whole one.
    pub(super) fn list(&mut self, wanted: &WaitingList) {
        let Some(routes) = self.routes.as_ref().filter(|routes| routes.is_complete) else {
            self.waiting_lists.push(wanted.clone());
            return;
        };
        let pages = routes.merged.pages(wanted.kind);
        match pages.get(wanted.cursor.as_deref()).cloned() {
            Some(page) => self.give(&wanted.asked, &page),
            None => {
                let text = "Invalid cursor: it is none of this list's";
                self.refuse(&wanted.asked, code::INVALID_PARAMS, text);
            }
        }
    }

    fn on_call(&mut self, asked: Asked, method: &'static str, params: Option<Bytes>) {
        self.has_spoken = true;
        let params = params.unwrap_or(Bytes::from_static(b"{}"));
        match ServerRequest::parse(method, &params) {
            Ok(request) => {
                let number = self.calls.insert(asked.id, asked.lane, request);
                self.dispatch(number);
            }
            Err(why) => {
                let text = format!("Invalid params of {method}: {why}");
                self.refuse(&asked, code::INVALID_PARAMS, &text);
            }
        }
    }

    fn on_notification(&mut self, notification: &Notification) {
        match &*notification.method {
            "notifications/initialized" => self.has_spoken = true,
            "notifications/cancelled" => self.on_cancelled(notification.params.as_ref()),
            method => log::debug!("{:?} sent '{method}', which is not passed on", self.id),
        }
    }

    /// A cancelled call gets no answer; what its server may still say is dropped there.
    fn on_cancelled(&mut self, params: Option<&Bytes>) {
        let Some(params) = params else {
            return;
        };
        let id = Cancelled::parse(params)
            .ok()
            .and_then(|cancelled| cancelled.request_id());
        let Some(id) = id else {
            return;
        };
        self.waiting_lists.retain(|waiting| waiting.asked.id != id);
        let call = self
            .calls
            .find(&id)
            .and_then(|number| self.calls.remove(number));
        if let Some(OpenCall {
            stage: Stage::Sent(guard),
            ..
        }) = call
        {
            guard.cancel(Some(params.clone()));
        }
        self.end_if_drained();
    }
}
