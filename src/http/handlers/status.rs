//! `GET /status`: the state of the tree as JSON. Root is asked; one that does not answer at once is
//! a 503. Nothing in it says what a server is started from. Members are in the order in which people read.

use crate::http::Context;
use crate::http::problem::Problem;
use crate::tree::{ConfigurationStatus, ServerStatus};
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
    servers: Vec<ServerStatus>,
    sessions: Places,
    connections: Places,
    calls_in_flight: i64,
    bodies_in_flight_bytes: i64,
}

#[derive(Serialize)]
struct Places {
    open: i64,
    limit: usize,
}

pub(in crate::http) async fn answer(context: Arc<Context>) -> Result<Response, Problem> {
    let tree = context.status.get().await?;
    let metrics = &context.metrics;
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: metrics.uptime().as_secs(),
        ready: context.readiness.is_ready(),
        missing: tree.missing,
        configuration: tree.configuration,
        servers: tree.servers,
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
    };
    Ok(super::json(StatusCode::OK, &status))
}
