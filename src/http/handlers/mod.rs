//! One file per route: what it answers. A handler gets what its filter extracted and returns a
//! reply or a `Problem`.

pub(super) mod healthz;
pub(super) mod home;
pub(super) mod messages;
pub(super) mod readyz;
pub(super) mod sse;

use serde_json::Value;
use warp::Reply;
use warp::reply::Response;

/// A JSON reply that is never cached.
fn json(status: hyper::StatusCode, value: &Value) -> Response {
    let json = warp::reply::with_status(warp::reply::json(value), status);
    warp::reply::with_header(json, "cache-control", "no-store").into_response()
}
