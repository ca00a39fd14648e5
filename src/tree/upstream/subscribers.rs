//! Who wants to hear what of one server beside the answers to calls: log messages from a level on,
//! and changes of resources. The server is told what they want together: the most verbose level,
//! each resource once. Plain state; lines to write come out, clients are told.

mod granting;
mod holding;
mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use self::granting::Waiting;
use self::holding::Held;
use super::calls::{CANCELLED_KEEPS_PERMIT, Calls};
use super::listening::Listening;
use super::subscriptions::{Open, Subscriptions};
use super::updates::{Share, Updates};
use crate::ids::{CallId, ServerName};
use crate::protocol::Era;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::lifecycle::Changes;
use crate::protocol::mcp::logging::{self, Level};
use crate::protocol::mcp::{method, updated};
use crate::protocol::modern::subscription::Agreed;
use crate::protocol::modern::tasks;
use crate::tree::call::{Answer, ReplyToken};
use crate::tree::client::{Interest, SessionSink};
use crate::tree::registry::Abilities;

/// What a server is to say once nobody wants more of it; what it said unasked is not known.
const QUIET: Level = Level::Info;

struct Member {
    client: Arc<dyn SessionSink>,
    interest: Interest,
}

/// The level a server was told, and the request that told it if it is not answered yet.
#[derive(Debug, Default)]
struct Told {
    level: Option<Level>,
    /// Whether a request that asks for the log by itself may have a part in that.
    is_for_requests: bool,
    open: Option<(u64, Instant)>,
}

/// All sessions with a wish.
pub(super) struct Subscribers {
    server: ServerName,
    abilities: Abilities,
    members: BTreeMap<u64, Member>,
    told: Told,
    subscriptions: Subscriptions,
    listening: Listening,
    waiting: Vec<Waiting>,
    updates: Updates,
    logs: Share,
    tasks: Share,
    has_shed: bool,
    held: Held,
}

/// What a session asks for by a call of its own.
#[derive(Debug)]
pub(super) struct SubscriptionCall {
    call: CallId,
    uri: Arc<str>,
    is_on: bool,
}

impl Subscribers {
    pub(super) fn new(server: ServerName) -> Self {
        Self {
            server,
            abilities: Abilities::default(),
            members: BTreeMap::new(),
            told: Told::default(),
            subscriptions: Subscriptions::default(),
            listening: Listening::new(),
            waiting: Vec::new(),
            updates: Updates::default(),
            logs: Share::LOGS,
            tasks: Share::LOGS,
            has_shed: false,
            held: Held::default(),
        }
    }

    /// Takes in what the server can do.
    pub(super) fn declare(&mut self, abilities: Abilities) {
        self.abilities = abilities;
    }

    /// The server knows no handshake, and tells of changes of these lists to who listens. Gives the
    /// lines to write.
    pub(super) fn listen(
        &mut self,
        now: Instant,
        lists: Changes,
        calls: &mut Calls,
    ) -> Option<Bytes> {
        self.listening.begin(now, lists);
        self.turn(now, calls)
    }

    /// The server has begun to tell of what request `id` asks for, as far as it is `agreed` to; all of it where it
    /// does not say. Gives the lines to write.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        (id, agreed): (u64, Option<&Agreed>),
        calls: &mut Calls,
    ) -> Vec<Bytes> {
        let ended = self.listening.acknowledged(id, calls);
        self.settle_waiting(id, agreed);
        let next = self.turn(now, calls);
        ended.into_iter().chain(next).collect()
    }

    /// The server tells no more of what request `id` asks for.
    pub(super) fn told_no_more(&mut self, now: Instant, id: u64) {
        self.listening.on_answer(now, id, None);
        self.settle_waiting(id, None);
    }

    /// The resources that a session wants to hear of, if there are any.
    pub(super) fn uris_of(&self, session: u64) -> Option<&BTreeSet<Arc<str>>> {
        let uris = self
            .members
            .get(&session)
            .map(|member| &member.interest.uris);
        uris.filter(|uris| !uris.is_empty())
    }

    /// Replaces what a session wants. Gives the lines to write.
    pub(super) fn interested(
        &mut self,
        now: Instant,
        session: u64,
        member: (Arc<dyn SessionSink>, Interest),
        calls: &mut Calls,
    ) -> Vec<Bytes> {
        let (client, interest) = member;
        let before = self.members.remove(&session);
        let before = before.map_or_else(Interest::default, |member| member.interest);
        let changed = before.uris.symmetric_difference(&interest.uris);
        let changed = changed.map(|uri| (Arc::clone(uri), interest.uris.contains(uri)));
        let changed: Vec<(Arc<str>, bool)> = changed.collect();
        if interest != Interest::default() {
            self.members.insert(session, Member { client, interest });
        }
        let mut lines = Vec::new();
        for (uri, is_wanted) in changed {
            self.subscriptions.want(&uri, is_wanted);
            lines.extend(self.reconcile(now, &uri, calls));
        }
        lines.extend(self.adjust_level(now, None, calls));
        lines.extend(self.turn(now, calls));
        self.note_hold();
        lines
    }

    /// Looks at a reply token on its way. One that asks for what is so already is answered here. Any
    /// other has to go to the server; what it wishes, if anything, is for [`Self::sent`] then.
    pub(super) fn take(
        &mut self,
        now: Instant,
        reply_token: ReplyToken,
        calls: &mut Calls,
    ) -> Option<(ReplyToken, Option<SubscriptionCall>)> {
        let Some(wish) = wish(&reply_token) else {
            return Some((reply_token, None));
        };
        if calls.era() == Era::Modern || tasks::of_topic(&wish.uri).is_some() {
            self.fulfil(now, &wish, reply_token, calls);
            return None;
        }
        let session = wish.call.session;
        let is_so = if wish.is_on {
            self.subscriptions.is_settled_on(&wish.uri)
        } else {
            let member = self.members.get(&session);
            let is_its = member.is_some_and(|member| member.interest.uris.contains(&wish.uri));
            self.subscriptions.wanted(&wish.uri) > u32::from(is_its)
        };
        if !is_so {
            return Some((reply_token, Some(wish)));
        }
        let client = Arc::clone(reply_token.client());
        self.grant(session, client, &wish.uri, wish.is_on);
        reply_token.answer(Answer::Result(Bytes::from_static(b"{}")));
        None
    }

    /// A session's wish went to the server as request `id`.
    pub(super) fn sent(&mut self, now: Instant, id: u64, wish: &SubscriptionCall, calls: &Calls) {
        let open = Open {
            is_on: wish.is_on,
            call: Some(wish.call),
            until: calls.deadline(now) + CANCELLED_KEEPS_PERMIT,
        };
        self.subscriptions.sent(id, &wish.uri, open);
    }

    /// Takes an answer, an `error` or none, if it is one to what the server was asked for the subscribers. Gives the lines
    /// to write. The call it may belong to is still to be settled.
    pub(super) fn on_answer(
        &mut self,
        now: Instant,
        id: u64,
        error: Option<&Bytes>,
        calls: &mut Calls,
    ) -> Option<Vec<Bytes>> {
        if self.told.open.is_some_and(|(open, _)| open == id) {
            self.told.open = None;
            return Some(self.adjust_level(now, None, calls).into_iter().collect());
        }
        if self.listening.on_answer(now, id, error) {
            self.settle_waiting(id, None);
            return Some(Vec::new());
        }
        let is_granted = error.is_none();
        let settled = self.subscriptions.settle(id, is_granted)?;
        // Who does not wait for the answer any more does not count on it either.
        let asker = settled.call.filter(|_| is_granted);
        let asker = asker.and_then(|call| Some((call.session, Arc::clone(calls.client_of(call)?))));
        if let Some((session, client)) = asker {
            self.grant(session, client, &settled.uri, settled.is_on);
        }
        let mut lines = Vec::new();
        lines.extend(self.reconcile(now, &settled.uri, calls));
        while let Some(uri) = self.subscriptions.next() {
            lines.extend(self.reconcile(now, &uri, calls));
        }
        Some(lines)
    }

    fn grant(&mut self, session: u64, client: Arc<dyn SessionSink>, uri: &Arc<str>, is_on: bool) {
        let is_news = if is_on {
            let fresh = || Member {
                client,
                interest: Interest::default(),
            };
            let member = self.members.entry(session).or_insert_with(fresh);
            member.interest.uris.insert(Arc::clone(uri))
        } else if let Some(member) = self.members.get_mut(&session) {
            let is_news = member.interest.uris.remove(uri);
            if member.interest == Interest::default() {
                self.members.remove(&session);
            }
            is_news
        } else {
            false
        };
        if is_news {
            self.subscriptions.want(uri, is_on);
        }
        self.note_hold();
    }

    /// Asks the server for what is missing or too much, one request at a time for each resource.
    fn reconcile(&mut self, now: Instant, uri: &Arc<str>, calls: &mut Calls) -> Option<Bytes> {
        if calls.era() == Era::Modern {
            self.subscriptions.forget_unwanted(uri);
            self.listening.change(now);
            return None;
        }
        let is_on = self.subscriptions.due(uri)?;
        if is_on && !self.abilities.subscribe {
            return None;
        }
        let id = calls.take_id();
        let open = Open {
            is_on,
            call: None,
            until: calls.deadline(now),
        };
        self.subscriptions.sent(id, uri, open);
        let method = if is_on {
            method::RESOURCES_SUBSCRIBE
        } else {
            method::RESOURCES_UNSUBSCRIBE
        };
        Some(jsonrpc::request(
            id,
            method,
            Some(&updated::uri_params(uri)),
        ))
    }

    /// A request is about to run that asks for the log from `level` on. Gives the line to write.
    pub(super) fn raise_level(
        &mut self,
        now: Instant,
        level: Level,
        calls: &mut Calls,
    ) -> Option<Bytes> {
        self.told.is_for_requests = true;
        self.adjust_level(now, Some(level), calls)
    }

    /// A request may have ended that asked for the log. Gives the line to write.
    pub(super) fn lower_level(&mut self, now: Instant, calls: &mut Calls) -> Option<Bytes> {
        if !self.told.is_for_requests {
            return None;
        }
        self.told.is_for_requests = calls.log_level().is_some();
        self.adjust_level(now, None, calls)
    }

    /// Tells the server the most verbose level of all sessions and running requests, and of `also`, a
    /// request that is about to run; once it has answered to the last.
    fn adjust_level(
        &mut self,
        now: Instant,
        also: Option<Level>,
        calls: &mut Calls,
    ) -> Option<Bytes> {
        let is_told = self.abilities.logging && calls.era() == Era::Legacy;
        let is_due = is_told && self.told.open.is_none();
        if !is_due {
            return None;
        }
        let levels = self
            .members
            .values()
            .filter_map(|member| member.interest.level);
        let levels = levels.chain(calls.log_level()).chain(also);
        let wanted = levels.min().or(self.told.level.and(Some(QUIET)))?;
        if self.told.level == Some(wanted) {
            return None;
        }
        let id = calls.take_id();
        self.told.level = Some(wanted);
        self.told.open = Some((id, calls.deadline(now)));
        let params = logging::set_level_params(wanted);
        Some(jsonrpc::request(id, method::SET_LEVEL, Some(&params)))
    }

    /// Whether the server owes the gateway itself an answer here.
    pub(super) fn awaits_an_answer(&self) -> bool {
        let listening = self.listening.is_asking();
        self.told.open.is_some() || listening || self.subscriptions.next_deadline().is_some()
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let level = self.told.open.map(|(_, until)| until);
        let own = [
            self.subscriptions.next_deadline(),
            self.updates.next_deadline(),
            self.listening.next_deadline(),
        ];
        level.into_iter().chain(own.into_iter().flatten()).min()
    }

    /// Gives up what has waited too long, and tells what waits to be told. Gives the lines to write.
    pub(super) fn expire(&mut self, now: Instant, calls: &mut Calls) -> Vec<Bytes> {
        while let Some((uri, params)) = self.updates.next(now) {
            self.tell_of(now, &uri, &params);
        }
        let level = self.told.open.filter(|(_, until)| *until <= now);
        let mut overdue = self.subscriptions.overdue(now);
        overdue.extend(level.map(|(id, _)| id));
        let mut lines = Vec::new();
        for id in overdue {
            let silence = Bytes::new();
            let told = self.on_answer(now, id, Some(&silence), calls);
            lines.extend(told.unwrap_or_default());
        }
        if let Some(silent) = self.listening.overdue(now) {
            lines.extend(self.acknowledged(now, (silent, None), calls));
        }
        lines.extend(self.turn(now, calls));
        lines
    }
}

fn wish(reply_token: &ReplyToken) -> Option<SubscriptionCall> {
    let routed = reply_token.routed()?;
    let is_on = match routed.request.method() {
        method::RESOURCES_SUBSCRIBE => true,
        method::RESOURCES_UNSUBSCRIBE => false,
        _ => return None,
    };
    Some(SubscriptionCall {
        call: reply_token.call(),
        uri: routed.key.as_ref().into(),
        is_on,
    })
}
