//! `GET /status`: the state of the tree as JSON. Root is asked; one that does not answer at once is
//! a 503. Nothing in it says what a server is started from. Members are in the order in which people read.

pub(in crate::http) mod stream;

use crate::http::Context;
use crate::http::problem::Problem;
use crate::tree::{ConfigurationStatus, ProfileStatus, ServerStatus};
use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;
use std::sync::Arc;
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<ProfileStatus>,
    sessions: Places,
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
        sessions: Places {
            open: tree.sessions,
            limit: tree.session_limit,
        },
        connections: Places {
            open: metrics.connections().get(),
            limit: context.limits.borrow().max_connections,
        },
        calls_in_flight: metrics.session_calls().get(),
        bodies_in_flight_bytes: metrics.bodies().get(),
    })
}
