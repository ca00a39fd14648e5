//! What a request's conversation decides, in this revision's words.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::delivery::StreamId;
use super::outlet::{Outcome, Outlet, REQUEST};
use crate::ids::ServerName;
use crate::protocol::jsonrpc::{self, code};
use crate::protocol::mcp::method;
use crate::protocol::modern::{input_required, results};
use crate::tree::client::InstanceOwner;
use crate::tree::registry::Page;
use crate::tree::sessions::conversation::{Effects, ReplyTo};

impl Effects for Outlet {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn respond_result(&mut self, to: &ReplyTo, result: &[u8]) {
        if to.stream == REQUEST {
            let bound = self.bound.as_ref();
            let bound = bound.and_then(|bound| bound.bind(&self.beside.signer, result));
            let result = bound.as_deref().unwrap_or(result);
            return self.conclude(Outcome::Result(results::stamped(result, self.caching)));
        }
        if let Some(listening) = &mut self.listening {
            listening.answered(to.stream, true);
        }
        self.acknowledge_if_known();
    }

    fn respond_page(&mut self, _: &ReplyTo, page: &Page) {
        let head = results::list_head();
        let message = jsonrpc::result_of(&self.id, page.after(head.as_bytes()));
        self.say(message, None, true);
        self.is_over = true;
    }

    fn respond_error(&mut self, to: &ReplyTo, error: &[u8]) {
        if to.stream == REQUEST {
            if let Some(pages) = input_required::pages(error) {
                let missing = self.capabilities.missing(method::ELICITATION, true);
                return match missing {
                    None => self.respond_result(to, &pages),
                    Some(missing) => {
                        self.refuse_with(input_required::missing_capability(missing));
                    }
                };
            }
            if let Some(missing) = self.undeclared {
                return self.refuse_with(input_required::missing_capability(missing));
            }
            let error = results::error(error, self.uri.as_deref());
            // What a server has against headers or a revision is between it and the gateway.
            let is_shown =
                |code: &i64| !matches!(*code, code::HEADER_MISMATCH | code::UNSUPPORTED_VERSION);
            let code = code::of(&error).filter(is_shown);
            return self.conclude(Outcome::Error(error, code));
        }
        if let Some(listening) = &mut self.listening {
            listening.answered(to.stream, false);
        }
        self.acknowledge_if_known();
    }

    /// The gateway's own codes for what is busy or gone are in a range that this revision leaves to
    /// nobody (2026-07-28, basic, "Error codes").
    fn refuse(&mut self, to: &ReplyTo, code: i64, text: &str) {
        let code = match code {
            code::BUSY | code::SERVER_UNAVAILABLE | code::TIMEOUT => code::INTERNAL_ERROR,
            other => other,
        };
        if to.stream == REQUEST && code != code::RESOURCE_NOT_FOUND {
            return self.refuse_with(jsonrpc::error_object(code, text));
        }
        self.respond_error(to, &jsonrpc::error_object(code, text));
    }

    fn forgo(&mut self, stream: StreamId) {
        self.is_over |= stream == REQUEST;
    }

    fn notify(&mut self, stream: StreamId, notification: Bytes) {
        let message = match &mut self.listening {
            Some(listening) => listening.take(&self.id, notification),
            None => Some(notification).filter(|_| stream == REQUEST),
        };
        if let Some(message) = message.and_then(|message| self.retold(message)) {
            self.say(message, None, false);
        }
    }

    fn notify_lossy(&mut self, server: &ServerName, stream: StreamId, notification: Bytes) {
        if self.is_full() {
            self.beside.metrics.notification_dropped(server);
        } else {
            self.notify(stream, notification);
        }
    }

    fn ask(&mut self, _: StreamId, _: Bytes) -> Option<u64> {
        None // nobody asks a client of this era by a request
    }

    fn is_full(&self) -> bool {
        let stream = self.stream.as_ref();
        stream.is_some_and(|(line, _)| line.load.is_full())
    }

    fn is_heard(&self) -> bool {
        self.listens()
    }

    fn is_lost(&self, _: StreamId) -> bool {
        false
    }

    fn idle_for(&self) -> Duration {
        Duration::ZERO
    }

    fn want_instance(&mut self, server: &ServerName, owner: InstanceOwner) {
        self.has_instances = true;
        self.beside.root.instance_wanted(server.clone(), owner);
    }

    fn instances_unused(&mut self) {
        self.beside.root.instances_unused(self.serial);
    }
}
