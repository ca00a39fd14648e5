//! Where what a request's conversation decides goes: to its one stream, in this revision's words.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::delivery::StreamId;
use super::bound_state::Bound;
use super::line::Line;
use super::listening::{self, Listening};
use super::queue::SpokenSender;
use super::replies::Spoken;
use crate::ids::Holder;
use crate::protocol::Era;
use crate::protocol::jsonrpc::{self, Message, RequestId, code};
use crate::protocol::mcp::lifecycle::ClientCapabilities;
use crate::protocol::mcp::method;
use crate::protocol::mcp::progress::Progress;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::mcp::updated::uri_params;
use crate::protocol::modern::input_required;
use crate::protocol::modern::listen::{self, Filter};
use crate::protocol::modern::request::ModernRequest;
use crate::protocol::modern::results::{self, Caching};
use crate::protocol::modern::tasks;
use crate::telemetry::metrics::Metrics;
use crate::tree::sessions::conversation::ReplyTo;
use crate::tree::sessions::parent::SessionsParent;
use crate::tree::sessions::signing::Signer;

/// The stream of the request itself.
pub(super) const REQUEST: StreamId = StreamId(1);
/// How long a client waits to be told what it will be told of.
const ACKNOWLEDGE: Duration = Duration::from_secs(5);

/// The gateway's ends of a stream to the client.
pub(super) type Ends = (Arc<Line>, SpokenSender);

/// The token under which the client hears of progress.
enum Token {
    /// That of its first request, which its server has.
    First,
    /// Since it came again, this one: raw, if it wants to hear of any.
    Since(Option<Box<str>>),
}

/// How a request ends.
pub(super) enum Outcome {
    Result(Vec<u8>),
    /// With the code that HTTP shows too, if it does.
    Error(Bytes, Option<i64>),
}

/// Whom a request may ask for more than its answer.
pub(super) struct Beside {
    /// Who starts servers for it.
    pub(super) root: Arc<dyn SessionsParent>,
    /// Where what found no room is counted.
    pub(super) metrics: Metrics,
    /// How long a client may read nothing while its stream is full.
    pub(super) patience: Duration,
    /// Who signs what a client has to give back.
    pub(super) signer: Signer,
}

/// All of it.
pub(super) struct Outlet {
    pub(super) serial: u64,
    pub(super) id: RequestId,
    pub(super) caching: Caching,
    pub(super) capabilities: ClientCapabilities,
    /// What is asked for, if it is a resource.
    pub(super) uri: Option<Box<str>>,
    /// What a state of its server is bound to.
    pub(super) bound: Option<Bound>,
    /// None while its client is being asked.
    pub(super) stream: Option<Ends>,
    /// The request in which its client came last.
    attempt: u64,
    /// What was answered meanwhile.
    kept: Option<Outcome>,
    token: Token,
    /// What the client would have to declare to be asked what a server wanted to.
    pub(super) undeclared: Option<&'static str>,
    pub(super) listening: Option<Box<Listening>>,
    pub(super) has_instances: bool,
    pub(super) is_over: bool,
    /// When it is looked whether the client reads.
    looks_at: Option<Instant>,
    pub(super) beside: Beside,
}

impl Outlet {
    pub(super) fn new(
        (serial, holder): (u64, Holder),
        asked: &ModernRequest,
        stream: Ends,
        beside: Beside,
    ) -> Self {
        let is_private = !holder.owner().is_anybody();
        Self {
            serial,
            id: asked.request.id.clone(),
            caching: caching(asked, is_private),
            capabilities: asked.meta.capabilities,
            uri: None,
            bound: None,
            stream: Some(stream),
            attempt: serial,
            kept: None,
            token: Token::First,
            undeclared: None,
            listening: None,
            has_instances: false,
            is_over: false,
            looks_at: None,
            beside,
        }
    }

    /// What the request is about: an error may have to say so.
    pub(super) fn is_about(&mut self, request: &ClientRequest) {
        if request.method() == method::RESOURCES_READ {
            self.uri = Some(request.key().into());
        }
    }

    /// What its server has the client give back is bound to this.
    pub(super) fn binds(&mut self, bound: Option<Bound>) {
        self.bound = bound;
    }

    /// The request is on its way: no more of it is kept than it is known by.
    pub(super) fn is_sent(&mut self) {
        if let Some(bound) = &mut self.bound {
            bound.let_go();
        }
    }

    /// Who signs what the client has to give back.
    pub(super) fn signer(&self) -> &Signer {
        &self.beside.signer
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn has_instances(&self) -> bool {
        self.has_instances
    }

    pub(super) fn listens(&self) -> bool {
        self.listening.is_some()
    }

    /// Refuses who gives back what nobody holds anything for.
    pub(super) fn refuse_state(&mut self) {
        self.refuse_with(input_required::unknown_state());
    }

    /// The request in which its client came last.
    pub(super) fn attempt(&self) -> u64 {
        self.attempt
    }

    /// Nobody waits for more.
    pub(super) fn close(&mut self) {
        self.is_over = true;
    }

    /// Answers with a result that needs nothing more.
    pub(super) fn answer(&mut self, result: &[u8]) {
        self.conclude(Outcome::Result(result.to_vec()));
    }

    /// Answers that there will be no answer.
    pub(super) fn fail(&mut self, why: &str) {
        let error = jsonrpc::error_object(code::INTERNAL_ERROR, why);
        self.refuse_with(error);
    }

    /// Answers with an error of the gateway's own.
    pub(super) fn refuse_with(&mut self, error: Bytes) {
        let code = code::of(&error);
        self.conclude(Outcome::Error(error, code));
    }

    pub(super) fn conclude(&mut self, outcome: Outcome) {
        if self.stream.is_none() {
            self.kept = Some(outcome);
            return;
        }
        match outcome {
            Outcome::Result(result) => self.say(jsonrpc::result(&self.id, &result), None, true),
            Outcome::Error(error, code) => {
                let message = jsonrpc::error(Some(&self.id), &error);
                self.say(message, code, true);
            }
        }
        self.is_over = true;
    }

    /// Shows questions to the client, which goes with them and comes again.
    pub(super) fn show(&mut self, questions: &[u8]) {
        let result = results::stamped(questions, Caching::Unsaid);
        self.say(jsonrpc::result(&self.id, &result), None, true);
        self.stream = None;
        self.looks_at = None;
    }

    /// Nobody listens for now, and nothing is owed.
    pub(super) fn detach(&mut self) {
        self.stream = None;
        self.kept = None;
        self.bound = None;
        self.looks_at = None;
        self.is_over = false;
    }

    /// Goes on with another request of the same client.
    pub(super) fn renew(&mut self, attempt: u64, asked: &ModernRequest, stream: Ends) {
        self.detach();
        self.attempt = attempt;
        self.id = asked.request.id.clone();
        self.caching = caching(asked, true);
        self.stream = Some(stream);
        self.token = Token::First;
        (self.uri, self.undeclared) = (None, None);
    }

    /// The client has come again; `token` is that of its progress now.
    pub(super) fn attach(
        &mut self,
        (attempt, id): (u64, RequestId),
        stream: Ends,
        token: Option<Box<str>>,
    ) {
        self.attempt = attempt;
        self.id = id;
        self.stream = Some(stream);
        self.token = Token::Since(token);
        if let Some(kept) = self.kept.take() {
            self.conclude(kept);
        }
    }

    pub(super) fn say(&mut self, message: Bytes, error: Option<i64>, is_last: bool) {
        let Some((line, queue)) = self.stream.as_mut().filter(|_| !self.is_over) else {
            return;
        };
        line.load.queue(message.len());
        let spoken = Spoken {
            message,
            error,
            is_last,
        };
        if !queue.send(spoken) {
            self.is_over = true; // the client has gone, and says so itself
        } else if line.load.is_full() {
            let soon = || Instant::now() + self.beside.patience;
            self.looks_at.get_or_insert_with(soon);
        }
    }

    /// Progress under the token that the client waits for now; nothing if for none.
    pub(super) fn retold(&self, message: Bytes) -> Option<Bytes> {
        let Token::Since(token) = &self.token else {
            return Some(message);
        };
        let Ok(Message::Notification(told)) = jsonrpc::decode(&message) else {
            return Some(message);
        };
        if &*told.method != method::PROGRESS {
            return Some(message);
        }
        let progress = Progress::parse(told.params.as_ref()?).ok()?;
        let params = progress.rewrite(token.as_deref()?);
        Some(jsonrpc::notification(method::PROGRESS, Some(&params)))
    }

    /// From now on it listens. What it is told is asked of servers first.
    pub(super) fn listen(&mut self, filter: Filter) {
        let until = Instant::now() + ACKNOWLEDGE;
        self.listening = Some(Box::new(Listening::new(filter, until)));
    }

    /// The next request by which a server is asked to tell of a resource or a task, and where its answer goes.
    pub(super) fn next_subscription(&mut self) -> Option<(ReplyTo, ClientRequest)> {
        let (position, wish) = self.listening.as_mut()?.next()?;
        let subscribe = method::RESOURCES_SUBSCRIBE;
        let request = match tasks::of_topic(&wish) {
            Some(task) => ClientRequest::to_hear_of_task(task),
            None => ClientRequest::parse(Era::Modern, subscribe, &uri_params(&wish)).ok()?,
        };
        let to = ReplyTo {
            id: listening::id(position),
            stream: listening::stream(position),
        };
        Some((to, request))
    }

    /// Tells what will be told, if all servers have answered.
    pub(super) fn acknowledge_if_known(&mut self) {
        if self.listening.as_ref().is_some_and(|it| it.is_known()) {
            self.acknowledge();
        }
    }

    fn acknowledge(&mut self) {
        let Some(listening) = &mut self.listening else {
            return;
        };
        let messages = listening.acknowledge(&self.id);
        let is_empty = listening.is_empty();
        for message in messages {
            self.say(message, None, false);
        }
        if is_empty {
            self.end_listening();
        }
    }

    /// Ends a stream that listens, as the gateway ends it.
    pub(super) fn end_listening(&mut self) {
        if self.listening.is_some() {
            self.answer(&listen::ended(&self.id));
        }
    }

    /// Does what is due. Gives the requests to servers that are not waited for any more.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<RequestId> {
        let mut unanswered = Vec::new();
        if let Some(listening) = &self.listening
            && listening.until.is_some_and(|until| until <= now)
        {
            unanswered = listening.unanswered();
            self.acknowledge();
        }
        if self.looks_at.take_if(|at| *at <= now).is_some() {
            self.look_at_reader(now);
        }
        unanswered
    }

    fn look_at_reader(&mut self, now: Instant) {
        let is_full = |(line, _): &&Ends| line.load.is_full();
        let Some((line, _)) = self.stream.as_ref().filter(is_full) else {
            return;
        };
        let patience = self.beside.patience;
        if line.load.stalled_for() < patience {
            self.looks_at = Some(now + patience);
            return;
        }
        log::warn!(
            "A request of a client without a session is ended: its client has read nothing for {} s \
             and its stream is full",
            patience.as_secs_f32()
        );
        line.cut();
        self.is_over = true;
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let until = self.listening.as_ref().and_then(|it| it.until);
        until.into_iter().chain(self.looks_at).min()
    }
}

fn caching(asked: &ModernRequest, is_private: bool) -> Caching {
    if &*asked.request.method == method::RESOURCES_READ {
        Caching::Said { is_private }
    } else {
        Caching::Unsaid
    }
}
