//! The conversation with one server, as a plain state machine: the handshake, the catalogue, and
//! which line is for whom. Bytes and `now` go in, effects come out; no actor, no clock, no I/O.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::calls::{Calls, INITIALIZE_ID};
use super::junk::{Junk, excerpt};
use super::listing::{Listing, Turn};
use crate::ids::ServerName;
use crate::protocol::framing::recover;
use crate::protocol::jsonrpc::{self, Message, Notification, Request, RequestId, Response};
use crate::protocol::mcp::item::{self, Kind};
use crate::protocol::mcp::lifecycle;
use crate::protocol::version::Version;
use crate::supervise::FailureKind;
use crate::tree::call::Answer;
use crate::tree::registry::Catalogue;

/// What the actor is to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// Write a line of the gateway's own.
    Write(Bytes),
    /// `initialize` was answered: the start slot is free.
    Initialized,
    /// The server takes calls, and offers this now; `None` if it failed to say at its start.
    Listed(Option<Catalogue>),
    /// The server said that its list changed.
    ListChanged,
    /// Nothing good can come of this process any more. The words follow the server's name.
    Broken(FailureKind, String),
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
            junk: Junk::new(server.clone()),
            server,
            phase: Phase::Initializing,
            listing: None,
            has_tools: false,
            relist_wanted: false,
        };
        let params = lifecycle::initialize_params(Version::LATEST, b"{}");
        let hello = jsonrpc::request(INITIALIZE_ID, "initialize", Some(&params));
        (dialogue, hello)
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            junk: self.junk.count(),
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
            Ok(Message::Response(response)) => self.on_response(now, response),
            Ok(Message::Request(request)) => vec![Effect::Write(answer_request(&request))],
            Ok(Message::Notification(notification)) => self.on_notification(now, &notification),
            Err(_) => {
                let (head, tail) = ends(line);
                self.on_unusable(now, head, tail, "is not a JSON-RPC message")
            }
        }
    }

    /// Takes a sign of life that says nothing: the server is not hung.
    pub(super) fn on_sign_of_life(&mut self, now: Instant) {
        self.calls.heard(now);
    }

    /// Takes a line that its end cut off. If it was an answer, the end itself says more about it.
    pub(super) fn on_fragment(&mut self, now: Instant, head: &[u8], why: &str) {
        self.junk.note(now, head, why);
    }

    /// What has taken too long by now.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Effect> {
        let lines = self.calls.expire(now);
        if self.calls.is_hung() {
            let why = "is hung: three calls in a row timed out without a byte from it";
            return vec![Effect::Broken(FailureKind::Hung, why.to_owned())];
        }
        let mut effects: Vec<Effect> = lines.into_iter().map(Effect::Write).collect();
        if self.listing_deadline().is_some_and(|due| due <= now) {
            effects.extend(self.list_failed(now, "it did not answer in time"));
        }
        effects
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let calls = self.calls.next_deadline();
        calls.into_iter().chain(self.listing_deadline()).min()
    }

    /// The first list is a part of the start, which has a deadline of its own.
    fn listing_deadline(&self) -> Option<Instant> {
        let listing = self.listing.as_ref().filter(|_| self.is_ready());
        listing.map(|listing| listing.deadline)
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
        self.junk.note(now, head, why);
        let Some(id) = recover::recover_id(head, tail) else {
            return Vec::new();
        };
        if id == INITIALIZE_ID && self.phase == Phase::Initializing {
            return vec![failed_handshake(&format!(
                "its answer to 'initialize' {why}"
            ))];
        }
        if self.is_listing(id) {
            return self.list_failed(now, &format!("its answer {why}"));
        }
        let text = format!(
            "the answer of server '{}' can't be used: it {why}",
            self.server
        );
        self.calls.settle(id, Answer::Failed(text));
        Vec::new()
    }

    fn is_listing(&self, id: u64) -> bool {
        self.listing
            .as_ref()
            .is_some_and(|listing| listing.id == id)
    }

    fn on_response(&mut self, now: Instant, response: Response) -> Vec<Effect> {
        let Some(id) = response.id.as_ref().and_then(RequestId::as_number) else {
            self.calls.drop_answer();
            return Vec::new();
        };
        if id == INITIALIZE_ID && self.phase == Phase::Initializing {
            return self.on_initialized(now, response.outcome);
        }
        if self.is_listing(id) {
            return self.on_page(now, response.outcome);
        }
        let answer = match response.outcome {
            Ok(result) => Answer::Result(result),
            Err(error) => Answer::Error(error),
        };
        self.calls.settle(id, answer);
        Vec::new()
    }

    fn on_initialized(&mut self, now: Instant, outcome: Result<Bytes, Bytes>) -> Vec<Effect> {
        let info = outcome
            .map_err(|error| format!("it refused 'initialize': {}", excerpt(&error)))
            .and_then(|result| lifecycle::server_info(&result));
        let info = match info {
            Ok(info) => info,
            Err(why) => return vec![failed_handshake(&why)],
        };
        self.has_tools = info.has_tools;
        self.phase = Phase::Listing;
        let initialized = jsonrpc::notification("notifications/initialized", None);
        let mut effects = vec![Effect::Write(initialized), Effect::Initialized];
        effects.extend(self.list(now));
        effects
    }

    /// Asks for the catalogue, or remembers that it has to be asked for again.
    pub(super) fn list(&mut self, now: Instant) -> Vec<Effect> {
        if !self.has_tools {
            return self.listed(now, Some(Catalogue::default()));
        }
        if self.listing.is_some() {
            self.relist_wanted = true;
            return Vec::new();
        }
        let id = self.calls.take_id();
        self.listing = Some(Listing::new(id, self.calls.deadline(now)));
        vec![Effect::Write(jsonrpc::request(id, "tools/list", None))]
    }

    fn on_page(&mut self, now: Instant, outcome: Result<Bytes, Bytes>) -> Vec<Effect> {
        let page = outcome
            .map_err(|error| excerpt(&error))
            .and_then(|result| item::page(Kind::Tools, &result));
        let page = match page {
            Ok(page) => page,
            Err(why) => return self.list_failed(now, &why),
        };
        let Some(mut listing) = self.listing.take() else {
            return Vec::new();
        };
        match listing.turn(&self.server, page) {
            Turn::Next(params) => {
                let id = self.calls.take_id();
                listing.asked(id, self.calls.deadline(now));
                self.listing = Some(listing);
                let params = params.as_deref();
                vec![Effect::Write(jsonrpc::request(id, "tools/list", params))]
            }
            Turn::Done(catalogue) => self.listed(now, Some(catalogue)),
        }
    }

    /// A server that can't list keeps what it offered before.
    fn list_failed(&mut self, now: Instant, why: &str) -> Vec<Effect> {
        log::warn!("Server '{}' could not list its tools: {why}", self.server);
        if self.phase == Phase::Listing {
            return self.listed(now, None);
        }
        self.listing = None;
        self.list_again(now)
    }

    fn listed(&mut self, now: Instant, catalogue: Option<Catalogue>) -> Vec<Effect> {
        self.phase = Phase::Ready;
        self.listing = None;
        let mut effects = vec![Effect::Listed(catalogue)];
        effects.extend(self.list_again(now));
        effects
    }

    fn list_again(&mut self, now: Instant) -> Vec<Effect> {
        if std::mem::take(&mut self.relist_wanted) {
            return self.list(now);
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

fn failed_handshake(why: &str) -> Effect {
    Effect::Broken(FailureKind::Exited, format!("failed the handshake: {why}"))
}
