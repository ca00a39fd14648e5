//! What root tells of the tree when it is asked: from its own books, without asking anybody. Of a
//! server its name, its state and numbers; nothing of what it is started from, and of how it ended
//! only the gateway's own words.

use std::collections::HashMap;
use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorRef, RpcReplyPort};
use serde::Serialize;
use tokio::time::Instant;

use super::actor::RootState;
use super::definitions::{self, ChangedTool};
use super::detail::{ServerDetail, ServerTools};
use super::events::StatusEvent;
use super::figures::{CallsStatus, ProcessesStatus, Sampler};
use super::gaps::{LeftOut, Unread, left_out, unread};
use super::hooks::RootHooks;
use super::profiles::ProfileStatus;
use super::{ChildId, RootMsg, Standing};
use crate::ids::{ProfileId, ServerName};
use crate::supervise::Status;
use crate::tree::call::CallError;
use crate::tree::config::ConfigurationFault;
use crate::tree::history::{Exit as ServerExit, Likely};
use crate::tree::registry::{Approval, Routes};

/// Root never waits; if its answer takes this long, something is very wrong.
const ANSWER: Duration = Duration::from_secs(1);

/// After so long the cause of a failure is shown no more.
const RECOVERED: Duration = Duration::from_secs(600);

/// What the status says of a server without anything in its lists.
const NOTHING: &str = "it offers nothing: it lists no tools, no prompts and no resources";

/// The tree at one moment.
#[derive(Debug, Clone, Default)]
pub struct TreeStatus {
    /// Every server that is configured, in the configuration's order, then those that still stop.
    pub servers: Vec<ServerStatus>,
    /// Every profile that holds, in the configuration's order.
    pub profiles: Vec<ProfileStatus>,
    /// What became of the configuration file.
    pub configuration: ConfigurationStatus,
    /// Those of them that have never told what they offer: lists are without them.
    pub missing: Vec<String>,
    /// For whose sessions clients are not told of 2026-07-28, if that is why.
    pub held_back_by: Option<String>,
    /// Whether there has been a configuration that could be used.
    pub is_configured: bool,
    /// What happened last, newest first.
    pub events: Vec<StatusEvent>,
    /// Another text whenever a list of a server is another.
    pub catalogue: String,
    /// The names of the profiles that hold.
    pub profile_names: HashMap<ProfileId, String>,
    /// How many sessions there are.
    pub sessions: i64,
    /// How many there may be.
    pub session_limit: usize,
}

/// A server at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: Standing,
    /// Its process.
    pub pid: Option<u32>,
    /// How long that has run.
    pub uptime_seconds: Option<u64>,
    /// How often in a row it has failed.
    pub failures: u32,
    /// How often it was started again.
    pub restarts: u64,
    /// When it is started again.
    pub next_try_seconds: Option<f64>,
    /// How it ended last, if it has not been ready since.
    pub why: Option<String>,
    /// How its last lives ended, newest first.
    pub exits: Vec<ServerExit>,
    /// The probable cause of its last failure, and what helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likely: Option<Likely>,
    /// Lines of its stdout that were no message.
    pub junk_lines: u64,
    /// Answers of it that were thrown away.
    pub dropped_answers: u64,
    /// How many tools clients are offered of it, or were when it last could say.
    pub tools: usize,
    /// What they cost a model that reads all of them, in bytes and about so many tokens.
    pub tools_bytes: usize,
    /// As above.
    pub tools_tokens: usize,
    /// Calls that it was sent and has not answered.
    pub calls_in_flight: i64,
    /// Its calls so far.
    pub calls: CallsStatus,
    /// What its processes use; `None` if there are none, or nobody has looked.
    pub processes: Option<ProcessesStatus>,
    /// How many sessions have an instance of their own.
    pub instances: usize,
    /// After so many calls it ends with code 0, each time, and is started again at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_after_calls: Option<u32>,
    /// What in its names may break a client, and what to do; that it offers nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Tools that it defines in another way than before, although its entry is the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub definitions_changed: Vec<ChangedTool>,
    /// Its lists that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// Entries of its lists that are not passed on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// What became of the configuration file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ConfigurationStatus {
    /// Entries that are run.
    pub servers: usize,
    /// Entries that can't be used.
    pub refused: Vec<String>,
    /// Whether something in the file, or all of it, can't be used; the log says what and where.
    pub faulty: bool,
    /// All that is wrong with it, without the file's own words.
    pub faults: Vec<ConfigurationFault>,
}

/// Asks root.
#[derive(Clone, Debug)]
pub struct StatusHandle {
    root: ActorRef<RootMsg>,
    sampler: Option<Sampler>,
}

impl StatusHandle {
    pub(in crate::tree) fn new(root: ActorRef<RootMsg>) -> Self {
        let sampler = None;
        Self { root, sampler }
    }

    /// Who asks wants to know of the servers' processes, too.
    pub(super) fn with(self, sampler: Sampler) -> Self {
        let sampler = Some(sampler);
        Self { sampler, ..self }
    }

    /// Has clients see the tools of `server` as it has them now, if `digest` is that of what is held. For the operator
    /// alone.
    ///
    /// Errors: `Timeout` if the tree is stuck, `Gone`, for a moment, while the registry is restarted.
    pub async fn approve(&self, server: ServerName, digest: String) -> Result<Approval, CallError> {
        let approve = |reply| RootMsg::Approve {
            server,
            digest,
            reply,
        };
        self.ask(approve).await
    }

    /// Has what the metrics say of the servers' processes be of now, or of a moment ago.
    pub async fn look_at_processes(&self) {
        if let Some(sampler) = &self.sampler {
            sampler.look().await;
        }
    }

    /// The tree as it is now.
    ///
    /// Errors: `Timeout` if root is stuck, `Gone`.
    pub async fn get(&self) -> Result<TreeStatus, CallError> {
        self.look_at_processes().await;
        self.ask(|reply| RootMsg::GetStatus { reply }).await
    }

    /// One server; `None` if it is unknown.
    ///
    /// Errors: as [`Self::get`].
    pub async fn server(&self, server: ServerName) -> Result<Option<ServerDetail>, CallError> {
        self.look_at_processes().await;
        self.ask(|reply| RootMsg::GetServer { server, reply }).await
    }

    /// The tools of all servers.
    ///
    /// Errors: as [`Self::get`].
    pub async fn tools(&self) -> Result<Vec<ServerTools>, CallError> {
        self.ask(|reply| RootMsg::GetTools { reply }).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(RpcReplyPort<T>) -> RootMsg,
    ) -> Result<T, CallError> {
        match self.root.call(question, Some(ANSWER)).await {
            Ok(CallResult::Success(answer)) => Ok(answer),
            Ok(CallResult::Timeout) => Err(CallError::Timeout),
            Ok(CallResult::SenderError) | Err(_) => Err(CallError::Gone),
        }
    }
}

impl RootHooks {
    /// A server is in another state; `None`: it is not configured any more.
    pub(super) fn count_server(&mut self, server: &ServerName, status: Option<&Status>) {
        let metrics = &self.settings.metrics;
        let is_asleep = matches!(
            status,
            Some(Status::Asleep | Status::Stopping { sleeps: true, .. })
        );
        let is_up = is_asleep || matches!(status, Some(Status::Ready { .. }));
        if is_up || status.is_none() {
            self.book.forgive(server);
        }
        match status {
            Some(status) => {
                let metrics = metrics.server(server);
                let is_looping = Standing::of(status) == Standing::CrashLooping;
                metrics.up.set(is_up.into());
                metrics.figures.crash_looping.set(is_looping.into());
                metrics.figures.asleep.set(is_asleep.into());
            }
            None => metrics.forget(server),
        }
    }
}

impl RootHooks {
    /// Says and counts what servers define in another way than in the last table.
    pub(super) fn compare_definitions(&mut self, routes: &Routes) {
        for (server, change) in self.definitions.look(routes, Instant::now()) {
            definitions::say(&server, &change);
            let count = change.news.len().try_into().unwrap_or(u64::MAX);
            let metrics = self.settings.metrics.server(&server);
            metrics.definitions_changed.inc_by(count);
        }
    }
}

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

    pub(super) fn server_status(&self, name: &ServerName) -> Option<ServerStatus> {
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
            instances: hooks.upstreams.keys().filter(is_own).count(),
            definitions_changed: hooks.definitions.of(name, Instant::now()),
            unread: catalogue.map_or_else(Vec::new, |catalogue| unread(catalogue)),
            left_out: catalogue.map_or_else(Vec::new, |catalogue| left_out(catalogue)),
            ends_after_calls: past.and_then(|(_, past)| past.calls_in_a_life()),
            warnings,
        })
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
