//! `GET /metrics`: what is counted, for Prometheus. Asks no actor; what processes use is looked
//! at first, unless somebody has a moment ago.

use crate::http::Context;
use crate::telemetry::metrics::CONTENT_TYPE;
use std::sync::Arc;
use warp::Reply;
use warp::reply::{Response, with_header};

pub(in crate::http) async fn answer(context: Arc<Context>) -> Response {
    context.status.look_at_processes().await;
    let text = with_header(context.metrics.text(), "content-type", CONTENT_TYPE);
    with_header(text, "cache-control", "no-store").into_response()
}
