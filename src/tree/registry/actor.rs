//! The actor: takes what it is told into the merge, pushes the new table, keeps what changed.

mod saving;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use self::saving::Unsaved;
use super::handle::Subscriber;
use super::job::{Job, Tables};
use super::kept_catalogue::KeptCatalogue;
use super::message::{Approval, ConfiguredServer, RegistryMsg};
use super::routes::Routes;
use super::state::Merge;
use super::store::{Store, Unread};
use crate::ids::ServerName;
use crate::tree::heartbeat::Part;
use crate::tree::timer::Timer;
use crate::turn;

/// Kept catalogues that can't be read within this time are not used.
const LOAD_WITHIN: Duration = Duration::from_secs(2);

/// So many servers are named in a line.
const NAMED: usize = 20;
/// After a long merge there is none for so many times as long: lists that keep changing are to take a
/// small part of one core.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_secs(1);

/// The registry.
pub(crate) struct Registry;

/// What the registry is started with.
pub(crate) struct RegistryArgs {
    /// The last table that root was sent, after a crash.
    pub last: Option<Arc<Routes>>,
    /// Where catalogues are kept.
    pub store: Store,
    /// Who is sent every table first.
    pub root: Arc<dyn Subscriber>,
    /// When the boot latch opens at the latest.
    pub latch_opens: Instant,
}

/// The state.
pub(crate) struct RegistryState {
    merge: Merge,
    store: Store,
    root: Arc<dyn Subscriber>,
    subscribers: BTreeMap<u64, Arc<dyn Subscriber>>,
    /// Those of them who have not been sent a complete table.
    newcomers: BTreeSet<u64>,
    is_latch_elapsed: bool,
    unsaved: BTreeMap<ServerName, Unsaved>,
    saving: JoinSet<()>,
    /// The merge that is under way elsewhere.
    merging: JoinSet<()>,
    /// After a long merge, until another may be done.
    rest: Option<Timer<RegistryMsg>>,
    /// What clients are offered is logged then.
    announcing: Option<Timer<RegistryMsg>>,
    has_complained: bool,
    has_tidied: bool,
    myself: ActorRef<RegistryMsg>,
    latch_opens: Instant,
    latch: Timer<RegistryMsg>,
}

impl Actor for Registry {
    type Msg = RegistryMsg;
    type State = RegistryState;
    type Arguments = RegistryArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<RegistryMsg>,
        args: RegistryArgs,
    ) -> Result<RegistryState, ActorProcessingErr> {
        let (kept, unread) = load(args.store.clone()).await;
        let wait = args.latch_opens.saturating_duration_since(Instant::now());
        Ok(RegistryState {
            merge: Merge::new(kept, args.last).without(unread),
            store: args.store,
            root: args.root,
            subscribers: BTreeMap::new(),
            newcomers: BTreeSet::new(),
            is_latch_elapsed: wait == Duration::ZERO,
            unsaved: BTreeMap::new(),
            saving: JoinSet::new(),
            merging: JoinSet::new(),
            rest: None,
            announcing: None,
            has_complained: false,
            has_tidied: false,
            latch_opens: args.latch_opens,
            latch: Timer::after(&myself, wait, || RegistryMsg::LatchElapsed),
            myself,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<RegistryMsg>,
        message: RegistryMsg,
        state: &mut RegistryState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RegistryMsg::Wanted(servers) => state.on_wanted(servers),
            RegistryMsg::Profiles(profiles) => state.merge.profiles(profiles),
            RegistryMsg::Budget(bytes) => state.merge.budget(bytes),
            RegistryMsg::ServerState {
                server,
                generation,
                state: news,
            } => {
                state.merge.server_state(&server, generation, news);
                state.push();
            }
            RegistryMsg::Catalogue { handle, catalogue } => {
                state.on_catalogue(handle, catalogue);
                state.push();
            }
            RegistryMsg::Learnt {
                server,
                generation,
                lessons,
            } => {
                let kept = state.merge.learnt(server, generation, lessons);
                state.keep(kept);
            }
            RegistryMsg::Approve { looked_at, reply } => state.on_approve(looked_at, reply),
            RegistryMsg::Join {
                session,
                subscriber,
            } => state.join(session, subscriber),
            RegistryMsg::Leave { session } => {
                state.subscribers.remove(&session);
                state.newcomers.remove(&session);
            }
            RegistryMsg::Beat(beat) => beat.passed(Part::Registry),
            RegistryMsg::LatchOpens(at) => state.on_latch_opens(at),
            RegistryMsg::Unconfigured => {
                state.is_latch_elapsed = true;
                state.push();
            }
            // Said before the time was another.
            RegistryMsg::LatchElapsed if Instant::now() < state.latch_opens => {}
            RegistryMsg::LatchElapsed => state.on_latch_elapsed(),
            RegistryMsg::Merged { merged, took } => {
                let merged = merged.ok_or("a merge failed")?;
                state.on_merged(*merged, took);
            }
            RegistryMsg::Rested => {
                state.rest = None;
                state.push();
            }
            RegistryMsg::Announce => {
                state.announcing = None;
                state.announce();
            }
            RegistryMsg::KeptCatalogue(outcome) => state.on_kept(outcome),
        }
        Ok(())
    }
}

/// Some servers by their names, for a line of the log.
pub(crate) fn naming(servers: &[ServerName]) -> String {
    let named = servers.iter().take(NAMED).map(|name| format!("'{name}'"));
    let named = named.collect::<Vec<_>>().join(", ");
    match servers.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Only a head start: a disk that hangs must not hold up the house.
async fn load(store: Store) -> (HashMap<ServerName, KeptCatalogue>, Unread) {
    if store.is_nowhere() {
        return Default::default();
    }
    let load = move || {
        let kept = store.load();
        let unread = store.unread(&kept);
        (kept, unread)
    };
    let loaded = timeout(LOAD_WITHIN, tokio::task::spawn_blocking(load)).await;
    if let Ok(Ok(loaded)) = loaded {
        return loaded;
    }
    log::warn!("The kept catalogues are not used: they could not be read in {LOAD_WITHIN:?}");
    (HashMap::new(), Unread::ANY)
}

impl RegistryState {
    fn on_wanted(&mut self, servers: Vec<ConfiguredServer>) {
        let names = servers.iter().map(|wanted| wanted.server.clone());
        self.forget_others(names.collect());
        self.merge.wanted(servers);
        self.push();
    }

    fn on_approve(
        &mut self,
        (server, digest): (ServerName, String),
        reply: RpcReplyPort<Approval>,
    ) {
        let (approval, kept) = self.merge.approve(&server, &digest);
        if let Approval::Approved { tools } = &approval {
            let count = tools.len();
            log::info!(server = server.as_str(); "Server '{server}': its tools are approved as they are now, {count} of them were held");
        }
        self.keep(kept.map(|kept| (server, kept)));
        self.push();
        if reply.send(approval).is_err() {
            log::debug!("who approved has gone");
        }
    }

    fn on_latch_opens(&mut self, at: Instant) {
        let wait = at.saturating_duration_since(Instant::now());
        self.is_latch_elapsed &= wait.is_zero();
        self.latch_opens = at;
        self.latch = Timer::after(&self.myself, wait, || RegistryMsg::LatchElapsed);
    }

    /// The first lists have waited for long enough. Who is late is announced.
    fn on_latch_elapsed(&mut self) {
        let is_first = !std::mem::replace(&mut self.is_latch_elapsed, true);
        if is_first && !self.merge.routes().is_boot_over {
            self.say_who_is_late();
        }
        self.push();
    }

    /// Nobody is, if catalogues are being merged.
    fn say_who_is_late(&self) {
        let Some(awaited) = self.merge.awaited() else {
            return log::warn!(
                "Lists are given without any server: the configuration has not been read yet \
                 (first_list_timeout)"
            );
        };
        if !awaited.is_empty() {
            log::warn!(
                "Lists are given without {}, still in the first start (first_list_timeout); clients that \
                 listen are told when it has come",
                naming(&awaited)
            );
        }
        let paging = self.merge.paging();
        if !paging.is_empty() {
            log::warn!(
                "Lists are given with the first pages of {} alone (first_list_timeout); clients that \
                 listen are told when the others have come",
                naming(&paging)
            );
        }
    }

    /// Sends everybody the next table, if it differs from the last one: at once, or when what takes
    /// long has been merged. One merge at a time; what is told meanwhile is in the next. Between two
    /// that take long there is a rest, in which all but the lists is told.
    fn push(&mut self) {
        if !self.merging.is_empty() {
            return;
        }
        if self.rest.is_some() && self.merge.has_long_job() {
            let routes = self.merge.publish_merged(self.is_latch_elapsed);
            return self.send(routes);
        }
        if let Some(job) = self.merge.long_job() {
            self.merge_elsewhere(job);
        } else {
            self.publish();
        }
    }

    fn merge_elsewhere(&mut self, job: Job) {
        let myself = self.myself.clone();
        self.merging.spawn(async move {
            let began = Instant::now();
            let run = move || Box::new(turn::elsewhere("registry", "a merge", || job.run()));
            let merged = tokio::task::spawn_blocking(run).await.ok();
            let took = began.elapsed();
            drop(myself.cast(RegistryMsg::Merged { merged, took }));
        });
    }

    fn on_merged(&mut self, merged: Tables, took: Duration) {
        self.merging.detach_all();
        let rest = (REST * took).min(LONGEST_REST);
        self.rest = Some(Timer::after(&self.myself, rest, || RegistryMsg::Rested));
        self.merge.take(merged);
        self.publish();
        self.push();
    }

    fn publish(&mut self) {
        let routes = self.merge.publish(self.is_latch_elapsed);
        self.send(routes);
    }

    fn send(&mut self, routes: Option<Arc<Routes>>) {
        let Some(routes) = routes else {
            return;
        };
        self.announce();
        self.root.routes_changed(Arc::clone(&routes));
        let for_newcomers = routes.for_newcomers();
        let newcomers = &mut self.newcomers;
        if for_newcomers.is_complete {
            newcomers.clear();
        }
        self.subscribers.retain(|session, subscriber| {
            let is_newcomer = newcomers.contains(session);
            let routes = if is_newcomer { &for_newcomers } else { &routes };
            let is_there = subscriber.routes_changed(Arc::clone(routes));
            if !is_there {
                newcomers.remove(session);
            }
            is_there
        });
    }

    /// Logs what clients are offered, now or when it may be.
    fn announce(&mut self) {
        if let Err(wait) = self.merge.reports.announce(Instant::now()) {
            let announce = || Timer::after(&self.myself, wait, || RegistryMsg::Announce);
            self.announcing.get_or_insert_with(announce);
        }
    }

    fn join(&mut self, session: u64, subscriber: Arc<dyn Subscriber>) {
        let routes = self.merge.routes().for_newcomers();
        let is_complete = routes.is_complete;
        if subscriber.routes_changed(routes) {
            self.subscribers.insert(session, subscriber);
            if !is_complete {
                self.newcomers.insert(session);
            }
        }
    }
}
