//! `GET /healthz`, and `/health`: the process is alive and answers. Nothing else is asked.

use hyper::StatusCode;
use serde_json::json;
use warp::reply::Response;

pub(in crate::http) fn answer() -> Response {
    super::json(StatusCode::OK, &json!({ "status": "ok" }))
}
