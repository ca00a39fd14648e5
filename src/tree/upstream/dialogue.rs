//! The conversation with one server, as a plain state machine: the handshake, the catalogue, and
//! which line is for whom. Bytes and `now` go in, effects come out; no actor, no clock, no I/O.

mod handshake;
mod holding;
mod lists;
mod notifications;
mod undeclared;
mod unnamed;
mod unusable;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use self::handshake::Hello;
use super::calls::{Calls, Refused};
use super::hides::Hides;
use super::listing::Room;
use super::lists::{ListFailure, Lists, Step};
use super::malformed::MalformedLines;
use super::past::Past;
use super::server_label::ServerLabel;
use super::server_requests::ServerRequests;
use super::subscribers::Subscribers;
use crate::config::model::ServerSpec;
use crate::ids::CallId;
use crate::protocol::Era;
use crate::protocol::jsonrpc::{self, Message, Request, RequestId, Response, code};
use crate::protocol::modern::input_required;
use crate::protocol::shape::halves;
use crate::protocol::version::Version;
use crate::supervise::{Failure, FailureKind};
use crate::telemetry::metrics::ServerMetrics;
use crate::tree::call::{Answer, ReplyToken, RoutedRequest};
use crate::tree::client::{InstanceOwner, Interest, SessionSink};
use crate::tree::history::ServerHistory;
use crate::tree::registry::Catalogue;

/// Once in this time after the handshake it is seen whether some lists have come: then the server
/// is ready without the others. They count when they come; what it offered before stands for them.
pub(super) const LIST_LAG: Duration = Duration::from_secs(5);

/// A line holds so many messages at most. Far more than can be awaited.
const MAX_BATCH: usize = 10_000;

/// What the actor is to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// Write a line of the gateway's own.
    Write(Bytes),
    /// `initialize` was answered: the start slot is free.
    Initialized,
    /// The server takes calls, and offers this now.
    Listed(Catalogue),
    /// The server said that a list changed: ask for it after this time.
    ListChanged(Duration),
    /// There is a new time for [`Dialogue::next_deadline`].
    Watch,
    /// Pass a request on to the client of the session that this instance belongs to.
    ServerRequest(Request),
    /// Nothing good can come of this process any more.
    Broken(Failure),
}

/// What became of a line that was not an answer, a request or a known notification.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counters {
    /// Lines that were no JSON-RPC message.
    pub(super) malformed: u64,
    /// Answers nobody waits for: late, second, or with an unknown id.
    pub(super) dropped_answers: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It was not answered yet.
    Opening,
    /// The first lists are on their way. At this time those that have come are enough.
    Listing(Instant),
    Ready,
}

/// The conversation.
pub(super) struct Dialogue {
    label: ServerLabel,
    phase: Phase,
    hello: Hello,
    past: Arc<Past>,
    calls: Calls,
    lists: Lists,
    subscribers: Subscribers,
    server_requests: ServerRequests,
    malformed: MalformedLines,
    history: Arc<ServerHistory>,
}

impl Dialogue {
    /// A conversation that has not begun. `room` is for its lists.
    pub(super) fn open(
        spec: &ServerSpec,
        owner: Option<InstanceOwner>,
        room: Room,
        past: Arc<Past>,
    ) -> Self {
        let hides = Hides::of(&spec.target);
        let label = ServerLabel::new(spec.name.clone(), owner.as_ref(), &past);
        let label = label.hiding(hides.clone());
        let revision = past.revision().unwrap_or(Version::LATEST.as_str());
        Self {
            phase: Phase::Opening,
            hello: Hello::new(spec.protocol, revision),
            calls: Calls::new(spec.name.clone(), spec.call_timeout)
                .keeping(spec.target.program().is_none())
                .hiding(hides),
            lists: Lists::new(label.clone(), room, Arc::clone(&past)),
            subscribers: Subscribers::new(spec.name.clone()),
            server_requests: ServerRequests::new(spec, owner),
            malformed: MalformedLines::new(label.clone(), Arc::clone(&past)),
            past,
            history: Arc::default(),
            label,
        }
    }

    /// What becomes of calls and lines is counted there, over all lives of the server.
    pub(super) fn count_in(&mut self, metrics: Arc<ServerMetrics>) {
        self.malformed.count_in(metrics.lines_dropped.clone());
        self.calls.count_in(metrics);
    }

    /// What can't be used of what it says is kept there, over all lives of the server.
    pub(super) fn remember_in(&mut self, history: Arc<ServerHistory>) {
        self.malformed.remember_in(Arc::clone(&history));
        self.history = history;
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            malformed: self.malformed.count(),
            dropped_answers: self.calls.dropped_answers(),
        }
    }

    /// What the log calls the server.
    pub(super) fn label(&self) -> &ServerLabel {
        &self.label
    }

    /// The calls in flight.
    pub(super) fn calls(&mut self) -> &mut Calls {
        &mut self.calls
    }

    /// The session that it belongs to.
    pub(super) fn owner(&self) -> Option<&InstanceOwner> {
        self.server_requests.owner()
    }

    /// Whether calls may be sent.
    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Sends a call with `write`, or answers it here if it asks for what is so already. Gives the
    /// time by which it has to be answered.
    pub(super) fn send(
        &mut self,
        now: Instant,
        reply_token: ReplyToken,
        mut write: impl FnMut(Bytes) -> Result<(), Refused>,
    ) -> Option<Instant> {
        let is_unknown = |routed: &RoutedRequest| routed.request.gives_back();
        if self.calls.era() == Era::Legacy && reply_token.routed().is_some_and(is_unknown) {
            // What it asks is asked while its call runs, and held by who has the call.
            reply_token.answer(Answer::Error(input_required::unknown_state()));
            return None;
        }
        let (reply_token, wish) = self.subscribers.take(now, reply_token, &mut self.calls)?;
        if let Some(level) = reply_token.routed().and_then(RoutedRequest::log_level) {
            let told = self.subscribers.raise_level(now, level, &mut self.calls);
            // One that does not get it is refused the call as well.
            told.map(&mut write);
        }
        let (id, due) = self.calls.send(now, reply_token, write)?;
        self.lists.put_off(now);
        if let Some(wish) = wish {
            self.subscribers.sent(now, id, &wish, &self.calls);
        }
        Some(due)
    }

    /// Whether a session wants to hear of other resources than before.
    pub(super) fn is_news(&self, session: u64, interest: &Interest) -> bool {
        self.subscribers.uris_of(session) != Some(&interest.uris).filter(|uris| !uris.is_empty())
    }

    /// Replaces what a session wants to hear. Gives the lines to write.
    pub(super) fn interested(
        &mut self,
        now: Instant,
        session: u64,
        client: Arc<dyn SessionSink>,
        interest: Interest,
    ) -> Vec<Effect> {
        let member = (client, interest);
        let calls = &mut self.calls;
        let mut effects = writes(self.subscribers.interested(now, session, member, calls));
        if self.calls.era() == Era::Modern {
            effects.push(Effect::Watch);
        }
        effects
    }

    /// Takes one line of the server's stdout: a message, or several. A server may batch what it
    /// says (2025-03-26, basic, "Batching"); no revision has to be agreed on to understand it.
    pub(super) fn on_line(&mut self, now: Instant, line: &Bytes) -> Vec<Effect> {
        self.calls.heard(now);
        let mended = halves::mended(line);
        if mended.is_some() {
            let label = &self.label;
            log::info!(
                server = label.server();
                "Server {label} writes halves of characters (\\ud83d alone, of a text that was cut), which \
                 clients refuse; each becomes U+FFFD"
            );
        }
        let line = mended.as_ref().unwrap_or(line);
        let is_batch = line.trim_ascii_start().starts_with(b"[");
        let entries = is_batch.then(|| jsonrpc::batch_entries(line, MAX_BATCH));
        match entries {
            Some(Ok(entries)) => {
                let entries = entries.iter();
                entries.flat_map(|one| self.on_one(now, one)).collect()
            }
            Some(Err(_)) | None => self.on_one(now, line),
        }
    }

    fn on_one(&mut self, now: Instant, line: &Bytes) -> Vec<Effect> {
        match jsonrpc::decode(line) {
            Ok(Message::Response(response)) => self.on_response(now, response),
            Ok(Message::Request(request)) => vec![self.on_request(now, request)],
            Ok(Message::Notification(notification)) => self.on_notification(now, &notification),
            Err(error) => self.on_invalid(now, line, &error),
        }
    }

    /// Takes a sign of life that says nothing: the server is not hung.
    pub(super) fn on_sign_of_life(&mut self, now: Instant) {
        self.calls.heard(now);
    }

    /// Takes a line that its end cut off. If it was an answer, the end itself says more about it.
    pub(super) fn on_fragment(&mut self, now: Instant, head: &[u8], why: &str) {
        self.malformed.note(now, head, why);
    }

    /// Nothing more comes: says what was not said of what came.
    pub(super) fn say_rest(&mut self, now: Instant) {
        self.malformed.say_rest(now);
    }

    /// Takes note of a line that can't be used.
    fn note_junk(&mut self, now: Instant, head: &[u8], why: &str) -> Option<Effect> {
        let was_said = self.malformed.next_deadline().is_none();
        self.malformed.note(now, head, why);
        (was_said && self.malformed.next_deadline().is_some()).then_some(Effect::Watch)
    }

    /// What has taken too long by now.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Effect> {
        if self.malformed.next_deadline().is_some_and(|due| due <= now) {
            self.malformed.say_rest(now);
        }
        let mut effects = writes(self.calls.expire(now));
        if self.calls.is_hung() {
            let failure = Failure::new(FailureKind::Hung, "is hung")
                .because("three calls in a row timed out without a byte from it");
            return vec![Effect::Broken(failure)];
        }
        effects.extend(writes(self.subscribers.expire(now, &mut self.calls)));
        effects.extend(writes(self.subscribers.lower_level(now, &mut self.calls)));
        match self.phase {
            Phase::Listing(until) if until <= now && self.lists.has_some() => {
                let label = &self.label;
                log::warn!(server = label.server(); "Server {label} is slow: {} yet", self.waits_for());
                effects.push(self.ready());
            }
            Phase::Listing(until) if until <= now => self.phase = Phase::Listing(now + LIST_LAG),
            Phase::Ready => {
                for kind in self.lists.overdue(now) {
                    let silent = ListFailure::Silent;
                    let step = self.lists.fail(now, kind, &silent, &mut self.calls);
                    effects.extend(self.listed(now, step));
                }
                effects.extend(writes(self.look_further(now)));
            }
            Phase::Opening | Phase::Listing(_) => {}
        }
        effects
    }

    /// When [`Self::expire`] has something to do. The first list is a part of the start, which has
    /// a deadline of its own.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let lists = match self.phase {
            Phase::Opening => None,
            Phase::Listing(until) => Some(until),
            Phase::Ready => self.lists.next_deadline(),
        };
        let all = [
            self.calls.next_deadline(),
            self.subscribers.next_deadline(),
            self.malformed.next_deadline(),
            lists,
        ];
        all.into_iter().flatten().min()
    }

    /// While the owner's client is asked, the calls wait for somebody else than their server.
    fn on_request(&mut self, now: Instant, request: Request) -> Effect {
        if self.calls.era() == Era::Modern {
            // There are none in that era.
            let text = format!("Method not found: {}", request.method);
            let error = jsonrpc::error_object(code::METHOD_NOT_FOUND, &text);
            return Effect::Write(jsonrpc::error(Some(&request.id), &error));
        }
        let effect = self.server_requests.on_request(request);
        if matches!(effect, Effect::ServerRequest(_)) {
            self.calls.extend(now);
        }
        effect
    }

    pub(super) fn on_response(&mut self, now: Instant, response: Response) -> Vec<Effect> {
        let Some(id) = response.id.as_ref().and_then(RequestId::as_number) else {
            return self.on_unnamed(now, response);
        };
        if self.is_hello(id) {
            return self.on_hello(now, &response.outcome);
        }
        let kind = self.lists.kind_of(id).or_else(|| self.lists.revive(id));
        if let Some(kind) = kind {
            let calls = &mut self.calls;
            let step = self.lists.on_answer(now, kind, response.outcome, calls);
            return self.listed(now, step);
        }
        let answer = match response.outcome {
            Ok(result) => Answer::Result(result),
            Err(error) => Answer::Error(error),
        };
        self.settle(now, id, answer)
    }

    /// The subscribers hear of an answer before the call does that it may belong to.
    pub(super) fn settle(&mut self, now: Instant, id: u64, answer: Answer) -> Vec<Effect> {
        let silence = Bytes::new();
        let error = match &answer {
            Answer::Result(_) | Answer::Extended(_) | Answer::InputRequired(_) => None,
            Answer::Error(error) => Some(error),
            Answer::Failed(..) => Some(&silence),
        };
        let calls = &mut self.calls;
        let lines = self.subscribers.on_answer(now, id, error, calls);
        if (lines.is_none() || self.calls.has(id))
            && let Err((stray, body)) = self.calls.settle(now, id, answer)
        {
            self.say_stray(&id, stray, &body);
        }
        let quieter = self.subscribers.lower_level(now, &mut self.calls);
        let is_watched = lines.is_some() && self.calls.era() == Era::Modern;
        let watch = is_watched.then_some(Effect::Watch);
        let lines = lines.into_iter().flatten().chain(quieter);
        writes(lines).into_iter().chain(watch).collect()
    }

    /// Withdraws a call that its client cancelled or left behind. Gives the lines to write.
    pub(super) fn cancel(
        &mut self,
        now: Instant,
        call: CallId,
        params: Option<&Bytes>,
    ) -> Vec<Bytes> {
        let told = self.calls.cancel(now, call, params);
        let quieter = self.subscribers.lower_level(now, &mut self.calls);
        told.into_iter().chain(quieter).collect()
    }
}

fn writes(lines: impl IntoIterator<Item = Bytes>) -> Vec<Effect> {
    lines.into_iter().map(Effect::Write).collect()
}
