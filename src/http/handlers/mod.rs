//! One file per route: what it answers. A handler gets what its filter extracted and returns a
//! reply or a `Problem`.

pub(super) mod control;
pub(super) mod healthz;
pub(super) mod home;
pub(super) mod mcp;
pub(super) mod messages;
pub(super) mod metrics;
pub(super) mod readyz;
pub(super) mod sse;
pub(super) mod status;

use super::connection::RequestContext;
use super::pot::Place;
use super::problem::Problem;
use super::{Context, accept, body, headers, text};
use crate::protocol::depth;
use crate::tree::beside;
use bytes::{Buf, Bytes};
use futures_util::Stream;
use hyper::header::{ACCEPT, HeaderMap};
use serde::Serialize;
use warp::Reply;
use warp::reply::Response;

/// The body of a POST, within its limits and without what may be before its text.
async fn read<F, B>(
    context: &Context,
    request_context: &RequestContext,
    headers: &HeaderMap,
    frames: F,
) -> Result<Bytes, Problem>
where
    F: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    text::check_coding(headers)?;
    let declared = headers::declared_length(headers);
    let budget = (&context.budget, request_context.holder());
    let body = body::collect(frames, declared, &request_context.limits, budget).await?;
    let body = text::unmarked(body, headers)?;
    let depth = request_context.limits.max_nesting_depth;
    if beside(body.len(), || depth::is_deeper_than(depth, &body)) {
        return Err(Problem::TooDeep(depth));
    }
    Ok(body)
}

/// A place in the pot for an event stream, unless its client asked for one in so many words.
fn place(
    context: &Context,
    headers: &HeaderMap,
    request_context: &RequestContext,
) -> Option<Place> {
    let is_named = accept::names(&headers.get_all(ACCEPT), "text/event-stream");
    (!is_named).then(|| context.pot.place(&request_context.cut))
}

/// A JSON reply that is never cached.
fn json(status: hyper::StatusCode, value: &impl Serialize) -> Response {
    let json = warp::reply::with_status(warp::reply::json(value), status);
    warp::reply::with_header(json, "cache-control", "no-store").into_response()
}
