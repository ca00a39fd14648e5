//! What comes before the routes, for every request, those for unknown paths too: the guard, and the
//! question for a token where one is asked for.

use super::auth::{self, Pins};
use super::body::BodyError;
use super::connection::RequestContext;
use super::guard::{self, Admitted, cors};
use super::problem::Problem;
use super::profile::{self, Early};
use super::refused::Asker;
use super::trust::Trust;
use super::{Context, headers, page, path, routes};
use crate::ids::ProfileId;
use crate::remote::via;
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, ready};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
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
        let entry = enter(&context, &mut request);
        let behind = behind(&entry, &request);
        let (listed, reply) = match entry {
            Entry::Open(listed) => (listed, Either::Left(routes.call(request))),
            Entry::Answered(reply) => (None, Either::Right(Either::Left(ready(Ok(reply))))),
            Entry::Early(listed, pins) => {
                let (context, routes) = (context.clone(), routes.clone());
                // Apart: it is for the first moments of the gateway only.
                let late = Box::pin(async move {
                    match in_profile(&context, &mut request, &pins).await {
                        Ok(()) => routes.call(request).await,
                        Err(problem) => Ok(problem.into_response()),
                    }
                });
                (listed, Either::Right(Either::Right(late)))
            }
        };
        let context = context.clone();
        // Not an `async` block, which would keep what it awaits twice, for each connection.
        reply.map_ok(move |mut response| {
            if let Some(origin) = listed {
                cors::allow(response.headers_mut(), origin);
            }
            if let Some(behind) = behind {
                response.headers_mut().insert(via::BEHIND, behind);
            }
            context.refusals.note(&asker, &response);
            if context.readiness.is_leaving() {
                // A client that keeps its connection would never meet another gateway.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
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
    /// They have it once the profiles are known, of which its token is pinned to these.
    Early(Option<HeaderValue>, Pins),
}

/// What another gateway is told, if it is let in: who knows the numbers of others can have them taken for a ring.
fn behind(entry: &Entry, request: &Request<Incoming>) -> Option<HeaderValue> {
    let (path, headers) = (request.uri().path(), request.headers());
    if !headers.contains_key(via::VIA) || matches!(entry, Entry::Answered(_)) {
        return None;
    }
    let is_for_all =
        path::is_for_probers(path) || page::is_asked_for(request.method(), path, headers);
    (!is_for_all).then(via::answer)
}

/// Answers a request, or notes on it whose it is.
fn enter(context: &Context, request: &mut Request<Incoming>) -> Entry {
    let (path, headers) = (request.uri().path(), request.headers());
    if !headers::is_coding_known(headers) {
        let unknown = "its Transfer-Encoding is another than 'chunked'".to_owned();
        return refuse(BodyError::Broken(unknown).into(), None);
    }
    if trust(request) == Trust::Operator {
        return of_operator(context, request);
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
    // Before it is asked for a token: who has the sign is told nothing but that sign.
    if let Some(sign) = via::from_us(headers) {
        let mut entry = refuse(Problem::Loop, listed);
        if let Entry::Answered(reply) = &mut entry {
            reply.headers_mut().insert(via::BEHIND, sign);
        }
        return entry;
    }
    if auth::is_discovery(path) {
        return refuse(Problem::NoOauth, listed);
    }
    // It has no data in it, and asks for a token itself.
    if page::is_asked_for(request.method(), path, headers) {
        return Entry::Open(listed);
    }
    let tokens = context.tokens.borrow().clone();
    let (owner, pins) = match auth::check(&tokens, path, headers) {
        Ok(checked) => checked,
        Err(refusal) => return refuse(refusal.into(), listed),
    };
    let (profile, is_early) = match profile_of(context, path, &pins) {
        Ok(Shown::In(profile)) => (profile, false),
        Ok(Shown::NotKnownYet) => (None, true),
        Err(problem) => return refuse(problem, listed),
    };
    if let Some(request_context) = request.extensions_mut().get_mut::<RequestContext>() {
        request_context.owner = owner.in_profile(profile);
        request_context.trust = request_context.trust.max(Trust::of(&tokens, owner, &pins));
        if !owner.is_anybody() {
            request_context.may_be_known();
        }
    }
    if is_early {
        return Entry::Early(listed, pins);
    }
    Entry::Open(listed)
}

fn trust(request: &Request<Incoming>) -> Trust {
    let known = request.extensions().get::<RequestContext>();
    known.map_or(Trust::Anybody, |known| known.trust)
}

/// What came by the control socket. Where an address names no profile, all is shown.
fn of_operator(context: &Context, request: &mut Request<Incoming>) -> Entry {
    let path = request.uri().path();
    if !profile::is_named(path) {
        return Entry::Open(None);
    }
    let profile = match profile_of(context, path, &None) {
        Ok(Shown::In(profile)) => profile,
        Ok(Shown::NotKnownYet) => return Entry::Early(None, None),
        Err(problem) => return refuse(problem, None),
    };
    if let Some(request_context) = request.extensions_mut().get_mut::<RequestContext>() {
        request_context.owner = request_context.owner.in_profile(profile);
    }
    Entry::Open(None)
}

/// What a request is shown.
enum Shown {
    /// This profile, or everything.
    In(Option<ProfileId>),
    /// The configuration will say it.
    NotKnownYet,
}

/// Which profile a request for `path` is for.
fn profile_of(context: &Context, path: &str, pins: &Pins) -> Result<Shown, Problem> {
    match (profile::before(path, pins)?, &*context.profiles.borrow()) {
        (Early::Settled, _) => Ok(Shown::In(None)),
        (Early::Open, None) => Ok(Shown::NotKnownYet),
        (Early::Open, Some(profiles)) => {
            profile::of(path, pins, profiles, &context.strangers).map(Shown::In)
        }
    }
}

/// Notes on a request the profile that it is for, once that is known.
async fn in_profile(
    context: &Context,
    request: &mut Request<Incoming>,
    pins: &Pins,
) -> Result<(), Problem> {
    let profiles = profile::settled(context.profiles.clone()).await?;
    let path = request.uri().path();
    let profile = profile::of(path, pins, &profiles, &context.strangers)?;
    if let Some(request_context) = request.extensions_mut().get_mut::<RequestContext>() {
        request_context.owner = request_context.owner.in_profile(profile);
    }
    Ok(())
}

fn refuse(problem: Problem, listed: Option<HeaderValue>) -> Entry {
    let mut response = problem.into_response();
    if let Some(origin) = listed {
        cors::allow(response.headers_mut(), origin);
    }
    Entry::Answered(response)
}
