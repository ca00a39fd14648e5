//! The calls in flight at one server, and the mapping between the gateway's request ids and the
//! sessions' calls, which lives here and nowhere else. A call's id is its progress token too.
//!
//! Plain state: `now` goes in, lines to write come out, reply tokens are answered.

mod eras;
mod fit;
mod own;
mod settle;
mod unnamed;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::awake::Holds;
use super::hides::Hides;
use crate::ids::{CallId, ServerName};
use crate::protocol::Era;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::logging::Level;
use crate::protocol::mcp::{cancelled, cancelled::Cancelled, method, progress::Progress};
use crate::protocol::modern::extensions::Extensions;
use crate::telemetry::metrics::{GaugeGuard, ServerMetrics};
use crate::tree::Share;
use crate::tree::call::{Answer, Failure, ReplyToken, RoutedRequest, uncertain};

pub(super) use own::{HELLO_ID, Several};
pub(super) use settle::Stray;

/// How long a cancelled call keeps its permit if its server never answers it.
pub(super) const CANCELLED_KEEPS_PERMIT: Duration = Duration::from_secs(60);
/// So many calls are known to have been given up after that, the latest: an answer may come at last.
const GIVEN_UP: usize = 1_024;
/// A question to a client that nobody answers in time has failed so long before its call does: what
/// the server makes of that is the better answer.
const ASK_LAG: Duration = Duration::from_secs(5);
/// So many timeouts in a row without a word from the server mean that it is hung.
const TIMEOUTS_UNTIL_HUNG: u32 = 3;

/// Why a line was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The server has not read what was written before: it is busy.
    Full,
    /// Its stdin has gone, and so will it.
    Gone,
}

#[derive(Debug)]
struct InFlight {
    reply_token: ReplyToken,
    method: &'static str,
    /// The client's era.
    era: Era,
    /// From which level on the client wants to hear the log, if the request says so.
    logs: Option<(Level, Arc<()>)>,
    /// What is asked again if the server asks something first.
    routed: Option<Box<RoutedRequest>>,
    /// The client's own progress token, as it wrote it.
    token: Option<Box<str>>,
    sent: Instant,
    deadline: Instant,
    /// Whether a parser may refuse it where it takes others.
    is_odd: bool,
    counted: GaugeGuard,
}

#[derive(Debug)]
enum Pending {
    Call(Box<InFlight>),
    /// Answered or withdrawn on our side; the server may still be working on it.
    Tombstone {
        _permit: Option<Share>,
        until: Instant,
        is_odd: bool,
        /// Whether it asked for the log, of which the server may have more to say.
        asked_log: bool,
    },
}

/// The calls in flight.
#[derive(Debug)]
pub(super) struct Calls {
    server: ServerName,
    /// The server's.
    era: Era,
    /// The raw answer to its `roots/list`, if its entry has one and each request has to say so.
    roots: Option<Bytes>,
    /// The extensions that it is told are known, with each request of the gateway's own.
    extensions: Extensions,
    call_timeout: Duration,
    /// Where calls whose client is asked first are counted, of a server that may fall asleep.
    holds: Option<Holds>,
    /// Whether what was handed over may turn out not to have been sent.
    keeps: bool,
    hides: Hides,
    next_id: u64,
    /// In the order in which they were sent, which is how they fail together.
    pending: BTreeMap<u64, Pending>,
    ids: HashMap<CallId, u64>,
    /// Shared by the calls in flight that ask for the log by themselves, which counts them.
    loggers: Arc<()>,
    given_up: VecDeque<u64>,
    /// When a cancellation was last written, which a server may find fault with too.
    withdrawn_at: Option<Instant>,
    silent_timeouts: u32,
    heard_at: Option<Instant>,
    dropped_answers: u64,
    metrics: Arc<ServerMetrics>,
}

impl Calls {
    pub(super) fn new(server: ServerName, call_timeout: Duration) -> Self {
        Self {
            server,
            era: Era::Legacy,
            roots: None,
            extensions: Extensions::default(),
            call_timeout,
            holds: None,
            keeps: false,
            hides: Hides::default(),
            next_id: HELLO_ID + 1,
            pending: BTreeMap::new(),
            ids: HashMap::new(),
            loggers: Arc::default(),
            given_up: VecDeque::new(),
            withdrawn_at: None,
            silent_timeouts: 0,
            heard_at: None,
            dropped_answers: 0,
            metrics: Arc::default(),
        }
    }

    /// The same for a server that may not be there when a call is sent.
    pub(super) fn keeping(mut self, keeps: bool) -> Self {
        self.keeps = keeps;
        self
    }

    /// Of what the server says that is hidden in errors of the gateway's own.
    pub(super) fn hiding(mut self, hides: Hides) -> Self {
        self.hides = hides;
        self
    }

    /// Calls whose client is asked first are counted there.
    pub(super) fn count_holds(&mut self, holds: Holds) {
        self.holds = Some(holds);
    }

    /// What becomes of calls is counted there.
    pub(super) fn count_in(&mut self, metrics: Arc<ServerMetrics>) {
        self.metrics = metrics;
    }

    /// Whether what the server asks in its answer is for the gateway to ask the client, of that era.
    fn is_asked(&self, client: Era) -> bool {
        (client, self.era) == (Era::Legacy, Era::Modern)
    }

    /// Calls whose answer somebody waits for.
    pub(super) fn in_flight(&self) -> usize {
        self.ids.len()
    }

    /// Sends a call with `write`, which says whether the server's stdin took the line. What no
    /// server will read there comes back; who has too much to read is said to be busy. Gives the
    /// call's id there and the time by which it has to be answered.
    pub(super) fn send(
        &mut self,
        now: Instant,
        mut reply_token: ReplyToken,
        write: impl FnOnce(Bytes) -> Result<(), Refused>,
    ) -> Option<(u64, Instant)> {
        let has_roots = self.roots.is_some();
        let routed = reply_token.routed_mut()?;
        if has_roots {
            routed.with_roots();
        }
        let id = self.next_id;
        let request = &routed.request;
        let token = request.progress_token().map(Box::from);
        let params = routed.params(self.era, token.as_ref().map(|_| id));
        let is_odd = unnamed::is_odd(&params);
        let (method, era, log_level) = (request.method(), request.era(), routed.log_level());
        match write(jsonrpc::request(id, request.own_method(), Some(&params))) {
            Ok(()) => {}
            Err(Refused::Gone) => return None,
            Err(Refused::Full) => {
                self.metrics.refused.inc();
                let text = format!(
                    "server '{}' is busy: it has not read what it was sent before; try again later",
                    self.server
                );
                reply_token.answer(Answer::Failed(Failure::Refused, text));
                return None;
            }
        }
        let routed = reply_token.handed_over();
        let routed = routed.filter(|_| self.keeps || self.is_asked(era));
        self.next_id += 1;
        self.ids.insert(reply_token.call(), id);
        let deadline = self.deadline(now);
        let call = InFlight {
            reply_token,
            method,
            era,
            logs: log_level.map(|level| (level, Arc::clone(&self.loggers))),
            routed,
            token,
            sent: now,
            deadline,
            is_odd,
            counted: GaugeGuard::one(&self.metrics.in_flight),
        };
        self.pending.insert(id, Pending::Call(Box::new(call)));
        Some((id, deadline))
    }

    /// Withdraws a call that its client cancelled or left behind. Gives the line to write.
    pub(super) fn cancel(
        &mut self,
        now: Instant,
        call: CallId,
        params: Option<&Bytes>,
    ) -> Option<Bytes> {
        let id = self.ids.remove(&call)?;
        let Some(Pending::Call(mut in_flight)) = self.pending.remove(&id) else {
            return None;
        };
        self.metrics.cancelled.inc();
        self.bury(now, id, &mut in_flight);
        in_flight.reply_token.close();
        let params = params
            .and_then(|raw| Cancelled::parse(raw).ok())
            .map_or_else(
                || cancelled::cancelled_params(id, "the client has gone"),
                |own| own.rewrite(id),
            );
        Some(jsonrpc::notification(method::CANCELLED, Some(&params)))
    }

    /// Answers what has waited too long and frees what was cancelled long ago. Gives the lines to write.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Bytes> {
        let due = |pending: &Pending| match pending {
            Pending::Call(call) => call.deadline <= now,
            Pending::Tombstone { until, .. } => *until <= now,
        };
        let expired: Vec<u64> = self
            .pending
            .iter()
            .filter_map(|(id, pending)| due(pending).then_some(*id))
            .collect();
        let mut lines = Vec::new();
        for id in expired {
            match self.pending.remove(&id) {
                Some(Pending::Call(call)) => {
                    self.ids.remove(&call.reply_token.call());
                    lines.push(self.time_out(now, id, *call));
                }
                Some(Pending::Tombstone { .. }) => self.give_up(id),
                None => {}
            }
        }
        lines
    }

    fn time_out(&mut self, now: Instant, id: u64, mut call: InFlight) -> Bytes {
        // Slow calls that were sent together time out together, whatever the server said meanwhile.
        if self.heard_at.is_none_or(|heard| heard <= call.sent) {
            self.silent_timeouts += 1;
        }
        let text = format!(
            "server '{}' did not answer within {} s (call_timeout); the call was cancelled",
            self.server,
            self.call_timeout.as_secs_f32(),
        );
        self.metrics.timed_out.inc();
        self.metrics.figures.times.ended(call.sent, now);
        self.bury(now, id, &mut call);
        drop(call.counted);
        call.reply_token
            .answer(Answer::Failed(Failure::TimedOut, text));
        let params = cancelled::cancelled_params(id, "the call timed out");
        jsonrpc::notification(method::CANCELLED, Some(&params))
    }

    fn bury(&mut self, now: Instant, id: u64, call: &mut InFlight) {
        self.withdrawn_at = Some(now);
        let until = now + CANCELLED_KEEPS_PERMIT;
        self.pending.insert(
            id,
            Pending::Tombstone {
                _permit: call.reply_token.take_permit(),
                until,
                is_odd: call.is_odd,
                asked_log: call.logs.is_some(),
            },
        );
    }

    /// A late answer to that request is known as one.
    pub(super) fn give_up(&mut self, id: u64) {
        if self.given_up.len() >= GIVEN_UP {
            self.given_up.pop_front();
        }
        self.given_up.push_back(id);
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.pending
            .values()
            .map(|pending| match pending {
                Pending::Call(call) => call.deadline,
                Pending::Tombstone { until, .. } => *until,
            })
            .min()
    }

    /// Answers every call in flight with `text`: the process has ended or is being ended.
    pub(super) fn fail_all(&mut self, text: &str) {
        self.ids.clear();
        let now = Instant::now();
        for pending in mem::take(&mut self.pending).into_values() {
            if let Pending::Call(call) = pending {
                self.metrics.lost.inc();
                self.metrics.figures.times.ended(call.sent, now);
                drop(call.counted);
                call.reply_token
                    .answer(Answer::Failed(Failure::Lost, text.to_owned()));
            }
        }
    }

    /// The server waits for somebody else, or has: the time of every call starts anew.
    pub(super) fn extend(&mut self, now: Instant) {
        let due = self.deadline(now) + ASK_LAG;
        for pending in self.pending.values_mut() {
            if let Pending::Call(call) = pending {
                call.deadline = due;
            }
        }
    }

    /// Passes a progress notification on to the call it belongs to, whose time starts anew.
    pub(super) fn progress(&mut self, now: Instant, params: &Bytes) {
        let Ok(progress) = Progress::parse(params) else {
            return;
        };
        let deadline = self.deadline(now);
        let call = progress.token().and_then(|id| self.pending.get_mut(&id));
        if let Some(Pending::Call(call)) = call
            && let Some(token) = &call.token
        {
            call.deadline = deadline;
            let params = progress.rewrite(token);
            let line = jsonrpc::notification(method::PROGRESS, Some(&params));
            call.reply_token.progress(line);
        }
    }

    /// The server said something, whatever it was.
    pub(super) fn heard(&mut self, now: Instant) {
        self.silent_timeouts = 0;
        self.heard_at = Some(now);
    }

    /// Whether so many calls timed out in silence that the server must be hung.
    pub(super) fn is_hung(&self) -> bool {
        self.silent_timeouts >= TIMEOUTS_UNTIL_HUNG
    }

    pub(super) fn dropped_answers(&self) -> u64 {
        self.dropped_answers
    }
}

/// Nothing is left here after an orderly end. A panic or a kill of the actor is the gateway's own
/// fault, and the reply tokens know less than this.
impl Drop for Calls {
    fn drop(&mut self) {
        self.fail_all(&format!(
            uncertain!(
                "server '{}' was ended by a fault of the gateway and is started again soon; the call"
            ),
            self.server
        ));
    }
}
