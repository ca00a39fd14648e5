//! The list of what this port answers. A filter only extracts; `handlers/` decides. A rejection
//! means "another route may want this"; the last route wants everything.

use super::Context;
use super::connection::Cut;
use super::handlers::{healthz, home, messages, readyz, sse};
use super::problem::Problem;
use std::convert::Infallible;
use std::sync::Arc;
use warp::{Filter, Reply};

/// All routes. After the methods that a path takes comes the answer to those it does not.
pub(super) fn routes(
    context: Arc<Context>,
) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let context = warp::any().map(move || context.clone());
    let headers = warp::header::headers_cloned;
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let cut = warp::ext::optional().map(Option::<Cut>::unwrap_or_default);
    let read = || warp::get().or(warp::head()).unify();

    let post_message = warp::path!("messages")
        .and(warp::post())
        .and(context.clone())
        .and(query)
        .and(headers())
        .and(warp::body::stream())
        .then(messages::deliver);
    let open_stream = warp::path!("sse")
        .and(warp::get())
        .and(context.clone())
        .and(headers())
        .and(cut)
        .then(sse::open);
    let healthz = warp::path!("healthz").and(read()).map(healthz::answer);
    let readyz = warp::path!("readyz")
        .and(read())
        .and(context)
        .map(readyz::answer);
    let home = warp::path::end()
        .and(read())
        .and(headers())
        .map(home::answer);

    post_message
        .or(warp::path!("messages").map(|| Problem::Method("POST")))
        .or(open_stream)
        .or(warp::path!("sse").map(|| Problem::Method("GET")))
        .or(healthz)
        .or(readyz)
        .or(home)
        .or(warp::path!("healthz").map(|| Problem::Method("GET, HEAD")))
        .or(warp::path!("readyz").map(|| Problem::Method("GET, HEAD")))
        .or(warp::path::end().map(|| Problem::Method("GET, HEAD")))
        .or(warp::any().map(|| Problem::NotFound))
}
