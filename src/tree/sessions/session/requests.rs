//! What a session's client says: requests, answered here or sent on; notifications; and answers,
//! which nobody asked for.

use bytes::Bytes;

use super::calls::{self, OpenCall, Stage};
use super::state::{STOPPING, SessionState};
use crate::protocol::jsonrpc::{self, Message, Notification, Request, code};
use crate::protocol::mcp::tools::ToolCall;
use crate::protocol::mcp::{cancelled::Cancelled, lifecycle, tools};

impl SessionState {
    pub(super) fn on_message(&mut self, message: Message) {
        match message {
            Message::Request(request) => self.on_request(request),
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

    fn on_request(&mut self, request: Request) {
        if self.is_draining {
            return self.refuse(&request.id, code::SERVER_UNAVAILABLE, STOPPING);
        }
        if self.outbox.is_full() {
            let text = "busy: more waits on this session's stream than may; read it";
            return self.refuse(&request.id, code::BUSY, text);
        }
        let may_wait = matches!(&*request.method, "tools/list" | "tools/call");
        if may_wait && self.calls.len() + self.waiting_lists.len() >= calls::LIMIT {
            let text = "busy: this session has as many requests without an answer as it may";
            return self.refuse(&request.id, code::BUSY, text);
        }
        match &*request.method {
            "initialize" => {
                let version = lifecycle::client_info(request.params.as_ref()).version;
                self.say(jsonrpc::result(
                    &request.id,
                    &lifecycle::initialize_result(version, None),
                ));
            }
            "ping" => self.say(jsonrpc::result(&request.id, b"{}")),
            "tools/list" => self.on_list(request),
            "tools/call" => self.on_call(request),
            method => {
                let text = format!("Method not found: {method}");
                self.refuse(&request.id, code::METHOD_NOT_FOUND, &text);
            }
        }
    }

    /// The merged list is one page, so no cursor can be ours.
    fn on_list(&mut self, request: Request) {
        self.has_spoken = true;
        let cursor = request.params.as_ref().and_then(tools::list_cursor);
        if cursor.is_some() {
            return self.refuse(
                &request.id,
                code::INVALID_PARAMS,
                "Invalid cursor: the list has one page",
            );
        }
        match &self.routes {
            Some(routes) if routes.is_complete => {
                let list = jsonrpc::result(&request.id, &routes.tools.list);
                self.say(list);
            }
            Some(_) | None => self.waiting_lists.push(request.id),
        }
    }

    fn on_call(&mut self, request: Request) {
        self.has_spoken = true;
        let params = request.params.unwrap_or(Bytes::from_static(b"{}"));
        match ToolCall::parse(&params) {
            Ok(call) => {
                let number = self.calls.insert(request.id, call);
                self.dispatch(number);
            }
            Err(why) => {
                let text = format!("Invalid params of tools/call: {why}");
                self.refuse(&request.id, code::INVALID_PARAMS, &text);
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
        self.waiting_lists.retain(|waiting| *waiting != id);
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
