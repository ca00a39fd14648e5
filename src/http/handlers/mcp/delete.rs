//! `DELETE /mcp`: ends the session that the client does not need any more.

use super::{not_found, unsupported_version};
use crate::http::connection::RequestContext;
use crate::http::problem::Problem;
use crate::http::{Context, headers};
use hyper::StatusCode;
use hyper::header::HeaderMap;
use warp::Reply;
use warp::reply::Response;

pub(super) async fn answer(
    context: &Context,
    headers: &HeaderMap,
    request_context: &RequestContext,
) -> Result<Response, Problem> {
    if let Some(asked) = unsupported_version(headers)? {
        return Err(Problem::version(asked, None));
    }
    let id = headers::session(headers)?.ok_or(Problem::NoSessionId)?;
    let sessions = context.sessions.of(request_context.client());
    sessions.delete_streamable(id).await.map_err(not_found)?;
    Ok(StatusCode::OK.into_response())
}
