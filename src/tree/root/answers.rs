//! What root answers when it is asked how the tree is: from its own books and the last table, without asking
//! anybody.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ractor::RpcReplyPort;
use tokio::time::Instant;

use super::ChildId;
use super::actor::RootState;
use super::hooks::RootHooks;
use super::status::{
    CallsStatus, ProfileStatus, ServerDetail, ServerStatus, ServerTools, Standing, TreeStatus,
    left_out, unread,
};
use crate::config::model::{DefaultProfile, OnChangedTools, Profile};
use crate::ids::{ProfileId, ServerName};
use crate::supervise::Status;
use crate::tree::registry::Held;

/// After so long the cause of a failure is shown no more.
const RECOVERED: Duration = Duration::from_secs(600);

/// What the status says of a server without anything in its lists.
const NOTHING: &str = "it offers nothing: it lists no tools, no prompts and no resources";

impl RootState {
    pub(super) fn on_get_status(&self, reply: RpcReplyPort<TreeStatus>) {
        if !reply.is_closed() && reply.send(self.status()).is_err() {
            log::debug!("who asked for the status has gone");
        }
    }

    fn status(&self) -> TreeStatus {
        let hooks = self.supervisor.hooks();
        let wanted = hooks.wanted.iter().flatten().map(|wanted| &wanted.server);
        let mut names: Vec<&ServerName> = wanted.collect();
        for id in self.supervisor.children().ids() {
            if let ChildId::Upstream(server) = id
                && !names.contains(&server)
            {
                names.push(server);
            }
        }
        let servers = names
            .into_iter()
            .filter_map(|name| self.server_status(name));
        TreeStatus {
            servers: servers.collect(),
            profiles: hooks.profile_statuses(),
            missing: hooks
                .missing()
                .into_iter()
                .map(ToString::to_string)
                .collect(),
            held_back_by: hooks.offered.held_back_by(),
            configuration: hooks.book.configuration.clone(),
            events: hooks.book.events.newest_first(),
            catalogue: hooks.book.catalogue.to_string(),
            profile_names: hooks.profile_names(),
            is_configured: self.is_configured,
            sessions: hooks.settings.metrics.sessions(),
            session_limit: hooks.limits().max_sessions,
        }
    }

    fn server_status(&self, name: &ServerName) -> Option<ServerStatus> {
        let (hooks, children) = (self.supervisor.hooks(), self.supervisor.children());
        let id = ChildId::Upstream(name.clone());
        let status = children.status(&id)?;
        let is_own = |id: &&ChildId| matches!(id, ChildId::Instance(server, _) if server == name);
        let merged = hooks.routes.as_ref().map(|routes| &routes.merged);
        let source = merged.and_then(|merged| merged.source(name));
        let catalogue = source.and_then(|source| source.catalogue.as_ref());
        let cost = merged.map(|merged| merged.cost(name)).unwrap_or_default();
        let past = hooks.pasts.get(name);
        let metrics = hooks.settings.metrics.server(name);
        let process = hooks.book.processes.get(&id);
        let counts = hooks.book.counts(name);
        let instances = hooks.upstreams.keys().filter(is_own).count();
        let is_awake = matches!(status, Status::Ready { .. }) || instances > 0;
        let mut warnings = merged.map_or_else(Vec::new, |merged| merged.warnings(name));
        if past.is_some_and(|(_, past)| past.offers_nothing()) {
            warnings.push(NOTHING.to_owned());
        }
        Some(ServerStatus {
            name: name.to_string(),
            state: Standing::of(&status),
            pid: process.and_then(|process| process.pid),
            uptime_seconds: process.map(|process| process.since.elapsed().as_secs()),
            failures: children.failures(&id),
            restarts: counts.restarts,
            next_try_seconds: next_try(&status),
            why: hooks.book.whys.get(name).cloned(),
            exits: counts.exits,
            likely: counts.likely.filter(|_| !has_recovered(&status)),
            junk_lines: counts.junk_lines,
            dropped_answers: counts.dropped_answers,
            tools: cost.tools,
            tools_bytes: cost.bytes,
            tools_tokens: cost.tokens(),
            calls_in_flight: metrics.in_flight.get(),
            calls: CallsStatus::of(&metrics, Instant::now()),
            processes: hooks.sampler.of(name),
            instances,
            awake_for: self.awake_for(name, is_awake),
            definitions_changed: hooks.definitions.of(name, Instant::now()),
            unread: catalogue.map_or_else(Vec::new, |catalogue| unread(catalogue)),
            left_out: catalogue.map_or_else(Vec::new, |catalogue| left_out(catalogue)),
            ends_after_calls: past.and_then(|(_, past)| past.calls_in_a_life()),
            warnings,
        })
    }

    pub(super) fn on_get_server(
        &mut self,
        name: &ServerName,
        reply: RpcReplyPort<Option<ServerDetail>>,
    ) {
        let detail = self.server_status(name).map(|status| ServerDetail {
            status,
            tools: self.tools_of(name),
            held: self.held_of(name),
            history: self.supervisor.hooks_mut().book.history(name),
        });
        if reply.send(detail).is_err() {
            log::debug!("who asked for a server has gone");
        }
    }

    pub(super) fn on_get_tools(&self, reply: RpcReplyPort<Vec<ServerTools>>) {
        let merged = self.supervisor.hooks().routes.as_ref();
        let sources = merged.into_iter().flat_map(|routes| &routes.merged.sources);
        let tools = sources.map(|source| ServerTools {
            server: source.server.clone(),
            tools: self.tools_of(&source.server),
        });
        if reply.send(tools.collect()).is_err() {
            log::debug!("who asked for the tools has gone");
        }
    }

    fn held_of(&self, name: &ServerName) -> Option<Arc<Vec<Held>>> {
        let source = self.supervisor.hooks().routes.as_ref()?;
        let source = source.merged.source(name)?;
        let holds = source.view.on_changed_tools == OnChangedTools::Hold;
        holds.then(|| Arc::clone(&source.held))
    }

    fn tools_of(&self, name: &ServerName) -> Vec<Bytes> {
        let routes = self.supervisor.hooks().routes.as_ref();
        routes.map_or_else(Vec::new, |routes| routes.merged.tools_of(name))
    }
}

impl RootHooks {
    fn profile_names(&self) -> HashMap<ProfileId, String> {
        let held = self.profiles.held();
        let known = held.into_iter().flat_map(|held| &held.known);
        let named = known.map(|profile| (profile.name.id(), profile.name.to_string()));
        named.collect()
    }

    fn profile_statuses(&self) -> Vec<ProfileStatus> {
        let Some(held) = self.profiles.held() else {
            return Vec::new();
        };
        let status = |profile: &Arc<Profile>| {
            let id = profile.name.id();
            let routes = self.routes.as_ref();
            let shown = routes.and_then(|routes| routes.shown(Some(id)));
            let merged = shown.map(|shown| &shown.merged);
            let cost = merged.map(|merged| merged.whole_cost()).unwrap_or_default();
            ProfileStatus {
                name: profile.name.to_string(),
                default: held.default == DefaultProfile::Named(profile.name.clone()),
                servers: merged.map_or(0, |merged| merged.sources.len()),
                tools: cost.tools,
                tools_bytes: cost.bytes,
                tools_tokens: cost.tokens(),
                sessions: self.settings.metrics.sessions_in(id),
            }
        };
        held.known.iter().map(status).collect()
    }
}

/// Whether it has been well for so long that why it failed is of no interest any more.
fn has_recovered(status: &Status) -> bool {
    matches!(status, Status::Ready { since, .. } if since.elapsed() >= RECOVERED)
}

fn next_try(status: &Status) -> Option<f64> {
    let Status::Backoff { until, .. } = status else {
        return None;
    };
    let wait = until.saturating_duration_since(Instant::now());
    Some((wait.as_secs_f64() * 10.0).round() / 10.0)
}
