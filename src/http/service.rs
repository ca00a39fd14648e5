//! What comes before the routes, for every request, those for unknown paths too: the guard, and the
//! question for a token where one is asked for.

use super::auth;
use super::connection::Wire;
use super::guard::{self, Admitted, cors};
use super::problem::Problem;
use super::{Context, refused, routes};
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
        let admitted = admit(&context, &mut request);
        let outcome = admitted.map(|listed| (listed, routes.call(request)));
        let metrics = context.metrics.clone();
        async move {
            let response = match outcome {
                Err(reply) => *reply,
                Ok((listed, reply)) => {
                    let mut response = reply.await?;
                    if let Some(origin) = listed {
                        cors::allow(response.headers_mut(), origin);
                    }
                    response
                }
            };
            refused::count(&metrics, &response);
            Ok(response)
        }
    })
}

/// Notes on a request whose it is, and says which listed origin may read its reply; or answers it.
fn admit(
    context: &Context,
    request: &mut Request<Incoming>,
) -> Result<Option<HeaderValue>, Box<Response>> {
    let (path, headers) = (request.uri().path(), request.headers());
    let admitted = guard::check(&context.rules, request.method(), request.uri(), headers);
    let listed = match admitted.map_err(|refusal| refuse(refusal.into(), None))? {
        Admitted::Route(listed) => listed,
        Admitted::Preflight(origin) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            cors::allow_preflight(response.headers_mut(), origin);
            return Err(Box::new(response));
        }
    };
    if auth::is_discovery(path) {
        return Err(refuse(Problem::NotFound, listed));
    }
    let owner = auth::check(&context.tokens.borrow(), path, headers);
    match owner {
        Ok(owner) => {
            if let Some(wire) = request.extensions_mut().get_mut::<Wire>() {
                wire.owner = owner;
            }
            Ok(listed)
        }
        Err(refusal) => Err(refuse(refusal.into(), listed)),
    }
}

fn refuse(problem: Problem, listed: Option<HeaderValue>) -> Box<Response> {
    log::debug!("request refused: {problem}");
    let mut response = problem.into_response();
    if let Some(origin) = listed {
        cors::allow(response.headers_mut(), origin);
    }
    Box::new(response)
}
