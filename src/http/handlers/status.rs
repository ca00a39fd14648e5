//! `GET /status`: the state of the tree as JSON. Root is asked; one that does not answer at once is
//! a 503. Nothing in it says what a server is started from. Members are in the order in which people read.

mod held;
pub(in crate::http) mod log;
pub(in crate::http) mod servers;
pub(in crate::http) mod stream;
pub(in crate::http) mod tools;

use crate::http::Context;
use crate::http::problem::Problem;
use crate::ids::ProfileId;
use crate::tree::{ConfigurationStatus, ProfileStatus, ServerStatus, StatusEvent};
use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use warp::reply::Response;

#[derive(Serialize)]
struct Status {
    version: &'static str,
    uptime_seconds: u64,
    ready: bool,
    missing: Vec<String>,
    configuration: ConfigurationStatus,
    modern: Modern,
    servers: Vec<ServerStatus>,
    /// Another text whenever a list of a server is another.
    catalogue: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<ProfileStatus>,
    sessions: Sessions,
    events: Vec<StatusEvent>,
    connections: Places,
    calls_in_flight: i64,
    bodies_in_flight_bytes: i64,
}

/// What clients have of 2026-07-28.
#[derive(Serialize)]
struct Modern {
    /// Whether its requests are answered.
    served: bool,
    /// Whether clients that ask first are told of it.
    offered: bool,
    /// The server for whose sessions they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back_by: Option<String>,
}

#[derive(Serialize)]
struct Places {
    open: i64,
    limit: usize,
}

/// How long the sessions' supervisor is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The open sessions, and the last of them that were opened.
#[derive(Serialize)]
struct Sessions {
    open: i64,
    limit: usize,
    clients: Vec<Connected>,
}

/// A session, as its client calls itself.
#[derive(Serialize)]
struct Connected {
    client: Option<String>,
    version: Option<String>,
    transport: &'static str,
    profile: Option<String>,
    seconds: u64,
    queued: usize,
    calls_in_flight: usize,
}

pub(in crate::http) async fn answer(context: Arc<Context>) -> Result<Response, Problem> {
    let status = now(&context).await?;
    Ok(super::json(StatusCode::OK, &status))
}

/// The same as text, for the stream of open pages.
pub(in crate::http) async fn text(context: &Context) -> Result<Bytes, Problem> {
    let status = now(context).await?;
    // There is nothing in it that JSON could not say.
    let text = serde_json::to_vec(&status).unwrap_or_default();
    Ok(text.into())
}

async fn now(context: &Context) -> Result<Status, Problem> {
    let tree = context.status.get().await?;
    let clients = clients(context, &tree.profile_names).await;
    let (metrics, serving) = (&context.metrics, *context.serving.borrow());
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: metrics.uptime().as_secs(),
        ready: context.readiness.is_ready(),
        missing: tree.missing,
        configuration: tree.configuration,
        modern: Modern {
            served: serving.modern,
            offered: serving.discover,
            held_back_by: tree.held_back_by,
        },
        servers: tree.servers,
        profiles: tree.profiles,
        catalogue: tree.catalogue,
        sessions: Sessions {
            open: tree.sessions,
            limit: tree.session_limit,
            clients,
        },
        events: tree.events,
        connections: Places {
            open: metrics.connections().get(),
            limit: context.limits.borrow().max_connections,
        },
        calls_in_flight: metrics.session_calls().get(),
        bodies_in_flight_bytes: metrics.bodies().get(),
    })
}

/// The sessions, newest first. While their supervisor is restarted nobody knows them.
async fn clients(context: &Context, profiles: &HashMap<ProfileId, String>) -> Vec<Connected> {
    let seen = timeout(PATIENCE, context.sessions.clients()).await;
    let seen = seen.ok().and_then(Result::ok).unwrap_or_default();
    let clients = seen.into_iter().map(|seen| Connected {
        client: seen.client,
        version: seen.version,
        transport: seen.transport,
        profile: seen.profile.and_then(|id| profiles.get(&id).cloned()),
        seconds: seen.open_for.as_secs(),
        queued: seen.queued,
        calls_in_flight: seen.calls,
    });
    clients.collect()
}
