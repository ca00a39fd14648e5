//! What comes before the routes, for every request, those for unknown paths too: the guard, and the
//! question for a token where one is asked for.

use super::auth;
use super::body::BodyError;
use super::connection::RequestContext;
use super::guard::{self, Admitted, cors};
use super::problem::Problem;
use super::refused::Asker;
use super::{Context, headers, path, routes};
use crate::ids::Owner;
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, ready};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::{Service, service_fn};
use hyper::{Request, StatusCode};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::sync::Arc;
use warp::Reply;
use warp::reply::Response;

/// What a connection serves its requests with.
pub(super) trait HttpService:
    Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> HttpService for S where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Guard, tokens and routes as one service.
pub(super) fn service(context: &Arc<Context>) -> impl HttpService {
    let routes = TowerToHyperService::new(warp::service(routes::routes(context.clone())));
    let context = context.clone();
    service_fn(move |mut request: Request<Incoming>| {
        let asker = Asker::of(&request);
        if let Some(meant) = path::as_meant(request.uri()) {
            *request.uri_mut() = meant;
        }
        let (listed, reply) = match enter(&context, &mut request) {
            Entry::Open(listed) => (listed, Either::Left(routes.call(request))),
            Entry::Answered(reply) => (None, Either::Right(ready(Ok(reply)))),
        };
        let context = context.clone();
        // Not an `async` block, which would keep what it awaits twice, for each connection.
        reply.map_ok(move |mut response| {
            if let Some(origin) = listed {
                cors::allow(response.headers_mut(), origin);
            }
            context.refusals.note(&asker, &response);
            response
        })
    })
}

/// What becomes of a request before the routes.
enum Entry {
    /// They have it. Pages of this origin, if there is one, may read the reply.
    Open(Option<HeaderValue>),
    /// They never see it.
    Answered(Response),
}

/// Answers a request, or notes on it whose it is.
fn enter(context: &Context, request: &mut Request<Incoming>) -> Entry {
    let (path, headers) = (request.uri().path(), request.headers());
    if !headers::is_coding_known(headers) {
        let unknown = "its Transfer-Encoding is another than 'chunked'".to_owned();
        return refuse(BodyError::Broken(unknown).into(), None);
    }
    let admitted = guard::check(&context.rules, request.method(), request.uri(), headers);
    let listed = match admitted {
        Ok(Admitted::Route(listed)) => listed,
        Ok(Admitted::Preflight(origin)) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            cors::allow_preflight(response.headers_mut(), origin, headers);
            return Entry::Answered(response);
        }
        Err(refusal) => return refuse(refusal.into(), None),
    };
    if auth::is_discovery(path) {
        return refuse(Problem::NoOauth, listed);
    }
    let owner = auth::check(&context.tokens.borrow(), path, headers);
    match owner {
        Ok(owner) => {
            if let Some(request_context) = request.extensions_mut().get_mut::<RequestContext>() {
                request_context.owner = owner;
                if owner != Owner::ANYBODY {
                    request_context.may_be_known();
                }
            }
            Entry::Open(listed)
        }
        Err(refusal) => refuse(refusal.into(), listed),
    }
}

fn refuse(problem: Problem, listed: Option<HeaderValue>) -> Entry {
    let mut response = problem.into_response();
    if let Some(origin) = listed {
        cors::allow(response.headers_mut(), origin);
    }
    Entry::Answered(response)
}
