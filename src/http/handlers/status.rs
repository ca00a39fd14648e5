//! `GET /status`: the state of the tree as JSON. Root is asked; one that does not answer at once is
//! a 503. Nothing in it says what a server is started from.

use crate::http::Context;
use crate::http::problem::Problem;
use hyper::StatusCode;
use serde_json::json;
use std::sync::Arc;
use warp::reply::Response;

pub(in crate::http) async fn answer(context: Arc<Context>) -> Result<Response, Problem> {
    let tree = context.status.get().await?;
    let metrics = &context.metrics;
    let status = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": metrics.uptime().as_secs(),
        "ready": context.readiness.is_ready(),
        "servers": tree.servers,
        "configuration": tree.configuration,
        "sessions": { "open": tree.sessions, "limit": tree.session_limit },
        "connections": {
            "open": metrics.connections().get(),
            "limit": context.limits.borrow().max_connections,
        },
        "calls_in_flight": metrics.session_calls().get(),
        "bodies_in_flight_bytes": metrics.bodies().get(),
    });
    Ok(super::json(StatusCode::OK, &status))
}
