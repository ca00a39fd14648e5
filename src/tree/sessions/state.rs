//! Who is connected: the sessions that are found, those on their way out, who may have one, and who
//! has to make room.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorCell, ActorId, ActorRef};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Stop;
use super::conversation::CallWatch;
use super::deleted::Deleted;
use super::key::SigningKey;
use super::message::SessionsMsg;
use super::requests::WorkerArgs;
use super::session::{Key, SessionHandle, SessionSeen};
use super::signing::Signed;
use super::stop::Stopping;
use super::supervisor::SessionsArgs;
use crate::config::model::Limits;
use crate::ids::{Holder, Owner, Owners};
use crate::supervise::Started;
use crate::tree::Quota;
use crate::tree::call::CallError;
use crate::tree::client::SessionSink;
use crate::tree::registry::RegistryHandle;
use crate::tree::shares::who_makes_room;
use crate::tree::timer::Timer;

/// So many sessions are named in the status.
const SEEN: usize = 256;
/// How often in `session_idle_timeout` idle sessions are looked for, if not every [`LOOK`].
const CHECKS: u32 = 24;
/// Behind a balancer a client may say hello to one gateway and work with another: after so long such a
/// session is forgotten. There is nothing to it that its id does not say.
const UNUSED: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(30);

/// The state: who is connected.
pub(crate) struct SessionsState {
    pub(super) myself: ActorRef<SessionsMsg>,
    pub(super) args: SessionsArgs,
    /// Those that are found.
    sessions: HashMap<Key, SessionHandle>,
    /// Those that live, some of them on their way out, oldest first.
    living: BTreeMap<ActorId, Key>,
    deleted: Deleted,
    /// What the subscriptions of all sessions may take.
    pub(super) subscriptions: Quota,
    /// Who may have sessions, as far as it is known here.
    owners: Owners,
    /// Who may not any more. Whoever is in neither is new: the port has let them in.
    former_owners: HashSet<Owner>,
    /// The watches over sessions that are starting.
    starts: JoinSet<()>,
    /// The watch over the keys of the ids.
    _keys: JoinSet<()>,
    idle_check: Option<Timer<SessionsMsg>>,
    pub(super) stopping: Stopping,
    /// What the sessions report their calls to meanwhile.
    pub(super) call_watch: Arc<dyn CallWatch>,
}

impl CallWatch for ActorRef<SessionsMsg> {
    fn calling(&self, session: ActorId, step: Stop, is_calling: bool) {
        let calling = SessionsMsg::Calling {
            session,
            step,
            is_calling,
        };
        if self.cast(calling).is_err() {
            log::trace!("{session} has ended with its supervisor");
        }
    }
}

impl SessionsState {
    pub(super) fn new(myself: ActorRef<SessionsMsg>, args: SessionsArgs, deleted: Deleted) -> Self {
        let mut keys = JoinSet::new();
        keys.spawn(watch_keys(args.signer.changes(), myself.clone()));
        Self {
            _keys: keys,
            call_watch: Arc::new(myself.clone()),
            myself,
            subscriptions: Quota::new(args.limits.max_subscriptions_bytes),
            args,
            sessions: HashMap::new(),
            living: BTreeMap::new(),
            deleted,
            owners: Owners::default(),
            former_owners: HashSet::new(),
            starts: JoinSet::new(),
            idle_check: None,
            stopping: Stopping::default(),
        }
    }

    /// What a worker is started with now.
    pub(super) fn worker_args(&self) -> WorkerArgs {
        WorkerArgs {
            workers: self.args.workers.clone(),
            registry: self.args.registry.clone(),
            root: Arc::clone(&self.args.root),
            limits: Arc::clone(&self.args.limits),
            subscriptions: self.subscriptions.clone(),
            stop: self.stopping.step,
            call_watch: Arc::clone(&self.call_watch),
            signer: self.args.signer.clone(),
            metrics: self.args.metrics.clone(),
        }
    }

    /// The place of a worker that has ended, if it is one; its calls have no answer any more.
    pub(super) fn worker(&mut self, cell: &ActorCell) -> Option<usize> {
        let index = self.args.workers.index_of(cell)?;
        self.note_calling(cell.get_id(), Stop::Ending, false);
        Some(index)
    }

    /// The session that is found by `key`.
    pub(super) fn find(&self, key: &Key) -> Option<SessionHandle> {
        self.sessions.get(key).cloned()
    }

    /// A session has been started, if nothing went wrong.
    pub(super) fn enter(&mut self, key: Key, session: &SessionHandle, started: Started) {
        let actor = session.cell().get_id();
        self.watch_start(actor, started);
        self.living.insert(actor, key.clone());
        self.sessions.insert(key, session.clone());
    }

    /// What a signed id says whose client has not given it up; `None` for an SSE session's and for one
    /// that was not signed here and for this owner.
    pub(super) fn signed(&self, key: &Key) -> Option<Signed> {
        let Key::Streamable(id, owner) = key else {
            return None;
        };
        let signed = self.args.signer.verify(id, *owner)?;
        (!self.deleted.contains(signed.random)).then_some(signed)
    }

    /// Makes room for one more session of `owner`, which `holder` holds. Whose session is ended for it can come back.
    ///
    /// Errors: `UnknownSession` for a former owner; `Overloaded` if there are as many
    /// sessions as there may be and none of them makes room ([`who_makes_room`]).
    pub(super) fn make_room(&mut self, owner: Owner, holder: Holder) -> Result<(), CallError> {
        if self.is_former(owner) {
            return Err(CallError::UnknownSession);
        }
        // Where there are many too many, since the limit was lowered, they go two at a time: each look
        // at all of them takes its time.
        for _ in 0..2 {
            if self.sessions.len() < self.args.limits.max_sessions {
                break;
            }
            let held = |(key, session): (&Key, &SessionHandle)| {
                (session.holder(), session.rest(), key.clone())
            };
            let held = self.sessions.iter().map(held).collect();
            let key = who_makes_room(held, holder);
            let key = key.ok_or(CallError::Overloaded(
                "the limit of sessions, max_sessions, is reached",
            ))?;
            self.dismiss(&key, "another client needs the room");
        }
        Ok(())
    }

    /// Sessions that are too many now go on; they make room when others come.
    pub(super) fn take_limits(&mut self, limits: Arc<Limits>) {
        for session in self.sessions.values() {
            session.limits(Arc::clone(&limits));
        }
        self.args.workers.limits(&limits);
        self.subscriptions.resize(limits.max_subscriptions_bytes);
        self.args.limits = limits;
        if self.idle_check.take().is_some() {
            self.check_idle_later();
        }
    }

    /// The sessions over Streamable HTTP that have had nothing to do for too long, and why that is so.
    fn idle(&self) -> impl Iterator<Item = (Key, &'static str)> {
        let limit = self.args.limits.session_idle_timeout;
        let is_streamable = |(key, _): &(&Key, _)| matches!(key, Key::Streamable(..));
        let sessions = self.sessions.iter().filter(is_streamable);
        sessions.filter_map(move |(key, session)| {
            let idle = session.idle_for()?;
            let why = if idle >= limit {
                "it has been idle for too long"
            } else if idle >= UNUSED && !session.is_used() {
                "its client has asked for nothing yet"
            } else {
                return None;
            };
            Some((key.clone(), why))
        })
    }

    pub(super) fn dismiss_idle(&mut self) {
        self.idle_check = None;
        let over: Vec<_> = self.idle().collect();
        for (key, why) in over {
            self.dismiss(&key, why);
        }
        let mut keys = self.sessions.keys();
        if keys.any(|key| matches!(key, Key::Streamable(..))) {
            self.check_idle_later();
        }
    }

    pub(super) fn check_idle_later(&mut self) {
        let pause = (self.args.limits.session_idle_timeout / CHECKS).min(LOOK);
        let check = || SessionsMsg::CheckIdle;
        let timer = || Timer::after(&self.myself, pause, check);
        self.idle_check.get_or_insert_with(timer);
    }

    /// The keys of the ids are others: whose id none of them signed, has none any more.
    pub(super) fn dismiss_unknown(&mut self) {
        let is_unknown = |key: &&Key| match key {
            Key::Streamable(id, owner) => self.args.signer.verify(id, *owner).is_none(),
            Key::Sse(..) => false,
        };
        let unknown: Vec<Key> = self.sessions.keys().filter(is_unknown).cloned().collect();
        for key in unknown {
            self.dismiss(
                &key,
                "its id was signed with a key that is not known any more",
            );
        }
    }

    /// Whether `owner` was among those who may have sessions, and is not any more.
    fn is_former(&self, owner: Owner) -> bool {
        let mut wider = [owner, owner.in_profile(None)].into_iter();
        wider.any(|owner| self.former_owners.contains(&owner)) && !self.owners.admit(owner)
    }

    pub(super) fn keep_owners(&mut self, owners: Owners) {
        self.args.workers.keep_owners(&owners);
        let before = std::mem::replace(&mut self.owners, owners);
        self.former_owners.extend(before.iter());
        self.former_owners
            .retain(|owner| !self.owners.admit(*owner));
        let is_other = |key: &&Key| !self.owners.admit(key.owner());
        let others: Vec<Key> = self.sessions.keys().filter(is_other).cloned().collect();
        for key in others {
            self.dismiss(&key, "its token is not valid any more");
        }
    }

    /// The client's own end: the id is worth nothing from here on. A session that has ended already
    /// need not be taken up for it.
    ///
    /// Errors: `UnknownSession` for an id that was deleted or never signed.
    pub(super) fn delete(&mut self, key: &Key) -> Result<(), CallError> {
        let signed = self.signed(key).ok_or(CallError::UnknownSession)?;
        self.deleted.insert(signed.random);
        self.dismiss(key, "its client says so");
        Ok(())
    }

    /// Sees to it that the ids that were given up are known to the next run.
    pub(super) async fn flush(&mut self) {
        self.deleted.flush().await;
    }

    /// Ends a session, which is not found any more from here on.
    fn dismiss(&mut self, key: &Key, why: &'static str) {
        if let Some(session) = self.sessions.remove(key) {
            session.end(why);
        }
    }

    /// A session that does not start ends without an event.
    fn watch_start(&mut self, actor: ActorId, started: Started) {
        while self.starts.try_join_next().is_some() {}
        let myself = self.myself.clone();
        self.starts.spawn(async move {
            if !matches!(started.await, Ok(Ok(_))) {
                log::error!("A session did not start, its client has to come back");
                drop(myself.cast(SessionsMsg::Stillborn(actor)));
            }
        });
    }

    /// A session has ended, in whatever way. Its id may be another's by now.
    pub(super) fn forget(&mut self, actor: ActorId) {
        let Some(key) = self.living.remove(&actor) else {
            return;
        };
        self.args.root.session_ended(actor.pid());
        let is_it = |session: &SessionHandle| session.cell().get_id() == actor;
        if self.sessions.get(&key).is_some_and(is_it) {
            self.sessions.remove(&key);
        }
        log::debug!("{actor} ended; {} left", self.living.len());
        self.note_calling(actor, Stop::Ending, false);
    }

    /// Those that are found.
    fn oldest_first(&self) -> impl Iterator<Item = &SessionHandle> {
        let is_it = |actor, session: &&SessionHandle| session.cell().get_id() == actor;
        let living = self.living.iter();
        living.filter_map(move |(actor, key)| self.sessions.get(key).filter(|s| is_it(*actor, s)))
    }

    /// Those that were opened last, newest first, for the status.
    pub(super) fn newest(&self) -> Vec<SessionSeen> {
        let living = self.living.values().rev();
        let found = living.filter_map(|key| self.sessions.get(key));
        found.take(SEEN).map(SessionHandle::seen).collect()
    }

    /// The registry was restarted.
    pub(super) fn greet(&mut self, registry: RegistryHandle) {
        for session in self.oldest_first() {
            session.hello(registry.clone());
        }
        self.args.workers.hello(&registry);
        self.args.registry = registry;
    }

    /// The gateway's stop has come so far.
    pub(super) fn stop(&mut self, step: Stop) {
        let workers = self.args.workers.cells();
        let workers = workers.iter().map(ActorCell::get_id);
        let living = self.living.keys().copied().chain(workers);
        self.stopping.go_on(step, living);
        self.args.workers.stop(step);
        for session in self.oldest_first() {
            session.stop(step);
        }
        self.report_calls();
    }

    pub(super) fn note_calling(&mut self, session: ActorId, step: Stop, is_calling: bool) {
        self.stopping.note(session, step, is_calling);
        self.report_calls();
    }

    fn report_calls(&mut self) {
        if let Some(is_calling) = self.stopping.news() {
            self.args
                .root
                .sessions_calling(self.stopping.step, is_calling);
        }
    }
}

/// Tells the supervisor of other keys.
async fn watch_keys(mut keys: watch::Receiver<Vec<SigningKey>>, sessions: ActorRef<SessionsMsg>) {
    while keys.changed().await.is_ok() {
        if sessions.cast(SessionsMsg::KeysChanged).is_err() {
            return;
        }
    }
}
