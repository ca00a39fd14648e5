//! `GET /metrics`: what is counted, for Prometheus. Asks no actor.

use crate::http::Context;
use crate::telemetry::metrics::CONTENT_TYPE;
use std::sync::Arc;
use warp::Reply;
use warp::reply::{Response, with_header};

// By value: a filter hands its own clone over.
#[expect(clippy::needless_pass_by_value, reason = "called by a warp filter")]
pub(in crate::http) fn answer(context: Arc<Context>) -> Response {
    let text = with_header(context.metrics.text(), "content-type", CONTENT_TYPE);
    with_header(text, "cache-control", "no-store").into_response()
}
