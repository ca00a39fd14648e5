//! The list of what this port answers. A filter only extracts; `handlers/` decides. A rejection
//! means "another route may want this"; the last route wants everything.

use super::Context;
use super::connection::RequestContext;
use super::handlers::{control, healthz, home, mcp, messages, metrics, readyz, sse, status};
use super::problem::Problem;
use super::trust::Trust;
use std::convert::Infallible;
use std::sync::Arc;
use warp::{Filter, Rejection, Reply};

/// All routes. After the methods that a path takes comes the answer to those it does not.
pub(super) fn routes(
    context: Arc<Context>,
) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let views = views(context.clone());
    let steering = steering(context.clone());
    let context = warp::any().map(move || context.clone());
    let headers = warp::header::headers_cloned;
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let request_context = warp::ext::optional().map(Option::<RequestContext>::unwrap_or_default);
    // The addresses of a profile, and those that MetaMCP's clients have. Whether there is one of that
    // name was looked at before; a request carries which it is.
    let metamcp = warp::path!("metamcp" / String / ..).map(|name| format!("/metamcp/{name}"));
    let profile = warp::path!("p" / String / ..).map(|name| format!("/p/{name}"));
    let base = metamcp.or(profile).unify();
    let base = base.or(warp::any().map(String::new)).unify();
    let anywhere = base.map(drop).untuple_one();
    // Kotlin's SDK puts the endpoint behind the address of the stream, and others do where a proxy took
    // the slash off that.
    let appended = warp::path("sse").and(anywhere).or(warp::any()).unify();
    let message_path = appended.and(warp::path!("messages").or(warp::path!("message")).unify());

    let streamable = warp::any()
        .and(context.clone())
        .and(warp::method())
        .and(headers())
        .and(request_context)
        .and(warp::body::stream())
        .then(mcp::answer);
    let post_message = anywhere
        .and(message_path)
        .and(warp::post())
        .and(context.clone())
        .and(query)
        .and(headers())
        .and(request_context)
        .and(warp::body::stream())
        .then(messages::deliver);
    let open_stream = base
        .and(warp::path!("sse"))
        .and(warp::get())
        .and(warp::path::full())
        .and(context.clone())
        .and(headers())
        .and(request_context)
        .then(sse::open);
    let not_a_post = anywhere.and(message_path).map(|| Problem::Method("POST"));

    // A client of Streamable HTTP that was given the older address is served there.
    let mcp = anywhere.and(warp::path!("mcp")).and(streamable.clone());
    let on_sse = anywhere.and(warp::path!("sse")).and(streamable);

    mcp.or(post_message)
        .or(not_a_post)
        .or(open_stream)
        .or(on_sse)
        .or(views)
        .or(steering)
        .or(warp::any().map(|| Problem::NotFound))
}

/// What the operator has done. Nobody else is told that it is there.
fn steering(
    context: Arc<Context>,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let context = warp::any().map(move || context.clone());
    let of_operator = warp::ext::get::<RequestContext>().and_then(async |known: RequestContext| {
        let is_operators = known.trust == Trust::Operator;
        is_operators
            .then_some(())
            .ok_or_else(warp::reject::not_found)
    });
    let control = warp::path("control").and(of_operator).untuple_one();
    let reload = warp::path!("reload").and(warp::post());
    let reload = reload.and(context.clone()).then(control::reload);
    let restart = warp::path!("servers" / String / "restart").and(warp::post());
    let restart = restart.and(context.clone()).then(control::restart);
    let approve = warp::path!("servers" / String / "approve" / String).and(warp::post());
    let approve = approve.and(context.clone()).then(control::approve);
    let environment = warp::path!("environment").and(warp::get()).and(context);
    let environment = environment.map(|context: Arc<Context>| control::environment(&context));
    let only_posted = warp::path!("reload")
        .or(warp::path!("servers" / String / "restart")
            .map(drop)
            .untuple_one())
        .map(|_| Problem::Method("POST"));
    control.and(
        reload
            .or(restart)
            .or(approve)
            .or(environment)
            .or(only_posted),
    )
}

/// What people and their tools look at.
fn views(context: Arc<Context>) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let status = status(context.clone());
    let context = warp::any().map(move || context.clone());
    let headers = warp::header::headers_cloned;
    let read = || warp::get().or(warp::head()).unify();
    let health = warp::path!("healthz").or(warp::path!("health")).unify();
    let healthz = health.and(read()).map(healthz::answer);
    let readyz = warp::path!("readyz")
        .and(read())
        .and(context.clone())
        .map(readyz::answer);
    let metrics = warp::path!("metrics")
        .and(read())
        .and(context)
        .then(metrics::answer);
    let only_read = health
        .or(warp::path!("readyz"))
        .or(warp::path!("metrics"))
        .or(warp::path::end())
        .map(|_| Problem::Method("GET, HEAD"));
    // A client that was given the address without its path is told which one it needs.
    let no_path = warp::path::end()
        .and(warp::post())
        .map(|| Problem::NotFound);
    let home = warp::path::end()
        .and(read())
        .and(headers())
        .map(home::answer);
    let file = warp::path!("page" / String)
        .and(read())
        .and(headers())
        .map(home::file);

    healthz
        .or(readyz)
        .or(status)
        .or(metrics)
        .or(home)
        .or(file)
        .or(no_path)
        .or(only_read)
}

/// The state of the tree, as JSON.
fn status(
    context: Arc<Context>,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let context = warp::any().map(move || context.clone());
    let request_context = warp::ext::optional().map(Option::<RequestContext>::unwrap_or_default);
    let read = || warp::get().or(warp::head()).unify();
    let server = || warp::path!("status" / "servers" / String);
    let log = || warp::path!("status" / "servers" / String / "log");
    let whole = warp::path!("status")
        .and(read())
        .and(context.clone())
        .then(status::answer);
    let tools = warp::path!("status" / "tools")
        .and(read())
        .and(context.clone())
        .and(request_context)
        .then(status::tools::answer);
    let one = server()
        .and(read())
        .and(context.clone())
        .and(request_context)
        .then(status::servers::answer);
    let stream = warp::path!("status" / "stream")
        .and(warp::get())
        .and(context.clone())
        .and(warp::header::headers_cloned())
        .and(request_context)
        .then(status::stream::open);
    let its_log = log()
        .and(warp::get())
        .and(context)
        .and(warp::header::headers_cloned())
        .and(request_context)
        .then(status::log::open);
    let only_read = warp::path!("status")
        .or(warp::path!("status" / "tools"))
        .or(server())
        .map(|_| Problem::Method("GET, HEAD"));
    let only_get = log().map(drop).untuple_one();
    let only_get = only_get.or(warp::path!("status" / "stream")).unify();
    let only_get = only_get.map(|| Problem::Method("GET"));
    whole
        .or(tools)
        .or(one)
        .or(its_log)
        .or(stream)
        .or(only_read)
        .or(only_get)
}
