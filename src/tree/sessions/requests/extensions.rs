//! A request of an extension's (2026-07-28, basic, "Extensions"): about a task, or with a method that
//! is not known here.

use bytes::Bytes;

use super::exchange::Exchange;
use crate::protocol::Era;
use crate::protocol::jsonrpc::code;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::modern::listen::Filter;
use crate::protocol::modern::{methods, tasks};
use crate::tree::registry::Routes;
use crate::tree::sessions::conversation::{Effects, ReplyTo, TaskIds};

impl Exchange {
    /// Takes in which extensions its client knows. Hardly any knows one.
    pub(super) fn declare(&mut self, extensions: Extensions) {
        if extensions != self.extensions {
            let task_ids = TaskIds::of(self.owner(), self.outlet.signer());
            self.conversation.declare(extensions.clone(), task_ids);
            self.extensions = extensions;
        }
    }

    /// Does what is asked, if a server has a part in it. Until it is known what servers declare it waits.
    pub(super) fn extension(
        &mut self,
        to: &ReplyTo,
        (method, params): (&str, &Bytes),
        routes: Option<&Routes>,
    ) {
        let complete = routes.filter(|routes| routes.is_complete);
        let merged = complete.map(|routes| &routes.merged);
        let request = match tasks::method(method) {
            Some(_) if merged.is_some_and(|merged| !merged.has_extension(tasks::NAME)) => {
                return self.refuse_method(to, method);
            }
            Some(_) if !self.extensions.has(tasks::NAME) => {
                return self.outlet.respond_error(to, &tasks::undeclared());
            }
            Some(method) => ClientRequest::parse(Era::Modern, method, params),
            None if methods::may_be_of_extension(method) => {
                ClientRequest::of_extension(method, params)
            }
            None => return self.refuse_method(to, method),
        };
        match request {
            Ok(request) => self
                .conversation
                .call(&mut self.outlet, to.clone(), request),
            Err(why) => {
                let text = format!("Invalid params of {method}: {why}");
                self.outlet.refuse(to, code::INVALID_PARAMS, &text);
            }
        }
    }

    fn refuse_method(&mut self, to: &ReplyTo, method: &str) {
        let text = format!("Method not found: {method}");
        self.outlet.refuse(to, code::METHOD_NOT_FOUND, &text);
    }

    pub(super) fn listen(&mut self, to: &ReplyTo, filter: Filter) {
        if !filter.tasks.is_empty() && !self.extensions.has(tasks::NAME) {
            return self.outlet.respond_error(to, &tasks::undeclared());
        }
        self.conversation.hear();
        self.outlet.listen(filter);
        self.subscribe();
        self.outlet.acknowledge_if_known();
    }
}
