//! What a worker holds: its requests, the last table, and one timer for all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ractor::ActorRef;
use tokio::time::Instant;

use super::exchange::Exchange;
use super::handle::{Reader, Sink};
use super::message::{Opened, RequestsMsg};
use super::outlet::{Beside, Outlet};
use super::resting::Resting;
use super::state_token;
use super::worker::WorkerArgs;
use crate::config::model::{Isolation, Limits};
use crate::ids::{Owner, Owners};
use crate::protocol::jsonrpc::Request;
use crate::protocol::mcp::lifecycle::ClientInfo;
use crate::protocol::modern::input_required::{Identity, Returned};
use crate::protocol::version::Version;
use crate::tree::client::SessionEvent;
use crate::tree::registry::{RegistryHandle, Routes};
use crate::tree::sessions::conversation::{Caller, Conversation, Stop};
use crate::tree::timer::Timer;

/// What the log calls whoever asks without a session.
const NAME: &str = "none";

/// The state: dropping it withdraws the calls and ends the streams.
pub(in crate::tree::sessions) struct WorkerState {
    myself: ActorRef<RequestsMsg>,
    args: WorkerArgs,
    name: Arc<str>,
    pub(super) routes: Option<Arc<Routes>>,
    pub(super) open: BTreeMap<u64, Box<Exchange>>,
    /// Those that rest, by whose they are.
    pub(super) resting: HashMap<Owner, Vec<u64>>,
    /// Those that rested, by the number under which their client came last.
    taken_up: HashMap<u64, u64>,
    /// When something is due, and of which request.
    due: BTreeSet<(Instant, u64)>,
    /// The one timer, and when it goes off.
    deadline: Option<(Instant, Timer<RequestsMsg>)>,
    /// How many of them are calls, which the gateway's stop waits for.
    calls: usize,
    /// What the supervisor was told of that.
    told: Option<bool>,
}

impl WorkerState {
    pub(super) fn new(myself: ActorRef<RequestsMsg>, args: WorkerArgs) -> Self {
        let registry = args.registry.clone();
        let mut state = Self {
            myself,
            args,
            name: NAME.into(),
            routes: None,
            open: BTreeMap::new(),
            resting: HashMap::new(),
            taken_up: HashMap::new(),
            due: BTreeSet::new(),
            deadline: None,
            calls: 0,
            told: None,
        };
        state.join(registry);
        state
    }

    pub(super) fn join(&mut self, registry: RegistryHandle) {
        let reader = Arc::new(Reader(self.myself.clone()));
        registry.join(self.myself.get_id().pid(), reader);
        self.args.registry = registry;
    }

    /// A client asks.
    pub(super) fn open(&mut self, mut opened: Opened) {
        match opened.returned.take() {
            Some(returned) => self.go_on(opened, &returned),
            None => self.begin(opened),
        }
    }

    /// A client comes again to a request that is held for it.
    fn go_on(&mut self, opened: Opened, returned: &Returned) {
        let owner = opened.holder.owner();
        let Request { method, params, .. } = &opened.request.request;
        let identity = Identity::of(method, params.as_deref().unwrap_or_default());
        let state = state_token::verify(&self.args.signer, &returned.state, owner);
        let held = state.and_then(|(number, secret)| {
            let held = self.open.get_mut(&number);
            held.filter(|held| held.is_continued(&secret, identity))
        });
        let number = opened.number;
        if let Some(held) = held {
            self.taken_up.remove(&held.attempt());
            held.go_on(opened, returned);
            return self.settle(number);
        }
        let beside = self.beside();
        let stream = (opened.line, opened.queue);
        let (attempt, holder) = (opened.attempt, opened.holder);
        let mut outlet = Outlet::new((attempt, holder), &opened.request, stream, beside);
        outlet.refuse_state();
    }

    fn beside(&self) -> Beside {
        Beside {
            root: Arc::clone(&self.args.root),
            metrics: self.args.metrics.clone(),
            patience: self.args.limits.slow_client_timeout,
            signer: self.args.signer.clone(),
        }
    }

    fn begin(&mut self, opened: Opened) {
        if let Some(number) = self.rested(&opened)
            && let Some(exchange) = self.open.get_mut(&number)
        {
            self.taken_up.insert(opened.attempt, number);
            exchange.take_up(opened);
            return self.settle(number);
        }
        let Opened {
            attempt: number,
            holder,
            taker,
            room,
            request,
            line,
            queue,
            ..
        } = opened;
        let sink = Arc::new(Sink {
            worker: self.myself.clone(),
            number,
            holder,
            resting: Resting::default(),
        });
        let caller = Caller {
            serial: number,
            name: Arc::clone(&self.name),
            sink: sink.clone(),
            owner: holder.owner(),
            taker,
            subscriptions: self.args.subscriptions.clone(),
            metrics: self.args.metrics.clone(),
            signer: self.args.signer.clone(),
        };
        let client = ClientInfo {
            version: Version::LATEST,
            capabilities: request.meta.capabilities,
            shows_apps: false, // it says so itself
        };
        let limits = Arc::clone(&self.args.limits);
        let stop = self.args.stop;
        let conversation = Conversation::new(caller, Arc::clone(&limits), (client, false), stop);
        let outlet = Outlet::new((number, holder), &request, (line, queue), self.beside());
        let mut exchange = Exchange::new(conversation, outlet, limits, (holder, room), sink);
        let routes = self.routes.as_ref();
        let own = routes.and_then(|routes| routes.shown(holder.owner().profile()));
        exchange.begin(request, own);
        self.open.insert(number, Box::new(exchange));
        self.settle(number);
    }

    /// The client does not wait any more.
    pub(super) fn on_gone(&mut self, number: u64, attempt: u64) {
        let number = self.taken_up.get(&attempt).copied().unwrap_or(number);
        let open = self.open.get(&number);
        if open.is_some_and(|open| open.attempt() == attempt) {
            self.finish(number);
        }
    }

    pub(super) fn on_event(&mut self, number: u64, event: SessionEvent) {
        if let Some(exchange) = self.open.get_mut(&number) {
            exchange.on_event(event);
            self.settle(number);
        }
    }

    pub(super) fn on_routes(&mut self, routes: &Arc<Routes>) {
        self.routes = Some(Arc::clone(routes));
        let mut sources = routes.merged.sources.iter();
        let keeps = sources.any(|source| source.isolation == Isolation::Session);
        self.args.workers.keep_servers(keeps);
        self.each(|exchange| {
            let profile = exchange.owner().profile();
            match routes.shown(profile) {
                Some(own) => exchange.on_routes(own),
                None if exchange.has_routes() || profile.is_none() => {
                    exchange.end("what this client is shown is no profile any more");
                }
                // It may not be in the tables yet.
                None => {}
            }
        });
    }

    pub(super) fn take_limits(&mut self, limits: Arc<Limits>) {
        for exchange in self.open.values_mut() {
            exchange.set_limits(&limits);
        }
        self.args.limits = limits;
    }

    /// The requests of all others end.
    pub(super) fn keep_owners(&mut self, owners: &Owners) {
        self.each(|exchange| {
            if !owners.admit(exchange.owner()) {
                exchange.end("the token of this request is not valid any more");
            }
        });
    }

    pub(super) fn on_stop(&mut self, step: Stop) {
        (self.args.stop, self.told) = (step, None);
        self.each(|exchange| exchange.on_stop(step));
    }

    /// Does what is due.
    pub(super) fn on_deadline_elapsed(&mut self) {
        self.deadline = None;
        let now = Instant::now();
        while let Some((at, number)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, number));
            if let Some(exchange) = self.open.get_mut(&number) {
                exchange.due = None;
                exchange.expire(now);
                self.settle(number);
            }
        }
    }

    /// Keeps what others see of this worker, and its timer, as they should be.
    pub(super) fn after_message(&mut self) {
        let is_calling = self.calls > 0;
        if self.args.stop != Stop::No && self.told != Some(is_calling) {
            self.told = Some(is_calling);
            let watch = &self.args.call_watch;
            watch.calling(self.myself.get_id(), self.args.stop, is_calling);
        }
        self.watch();
    }

    fn each(&mut self, mut act: impl FnMut(&mut Exchange)) {
        let numbers: Vec<u64> = self.open.keys().copied().collect();
        for number in numbers {
            if let Some(exchange) = self.open.get_mut(&number) {
                act(exchange);
                self.settle(number);
            }
        }
    }

    /// Lets a request go that is over, and knows of every other when something is due.
    fn settle(&mut self, number: u64) {
        let Some(exchange) = self.open.get_mut(&number) else {
            return;
        };
        if exchange.is_over() {
            return self.finish(number);
        }
        let is_call = exchange.is_call();
        if std::mem::replace(&mut exchange.is_counted, is_call) != is_call {
            if is_call {
                self.calls += 1;
            } else {
                self.calls -= 1;
            }
        }
        let due = exchange.next_deadline();
        if due != exchange.due {
            if let Some(last) = std::mem::replace(&mut exchange.due, due) {
                self.due.remove(&(last, number));
            }
            self.due.extend(due.map(|due| (due, number)));
        }
    }

    /// Nobody waits for a request any more.
    fn finish(&mut self, number: u64) {
        let Some(exchange) = self.open.get(&number) else {
            return;
        };
        if !self.taken_up.is_empty() {
            self.taken_up.remove(&exchange.attempt());
        }
        if exchange.rests_until.is_none() && self.let_rest(number) {
            return self.settle(number);
        }
        self.close(number);
    }

    fn close(&mut self, number: u64) {
        let Some(exchange) = self.open.remove(&number) else {
            return;
        };
        self.forget_resting(exchange.owner(), number);
        self.calls -= usize::from(exchange.is_counted);
        if let Some(due) = exchange.due {
            self.due.remove(&(due, number));
        }
        if exchange.has_instances() {
            self.args.root.session_ended(number);
        }
    }

    /// Sees to it that the timer goes off when something is due. It may do so too early, and is armed
    /// anew then.
    fn watch(&mut self) {
        let is_covered = |due| self.deadline.as_ref().is_some_and(|(at, _)| *at <= due);
        let due = self.due.first().map(|(due, _)| *due);
        if let Some(due) = due.filter(|due| !is_covered(*due)) {
            let wait = due.saturating_duration_since(Instant::now());
            let timer = Timer::after(&self.myself, wait, || RequestsMsg::DeadlineElapsed);
            self.deadline = Some((due, timer));
        }
    }
}

/// Nobody else knows whose servers' own processes go with a worker that has died.
impl Drop for WorkerState {
    fn drop(&mut self) {
        for (number, exchange) in &self.open {
            if exchange.has_instances() {
                self.args.root.session_ended(*number);
            }
        }
    }
}
