//! `GET /readyz`: 200 when the configuration is applied and the boot latch is open, else 503 with
//! the names of what is awaited.

use crate::http::Context;
use hyper::StatusCode;
use serde_json::json;
use std::sync::Arc;
use warp::reply::Response;

// By value: a filter hands its own clone over.
#[expect(clippy::needless_pass_by_value, reason = "called by a warp filter")]
pub(in crate::http) fn answer(context: Arc<Context>) -> Response {
    if context.readiness.is_ready() {
        return super::json(StatusCode::OK, &json!({ "status": "ready" }));
    }
    let waiting = context.readiness.waiting();
    let body = json!({ "status": "not ready", "waiting_for": waiting });
    super::json(StatusCode::SERVICE_UNAVAILABLE, &body)
}
