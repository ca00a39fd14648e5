//! From catalogues to routes, as plain state: what was told goes in, the new table comes out.

mod keeping;

use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

use super::catalogue::{Catalogue, Gap, ToCome};
use super::hold::Approved;
use super::job::{Job, Tables};
use super::kept_catalogue::KeptCatalogue;
use super::merged::Merged;
use super::message::{ConfiguredServer, ServerState};
use super::reports::Reports;
use super::routes::{RouteState, Routes};
use super::source::Source;
use super::store::Unread;
use super::told::Told;
use crate::config::model::{INSTRUCTIONS_READ, Profiles};
use crate::ids::{Generation, ProfileId, ServerName};
use crate::protocol::mcp::item::Kind;
use crate::tree::upstream::UpstreamHandle;

#[derive(Debug)]
struct Server {
    wanted: ConfiguredServer,
    generation: Generation,
    route: RouteState,
    has_failed: bool,
    told: Told,
    /// It has told for the first time what it offers, and this of its tools is still on its way.
    to_come: Option<ToCome>,
    /// Its lists that have never come yet, and are on their way.
    awaited: BTreeSet<Kind>,
}

impl Server {
    /// The same by what the configuration says now.
    fn rewanted(mut self, wanted: ConfiguredServer) -> Self {
        let is_renewed = self.wanted.fingerprint != wanted.fingerprint;
        self.told
            .seen_by(&wanted.view, is_renewed.then_some(self.generation));
        Self { wanted, ..self }
    }

    /// The lists that are on their way by what it tells now, and had not come before.
    fn still_awaited(&self, told: &Catalogue) -> BTreeSet<Kind> {
        let has_come = |kind| self.told.catalogue().is_some() && !self.awaited.contains(kind);
        let gaps = told.gaps.iter();
        let awaited = gaps.filter(|(kind, gap)| **gap == Gap::Awaited && !has_come(kind));
        awaited.map(|(kind, _)| *kind).collect()
    }
}

/// The merge.
#[derive(Debug, Default)]
pub(super) struct Merge {
    servers: Vec<Server>,
    kept: HashMap<ServerName, KeptCatalogue>,
    unread: Unread,
    is_configured: bool,
    /// Whether states of servers were told since the last table.
    is_dirty: bool,
    /// Whether what is offered was.
    is_stale: bool,
    /// What was merged elsewhere, for the next table.
    fresh: Option<Tables>,
    /// What clients may be shown of it.
    profiles: Arc<Profiles>,
    routes: Arc<Routes>,
    /// What the log was told of it.
    pub(super) reports: Reports,
    /// What the instructions of all servers may have together, once the configuration is known.
    budget: Option<usize>,
}

impl Merge {
    /// Starts from what is kept on disk and from the last table, if there was one: its tools and
    /// routes stay until their servers say otherwise, since no crash may take a name away.
    pub(super) fn new(kept: HashMap<ServerName, KeptCatalogue>, last: Option<Arc<Routes>>) -> Self {
        Self {
            kept,
            routes: last.unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The current table.
    pub(super) fn routes(&self) -> &Arc<Routes> {
        &self.routes
    }

    /// Takes the configured servers, in order. What is no longer among them is forgotten.
    pub(super) fn wanted(&mut self, wanted: Vec<ConfiguredServer>) {
        let mut known: HashMap<ServerName, Server> = self
            .servers
            .drain(..)
            .map(|server| (server.wanted.server.clone(), server))
            .collect();
        self.servers = wanted
            .into_iter()
            .map(|wanted| match known.remove(&wanted.server) {
                Some(server) => server.rewanted(wanted),
                None => self.newcomer(wanted),
            })
            .collect();
        self.is_configured = true;
        self.is_dirty = true;
        self.is_stale = true;
    }

    /// Takes what the instructions of all servers may have together. It holds from the next
    /// [`Self::wanted`] on.
    pub(super) fn budget(&mut self, bytes: usize) {
        self.budget = Some(bytes);
    }

    /// Takes the profiles. They hold from the next [`Self::wanted`] on.
    pub(super) fn profiles(&mut self, profiles: Arc<Profiles>) {
        self.profiles = profiles;
    }

    fn newcomer(&self, wanted: ConfiguredServer) -> Server {
        let last = self.routes.servers.get(&wanted.server);
        let on_disk = self
            .kept
            .get(&wanted.server)
            .filter(|kept| kept.fingerprint == wanted.fingerprint);
        let offered = self.routes.merged.source(&wanted.server);
        let offered = offered.and_then(|source| source.catalogue.as_ref());
        let catalogue = offered.or(on_disk.map(|kept| &kept.catalogue)).cloned();
        let approved = on_disk.and_then(|kept| kept.approved.clone());
        let is_lost = catalogue.is_none() && self.has_lost_approvals(&wanted);
        let approved = approved.or_else(|| is_lost.then(Approved::default));
        Server {
            generation: last
                .and_then(RouteState::generation)
                .unwrap_or(Generation(0)),
            route: last.cloned().unwrap_or(RouteState::Starting),
            has_failed: false,
            told: Told::known(catalogue, approved, &wanted.view),
            to_come: None,
            awaited: BTreeSet::new(),
            wanted,
        }
    }

    /// Takes what root says of a server, unless it is of an older generation.
    pub(super) fn server_state(
        &mut self,
        name: &ServerName,
        generation: Generation,
        state: ServerState,
    ) {
        let is_known = self.has_kept(name);
        let Some(server) = self.current(name, generation) else {
            return;
        };
        let is_ready = server.route.generation() == Some(generation);
        match state {
            // Root says so after the spawn, and the server may have been quicker.
            ServerState::Starting { .. } if is_ready => return,
            ServerState::Starting { has_failed } | ServerState::Between { has_failed } => {
                server.route = RouteState::Starting;
                server.has_failed |= has_failed;
            }
            ServerState::Down { why, next_try } => {
                server.route = RouteState::Down { why, next_try };
                server.has_failed = true;
            }
            ServerState::Asleep { alarm } => {
                if !is_known {
                    alarm.ring_for_lists();
                }
                server.route = RouteState::Asleep { alarm };
            }
        }
        self.is_dirty = true;
    }

    /// Takes a ready server's catalogue; without one it keeps what it offered before, which at
    /// first is nothing. `Some` when it differs from the kept one and is to be kept.
    pub(super) fn catalogue(
        &mut self,
        handle: UpstreamHandle,
        told: Option<Arc<Catalogue>>,
    ) -> Option<(ServerName, KeptCatalogue)> {
        let name = handle.server().clone();
        let server = self.current(&name, handle.generation())?;
        let was_ready = server.route.generation() == Some(handle.generation());
        server.route = RouteState::Ready { handle };
        let to_come = told.as_ref().and_then(|told| told.tools_to_come());
        let is_first = server.to_come.is_some() || server.told.catalogue().is_none();
        server.to_come = to_come.filter(|_| is_first);
        let awaited = told.as_ref().map(|told| server.still_awaited(told));
        let is_known_now = awaited.as_ref().is_some_and(|it| *it != server.awaited);
        server.awaited = awaited.unwrap_or_else(|| mem::take(&mut server.awaited));
        if let Some(told) = &told {
            server.told.hear(server.generation, told);
        }
        let before = server.told.catalogue();
        let told = told.map(|told| told.or_before(before.map(|it| &**it)));
        let offered = told.clone().or_else(|| before.cloned());
        let is_other = server.told.offers(offered.unwrap_or_default());
        let fingerprint = server.wanted.fingerprint;
        let approved = server.told.approved();
        self.is_stale |= is_other || is_known_now;
        self.is_dirty |= !was_ready;
        let fresh = KeptCatalogue {
            fingerprint,
            catalogue: told?,
            lessons: self.lessons(&name),
            approved,
        };
        let is_kept = self.kept.get(&name).is_some_and(|kept| {
            (kept.fingerprint, &kept.catalogue, &kept.approved)
                == (fresh.fingerprint, &fresh.catalogue, &fresh.approved)
        });
        self.kept.insert(name.clone(), fresh.clone());
        (!is_kept).then_some((name, fresh))
    }

    fn current(&mut self, name: &ServerName, generation: Generation) -> Option<&mut Server> {
        let server = self
            .servers
            .iter_mut()
            .find(|server| server.wanted.server == *name)?;
        if generation < server.generation {
            return None;
        }
        server.generation = generation;
        Some(server)
    }

    /// Those that the boot waits for: they have no catalogue, kept or fresh, or one without the tools
    /// that were asked for, and have not failed their first start.
    pub(super) fn awaited(&self) -> Option<Vec<ServerName>> {
        let has_told = |server: &Server| {
            server.told.catalogue().is_some() && server.to_come != Some(ToCome::All)
        };
        let names = self.alive(|server| !has_told(server));
        self.is_configured.then_some(names)
    }

    /// Those of which the first lists wait for more, although they are ready.
    pub(super) fn paging(&self) -> Vec<ServerName> {
        self.alive(|server| server.to_come == Some(ToCome::LaterPages))
    }

    /// Those of them that have not failed.
    fn alive(&self, is_one: impl Fn(&Server) -> bool) -> Vec<ServerName> {
        let those = self.servers.iter();
        let those = those.filter(|server| is_one(server) && !server.has_failed);
        those.map(|server| server.wanted.server.clone()).collect()
    }

    /// Builds the next table, if it is to differ from the last one; `open_latch` opens the boot
    /// latch for good, even if root has not said yet what is configured: for those who are there then.
    pub(super) fn publish(&mut self, open_latch: bool) -> Option<Arc<Routes>> {
        if self.fresh.is_none() && mem::take(&mut self.is_stale) {
            self.fresh = Some(self.job().run());
        }
        self.publish_merged(open_latch)
    }

    /// The same with the lists as they were merged last, whatever was told of them since.
    pub(super) fn publish_merged(&mut self, open_latch: bool) -> Option<Arc<Routes>> {
        // What was told while the merge was under way is in the table after this one.
        let (awaited, is_settled) = if self.is_stale {
            (self.routes.awaited.clone(), false)
        } else {
            let awaited = self.awaited();
            let is_nobody = awaited.as_ref().is_some_and(Vec::is_empty);
            (awaited, is_nobody && self.paging().is_empty())
        };
        let is_over = open_latch || is_settled;
        // Over for good, as long as there are servers; with the first after none it begins anew.
        let was_over = self.routes.is_boot_over && !self.routes.servers.is_empty();
        let is_boot_over = was_over || is_over;
        let is_complete = self.routes.is_complete || is_over;
        let is_dirty = mem::take(&mut self.is_dirty) || self.fresh.is_some();
        let is_same = (is_complete, is_boot_over, &awaited)
            == (
                self.routes.is_complete,
                self.routes.is_boot_over,
                &self.routes.awaited,
            );
        if !is_dirty && is_same {
            return None;
        }
        let fresh = self.fresh.take();
        if let Some(fresh) = &fresh {
            self.reports.take(fresh);
        }
        let merged = fresh.as_ref().map_or(&self.routes.merged, |it| &it.merged);
        let mut routes = Routes {
            version: self.routes.version + 1,
            is_complete,
            is_boot_over,
            awaited,
            at_boot: self.at_boot(&self.routes, merged),
            merged: Arc::clone(merged),
            servers: self.server_routes(),
            profiles: Arc::default(),
            is_shown_whole: self.routes.is_shown_whole,
        };
        if let Some(fresh) = &fresh {
            routes.is_shown_whole = fresh.is_shown_whole;
        }
        routes.profiles = Arc::new(self.of_profiles(&routes, fresh.as_ref()));
        self.routes = Arc::new(routes);
        Some(Arc::clone(&self.routes))
    }

    /// The tables for those who are shown a profile, beside `all`.
    fn of_profiles(&self, all: &Routes, fresh: Option<&Tables>) -> HashMap<ProfileId, Arc<Routes>> {
        let table = |profile: &ProfileId, merged: &Arc<Merged>| {
            let before = self.routes.profiles.get(profile);
            let routes = Routes {
                at_boot: match before {
                    Some(before) => self.at_boot(before, merged),
                    None => Arc::clone(merged),
                },
                merged: Arc::clone(merged),
                ..all.clone()
            };
            (*profile, Arc::new(routes))
        };
        let last = self.routes.profiles.iter();
        match fresh.map(|fresh| &fresh.profiles) {
            Some(fresh) => fresh.iter().map(|(id, merged)| table(id, merged)).collect(),
            None => last.map(|(id, last)| table(id, &last.merged)).collect(),
        }
    }

    /// What was offered when the latch opened, which is `merged` as long as it has not.
    fn at_boot(&self, before: &Routes, merged: &Arc<Merged>) -> Arc<Merged> {
        let is_over = self.routes.is_boot_over;
        Arc::clone(if is_over { &before.at_boot } else { merged })
    }

    fn server_routes(&self) -> Arc<HashMap<ServerName, RouteState>> {
        if !self.is_configured {
            return Arc::clone(&self.routes.servers);
        }
        let route = |server: &Server| (server.wanted.server.clone(), server.route.clone());
        Arc::new(self.servers.iter().map(route).collect())
    }

    /// The merge that is to be done before the next table, if it is a long one: not to be done where
    /// others wait. What comes of it is to be given to [`Self::take`].
    pub(super) fn long_job(&mut self) -> Option<Job> {
        let job = self.is_stale.then(|| self.job()).filter(Job::is_long)?;
        self.is_stale = false;
        Some(job)
    }

    /// Whether a long merge is to be done.
    pub(super) fn has_long_job(&self) -> bool {
        self.is_stale && self.job().is_long()
    }

    /// Takes what was merged elsewhere.
    pub(super) fn take(&mut self, tables: Tables) {
        self.fresh = Some(tables);
    }

    fn job(&self) -> Job {
        let source = |server: &Server| Source {
            server: server.wanted.server.clone(),
            prefix: server.wanted.prefix.clone(),
            isolation: server.wanted.isolation,
            view: Arc::clone(&server.wanted.view),
            catalogue: server.told.shown().cloned(),
            awaited: server.awaited.clone(),
            held: Arc::clone(server.told.held()),
        };
        Job {
            sources: self.servers.iter().map(source).collect(),
            profiles: Arc::clone(&self.profiles),
            budget: self.budget.unwrap_or(INSTRUCTIONS_READ),
            before: Arc::clone(&self.routes),
        }
    }
}
