//! The conversation with one server, as a plain state machine: the handshake, the catalogue, and
//! which line is for whom. Bytes and `now` go in, effects come out; no actor, no clock, no I/O.

use std::mem;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::calls::{Calls, INITIALIZE_ID};
use super::junk::Junk;
use crate::ids::ServerName;
use crate::protocol::framing::recover;
use crate::protocol::jsonrpc::{self, Message, Notification, Request, RequestId, Response};
use crate::protocol::mcp::{lifecycle, tools};
use crate::protocol::version::Version;
use crate::tree::call::Answer;
use crate::tree::registry::Catalogue;

/// A catalogue that goes on for more pages than this is cut, since a server may hand out cursors for ever.
const MAX_PAGES: usize = 1_000;

/// What the actor is to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// Write a line of the gateway's own.
    Write(Bytes),
    /// `initialize` was answered: the start slot is free.
    Initialized,
    /// The catalogue is known, for the first time or anew.
    Listed(Catalogue),
    /// The server said that its list changed.
    ListChanged,
    /// Nothing good can come of this process any more; the text follows the server's name.
    Broken(String),
}

/// What became of a line that was not an answer, a request or a known notification.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counters {
    /// Lines that were no JSON-RPC message.
    pub(super) junk: u64,
    /// Answers nobody waits for: late, second, or with an unknown id.
    pub(super) dropped_answers: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Initializing,
    Listing,
    Ready,
}

#[derive(Debug)]
struct Listing {
    id: u64,
    pages: usize,
    tools: Vec<tools::Tool>,
}

/// The conversation.
#[derive(Debug)]
pub(super) struct Dialogue {
    server: ServerName,
    phase: Phase,
    calls: Calls,
    listing: Option<Listing>,
    has_tools: bool,
    relist_wanted: bool,
    junk: Junk,
}

impl Dialogue {
    /// A conversation that has not begun, with the line that begins it.
    pub(super) fn open(server: ServerName, call_timeout: Duration) -> (Self, Bytes) {
        let dialogue = Self {
            calls: Calls::new(server.clone(), call_timeout),
            server,
            phase: Phase::Initializing,
            listing: None,
            has_tools: false,
            relist_wanted: false,
            junk: Junk::default(),
        };
        let params = lifecycle::initialize_params(Version::LATEST);
        let hello = jsonrpc::request(INITIALIZE_ID, "initialize", Some(&params));
        (dialogue, hello)
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            junk: self.junk.total(),
            dropped_answers: self.calls.dropped_answers(),
        }
    }

    /// The calls in flight.
    pub(super) fn calls(&mut self) -> &mut Calls {
        &mut self.calls
    }

    /// Whether calls may be sent.
    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// What the server has not done yet, for the message when its start runs out of time.
    pub(super) fn waits_for(&self) -> &'static str {
        match self.phase {
            Phase::Initializing => "it did not answer 'initialize'",
            Phase::Listing => "it did not answer 'tools/list'",
            Phase::Ready => "nothing is missing",
        }
    }

    /// Takes one line of the server's stdout.
    pub(super) fn on_line(&mut self, now: Instant, line: &Bytes) -> Vec<Effect> {
        self.calls.heard(now);
        match jsonrpc::decode(line) {
            Ok(Message::Response(response)) => self.on_response(response),
            Ok(Message::Request(request)) => vec![Effect::Write(answer_request(&request))],
            Ok(Message::Notification(notification)) => self.on_notification(now, &notification),
            Err(error) => {
                let (head, tail) = ends(line);
                self.on_unusable(now, head, tail, &error.to_string())
            }
        }
    }

    /// Takes what could be kept of a line that can't be used. It may have been an answer: the
    /// call it names gets an error instead of silence.
    pub(super) fn on_unusable(
        &mut self,
        now: Instant,
        head: &[u8],
        tail: &[u8],
        why: &str,
    ) -> Vec<Effect> {
        self.calls.heard(now);
        self.count_junk(now, head, why);
        let Some(id) = recover::recover_id(head, tail) else {
            return Vec::new();
        };
        if id == INITIALIZE_ID && self.phase == Phase::Initializing {
            return vec![Effect::Broken(format!(
                "answered 'initialize' with what can't be used: {why}"
            ))];
        }
        if self
            .listing
            .as_ref()
            .is_some_and(|listing| listing.id == id)
        {
            return self.list_failed(why);
        }
        self.calls.settle(
            id,
            Answer::Failed(format!(
                "the answer of server '{}' can't be used: {why}",
                self.server
            )),
        );
        Vec::new()
    }

    fn count_junk(&mut self, now: Instant, head: &[u8], why: &str) {
        let Some(fresh) = self.junk.count(now) else {
            return;
        };
        let others = match fresh {
            1 => String::new(),
            _ => format!(", as did {} lines before it", fresh - 1),
        };
        log::warn!(
            "Server '{}' wrote a line to stdout that can't be used{others}: {why}: {}",
            self.server,
            excerpt(head)
        );
    }

    fn on_response(&mut self, response: Response) -> Vec<Effect> {
        let Some(id) = response.id.as_ref().and_then(RequestId::as_number) else {
            self.calls.drop_answer();
            return Vec::new();
        };
        if id == INITIALIZE_ID && self.phase == Phase::Initializing {
            return self.on_initialized(response.outcome);
        }
        if self
            .listing
            .as_ref()
            .is_some_and(|listing| listing.id == id)
        {
            return self.on_page(response.outcome);
        }
        let answer = match response.outcome {
            Ok(result) => Answer::Result(result),
            Err(error) => Answer::Error(error),
        };
        self.calls.settle(id, answer);
        Vec::new()
    }

    fn on_initialized(&mut self, outcome: Result<Bytes, Bytes>) -> Vec<Effect> {
        let info = outcome
            .map_err(|error| format!("refused 'initialize': {}", excerpt(&error)))
            .and_then(|result| {
                lifecycle::server_info(&result)
                    .map_err(|why| format!("answered 'initialize' with what can't be used: {why}"))
            });
        let info = match info {
            Ok(info) => info,
            Err(why) => return vec![Effect::Broken(why)],
        };
        self.has_tools = info.has_tools;
        self.phase = Phase::Listing;
        let initialized = jsonrpc::notification("notifications/initialized", None);
        let mut effects = vec![Effect::Write(initialized), Effect::Initialized];
        effects.extend(self.list());
        effects
    }

    /// Asks for the catalogue, or remembers that it has to be asked for again.
    pub(super) fn list(&mut self) -> Vec<Effect> {
        if !self.has_tools {
            return self.listed(Catalogue::default());
        }
        if self.listing.is_some() {
            self.relist_wanted = true;
            return Vec::new();
        }
        let id = self.calls.take_id();
        self.listing = Some(Listing {
            id,
            pages: 0,
            tools: Vec::new(),
        });
        vec![Effect::Write(jsonrpc::request(id, "tools/list", None))]
    }

    fn on_page(&mut self, outcome: Result<Bytes, Bytes>) -> Vec<Effect> {
        let page = outcome
            .map_err(|error| excerpt(&error))
            .and_then(|result| tools::tools_page(&result));
        let page = match page {
            Ok(page) => page,
            Err(why) => return self.list_failed(&why),
        };
        let id = self.calls.take_id();
        let Some(listing) = self.listing.as_mut() else {
            return Vec::new();
        };
        if page.skipped > 0 {
            log::warn!(
                "Server '{}' lists {} tools without a name; they are left out",
                self.server,
                page.skipped
            );
        }
        listing.tools.extend(page.tools);
        listing.pages += 1;
        match page.next_cursor {
            Some(cursor) if listing.pages < MAX_PAGES => {
                listing.id = id;
                let params = tools::list_params(Some(&cursor));
                vec![Effect::Write(jsonrpc::request(
                    id,
                    "tools/list",
                    params.as_deref(),
                ))]
            }
            cut => {
                if cut.is_some() {
                    log::warn!(
                        "Server '{}' lists more than {MAX_PAGES} pages; the rest is left out",
                        self.server
                    );
                }
                let tools = mem::take(&mut listing.tools);
                self.listed(Catalogue { tools })
            }
        }
    }

    /// A server that can't list keeps what it offered before; at first, that is nothing.
    fn list_failed(&mut self, why: &str) -> Vec<Effect> {
        log::warn!("Server '{}' could not list its tools: {why}", self.server);
        if self.phase == Phase::Listing {
            return self.listed(Catalogue::default());
        }
        self.listing = None;
        self.list_again()
    }

    fn listed(&mut self, catalogue: Catalogue) -> Vec<Effect> {
        self.phase = Phase::Ready;
        self.listing = None;
        let mut effects = vec![Effect::Listed(catalogue)];
        effects.extend(self.list_again());
        effects
    }

    fn list_again(&mut self) -> Vec<Effect> {
        if mem::take(&mut self.relist_wanted) {
            return self.list();
        }
        Vec::new()
    }

    fn on_notification(&mut self, now: Instant, notification: &Notification) -> Vec<Effect> {
        match &*notification.method {
            "notifications/progress" => {
                if let Some(params) = &notification.params {
                    self.calls.progress(now, params);
                }
                Vec::new()
            }
            "notifications/tools/list_changed" if self.has_tools => vec![Effect::ListChanged],
            other => {
                log::debug!(
                    "Server '{}' sent '{other}', which is not passed on",
                    self.server
                );
                Vec::new()
            }
        }
    }
}

/// The gateway declares no client capability, so a server may only ask it for a sign of life.
fn answer_request(request: &Request) -> Bytes {
    if &*request.method == "ping" {
        return jsonrpc::result(&request.id, b"{}");
    }
    let text = format!(
        "'{}' is not offered: the gateway declares no client capabilities",
        request.method
    );
    let error = jsonrpc::error_object(jsonrpc::code::METHOD_NOT_FOUND, &text);
    jsonrpc::error(Some(&request.id), &error)
}

/// The first and the last 4 KiB of a line.
fn ends(line: &[u8]) -> (&[u8], &[u8]) {
    const PIECE: usize = 4096;
    let head = line.get(..PIECE).unwrap_or(line);
    let tail = line.get(line.len().saturating_sub(PIECE)..).unwrap_or(line);
    (head, tail)
}

/// A piece of a peer's text that is fit for a log line or an error.
fn excerpt(text: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(text).chars().take(200).collect();
    text.replace(char::is_control, " ")
}
