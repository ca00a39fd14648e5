//! Where a call goes: to the server that the merged table names, in the life that the route table
//! or the session's own instance says.

use std::time::Duration;

use super::{Conversation, Effects, links};
use crate::ids::{Generation, ServerName};
use crate::protocol::jsonrpc::code;
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::{ClientRequest, Subject};
use crate::protocol::modern::tasks;
use crate::protocol::uri::Search;
use crate::tree::Share;
use crate::tree::registry::{Route, RouteState};
use crate::tree::upstream::UpstreamHandle;

/// What is to become of a call, by the tables at hand.
pub(super) enum Routing {
    /// To this upstream, under this name.
    Send {
        upstream: UpstreamHandle,
        permit: Share,
        route: Route,
    },
    /// Wait for a better table, or for this server.
    Park(Option<ServerName>),
    /// Wait for the session's own instance of this server, which nobody has asked for yet.
    Start(ServerName),
    /// Answer at once that it is so.
    Done,
    /// Answer at once that this server can't take it, for the model to read.
    Fail(ServerName, String),
    /// Answer at once, as a JSON-RPC error with this code.
    Refuse(i64, String),
}

impl Conversation {
    /// Finds the way for `request`; `after` is the generation that did not take it.
    pub(super) fn routing(
        &self,
        fx: &dyn Effects,
        request: &ClientRequest,
        after: Generation,
    ) -> Routing {
        let Some(routes) = &self.routes else {
            return Routing::Park(None);
        };
        let route = self.route(request);
        // Who else has a tool of that name is not known yet.
        let is_bare = || request.subject() == Subject::Tool && self.merged.is_bare(request.key());
        if !routes.is_complete && (route.is_none() || is_bare()) {
            return Routing::Park(None);
        }
        let Some(route) = route else {
            return unknown(request);
        };
        match self.state_of(&route.server) {
            Some(RouteState::Ready { handle }) if handle.generation() > after => {
                match handle.admit(&self.caller.taker) {
                    Some(permit) => Routing::Send {
                        upstream: handle.clone(),
                        permit,
                        route,
                    },
                    None => Routing::Fail(route.server.clone(), busy(&route.server)),
                }
            }
            None if self.is_isolated(&route.server) => Routing::Start(route.server),
            Some(RouteState::Asleep { .. }) if self.ends_nothing(request, &route) => Routing::Done,
            Some(RouteState::Asleep { alarm }) => {
                alarm.ring();
                Routing::Park(Some(route.server))
            }
            Some(RouteState::Ready { .. } | RouteState::Starting) | None => {
                Routing::Park(Some(route.server))
            }
            Some(RouteState::Down { why, next_try }) => {
                let text = down(
                    &route.server,
                    why,
                    next_try.saturating_duration_since(fx.now()),
                );
                Routing::Fail(route.server, text)
            }
        }
    }

    /// Whether it unsubscribes from what its client has not subscribed to.
    fn ends_nothing(&self, request: &ClientRequest, route: &Route) -> bool {
        request.method() == method::RESOURCES_UNSUBSCRIBE
            && !self.interests.has_subscribed(&route.server, &route.key)
    }

    /// Where `request` leads. One that unsubscribes goes to where its client subscribed, wherever
    /// the URI leads by now, or if it is not listed any more.
    fn route(&self, request: &ClientRequest) -> Option<Route> {
        let listed = match request.subject() {
            Subject::Resource if links::is_one(request) => self.sealed(request),
            Subject::Resource => self.find_resource(request.key()),
            Subject::Tool | Subject::Prompt => self.merged.find(request.subject(), request.key()),
            Subject::Task => self.find_task(request.key()),
            Subject::Extension => self.owner_of(request),
        };
        if request.method() == method::RESOURCES_SUBSCRIBE && request.subject() == Subject::Task {
            return listed.map(|route| Route {
                key: tasks::topic(&route.key).into(),
                ..route
            });
        }
        if request.method() != method::RESOURCES_UNSUBSCRIBE {
            return listed;
        }
        let holds = |route: &Route| self.interests.has_subscribed(&route.server, &route.key);
        if listed.as_ref().is_some_and(holds) {
            return listed;
        }
        self.interests.subscribed_at(request.key()).or(listed)
    }

    fn find_resource(&self, uri: &str) -> Option<Route> {
        let mut search = Search::lookup();
        let route = self.merged.find_resource(uri, &mut search);
        self.searched(&search);
        route
    }

    /// Counts the servers whose templates would have taken too long, and says so the first time.
    pub(super) fn searched(&self, search: &Search) {
        for server in self.merged.given_up(search) {
            if self.caller.metrics.search_cut(server) {
                log::warn!(
                    "The resource templates of server '{server}' are too many or too intricate: not \
                     every URI is compared with all of them"
                );
            }
        }
    }
}

fn busy(server: &ServerName) -> String {
    format!("server '{server}' is busy: it has as many calls in flight as it may; try again later")
}

fn down(server: &ServerName, why: &str, wait: Duration) -> String {
    format!(
        "server '{server}' is down: {why}; it is started again in {:.1} s",
        wait.as_secs_f32()
    )
}

/// Nobody offers it (2025-11-25, server/tools, server/prompts and server/resources, "Error
/// Handling").
fn unknown(request: &ClientRequest) -> Routing {
    let key = request.key();
    match request.subject() {
        Subject::Tool => Routing::Refuse(code::INVALID_PARAMS, format!("Unknown tool: {key}")),
        Subject::Prompt => Routing::Refuse(code::INVALID_PARAMS, format!("Unknown prompt: {key}")),
        Subject::Resource => {
            let text = format!("Resource not found: {key}");
            Routing::Refuse(code::RESOURCE_NOT_FOUND, text)
        }
        Subject::Task => Routing::Refuse(code::INVALID_PARAMS, format!("Unknown task: {key}")),
        Subject::Extension => {
            Routing::Refuse(code::METHOD_NOT_FOUND, format!("Method not found: {key}"))
        }
    }
}
