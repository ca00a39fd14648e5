//! The workers as others see them: whoever has a request to be done takes one of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ractor::{ActorCell, ActorRef};

use super::line::Line;
use super::message::{Opened, RequestsMsg};
use super::queue;
use super::replies::Replies;
use super::resting::Resting;
use super::state_token;
use crate::config::model::Limits;
use crate::ids::{Holder, Owner, Owners};
use crate::protocol::modern::listen::LISTEN;
use crate::protocol::modern::request::ModernRequest;
use crate::telemetry::metrics::Metrics;
use crate::tree::call::CallError;
use crate::tree::client::{SessionEvent, SessionSink};
use crate::tree::registry::{RegistryHandle, Routes, Subscriber};
use crate::tree::sessions::conversation::Stop;
use crate::tree::shares::Rest;
use crate::tree::{Quota, Taker};

/// Numbers of requests are none of actors: both are serial numbers of who makes calls.
const FIRST: u64 = 1 << 63;
/// What is reached when no more requests may be open.
const MOST: &str =
    "as many requests and streams of clients without a session as max_sessions allows";

/// The workers of one life of the sessions' supervisor.
#[derive(Debug, Clone)]
pub(crate) struct Workers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    workers: RwLock<Vec<ActorRef<RequestsMsg>>>,
    /// How many calls there may be, and how many that listen: these stay, and leave room for those.
    calls: Quota,
    listens: Quota,
    keeps_servers: AtomicBool,
    /// Whose turn it is.
    turn: AtomicU64,
    limits: RwLock<Arc<Limits>>,
    metrics: Metrics,
}

/// How many requests there were, whatever else is restarted.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Workers {
    /// None yet.
    pub(crate) fn new(limits: Arc<Limits>, metrics: Metrics) -> Self {
        Self(Arc::new(Shared {
            workers: RwLock::default(),
            calls: Quota::new(limits.max_sessions),
            listens: Quota::new(limits.max_sessions),
            keeps_servers: AtomicBool::new(false),
            turn: AtomicU64::new(0),
            limits: RwLock::new(limits),
            metrics,
        }))
    }

    /// One for two cores: a request costs its worker less than the connection and the server, and
    /// those that come together are cheaper at one place.
    pub(in crate::tree::sessions) fn count() -> usize {
        std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
    }

    /// A worker, in the place of a dead one or as one more.
    pub(in crate::tree::sessions) fn put(&self, index: usize, worker: ActorRef<RequestsMsg>) {
        let workers = self.0.workers.write();
        let mut workers = workers.unwrap_or_else(PoisonError::into_inner);
        match workers.get_mut(index) {
            Some(place) => *place = worker,
            None => workers.push(worker),
        }
    }

    /// Has a request of `holder` done. What becomes of it is read there.
    ///
    /// Errors: `Overloaded` where there are as many as there may be, `Gone`.
    pub(in crate::tree::sessions) fn request(
        &self,
        holder: Holder,
        request: ModernRequest,
    ) -> Result<Replies, CallError> {
        let shared = &*self.0;
        let taker = Arc::new(Taker {
            holder: holder.in_profile(None),
            session: None,
        });
        let room = if &*request.request.method == LISTEN {
            &shared.listens
        } else {
            &shared.calls
        };
        let room = room.take_for(&taker, 1);
        let room = room.ok_or(CallError::Overloaded(MOST))?;
        let params = request.request.params.as_ref();
        let returned = params.and_then(state_token::returned_in);
        let held = returned.as_ref().and_then(state_token::number_in);
        let (worker, number, attempt) = self.place(holder.owner(), held).ok_or(CallError::Gone)?;
        let line = {
            let limits = shared.limits.read();
            let limits = limits.unwrap_or_else(PoisonError::into_inner);
            Line::new(&limits, &shared.metrics)
        };
        let (queue, queued) = queue::new();
        let replies = Replies::new(queued, Arc::clone(&line), worker.clone(), (number, attempt));
        let opened = Opened {
            number,
            attempt,
            holder,
            taker,
            room,
            request,
            returned,
            line,
            queue,
        };
        let sent = worker.cast(RequestsMsg::Open(Box::new(opened)));
        sent.map(|()| replies).map_err(|_| CallError::Gone)
    }

    /// Who does a request, its number or that of the `held` one that it goes on with, and its own number. By
    /// its number a request is found at its worker. Requests of one token are together where servers are
    /// kept for it.
    fn place(&self, owner: Owner, held: Option<u64>) -> Option<(ActorRef<RequestsMsg>, u64, u64)> {
        let workers = self.0.workers.read();
        let workers = workers.unwrap_or_else(PoisonError::into_inner);
        let count = u64::try_from(workers.len()).ok()?;
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let keeps = self.0.keeps_servers.load(Ordering::Relaxed) && !owner.is_anybody();
        let of_owner = || owner.digest().iter().map(|byte| u64::from(*byte)).sum();
        let place: u64 = if keeps {
            of_owner()
        } else {
            self.0.turn.fetch_add(1, Ordering::Relaxed)
        };
        let attempt = FIRST + next * count + place.checked_rem(count)?;
        let number = held.unwrap_or(attempt);
        let at = usize::try_from(number.wrapping_sub(FIRST).checked_rem(count)?).ok()?;
        Some((workers.get(at)?.clone(), number, attempt))
    }

    /// Whether there are servers of which each session has its own.
    pub(super) fn keep_servers(&self, do_they: bool) {
        self.0.keeps_servers.store(do_they, Ordering::Relaxed);
    }

    /// The place of a worker, if it is one.
    pub(in crate::tree::sessions) fn index_of(&self, cell: &ActorCell) -> Option<usize> {
        let workers = self.0.workers.read();
        let workers = workers.unwrap_or_else(PoisonError::into_inner);
        let id = cell.get_id();
        workers.iter().position(|worker| worker.get_id() == id)
    }

    /// Who works.
    pub(in crate::tree::sessions) fn cells(&self) -> Vec<ActorCell> {
        let workers = self.0.workers.read();
        let workers = workers.unwrap_or_else(PoisonError::into_inner);
        workers.iter().map(ActorRef::get_cell).collect()
    }

    pub(in crate::tree::sessions) fn hello(&self, registry: &RegistryHandle) {
        self.tell(|| RequestsMsg::Hello(registry.clone()));
    }

    /// From now on these limits hold.
    pub(in crate::tree::sessions) fn limits(&self, limits: &Arc<Limits>) {
        for room in [&self.0.calls, &self.0.listens] {
            room.resize(limits.max_sessions);
        }
        let own = self.0.limits.write();
        *own.unwrap_or_else(PoisonError::into_inner) = Arc::clone(limits);
        self.tell(|| RequestsMsg::Limits(Arc::clone(limits)));
    }

    /// From now on there are requests of `owners` only.
    pub(in crate::tree::sessions) fn keep_owners(&self, owners: &Owners) {
        self.tell(|| RequestsMsg::KeepOwners(owners.clone()));
    }

    /// The gateway's stop has come so far.
    pub(in crate::tree::sessions) fn stop(&self, step: Stop) {
        self.tell(|| RequestsMsg::Stop(step));
    }

    fn tell(&self, message: impl Fn() -> RequestsMsg) {
        let workers = self.0.workers.read();
        for worker in workers.unwrap_or_else(PoisonError::into_inner).iter() {
            if worker.cast(message()).is_err() {
                log::trace!("a worker has ended");
            }
        }
    }
}

/// One request, for upstreams and root.
pub(super) struct Sink {
    pub(super) worker: ActorRef<RequestsMsg>,
    pub(super) number: u64,
    pub(super) holder: Holder,
    pub(super) resting: Resting,
}

impl SessionSink for Sink {
    fn tell(&self, event: SessionEvent) {
        let number = self.number;
        if self
            .worker
            .cast(RequestsMsg::Event { number, event })
            .is_err()
        {
            log::trace!("request {number} has ended with its worker");
        }
    }

    fn rest(&self) -> Rest {
        self.resting.rest()
    }

    fn holder(&self) -> Holder {
        self.holder.in_profile(None)
    }
}

/// A worker, for the registry.
pub(super) struct Reader(pub(super) ActorRef<RequestsMsg>);

impl Subscriber for Reader {
    fn routes_changed(&self, routes: Arc<Routes>) -> bool {
        self.0.cast(RequestsMsg::RoutesChanged(routes)).is_ok()
    }
}
