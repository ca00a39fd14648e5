//! The guard before the routes: every request passes it, those for unknown paths too.

use super::guard::{self, Admitted, cors};
use super::problem::Problem;
use super::{Context, refused, routes};
use hyper::body::Incoming;
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

/// Guard and routes as one service.
pub(super) fn service(context: &Arc<Context>) -> impl HttpService {
    let routes = TowerToHyperService::new(warp::service(routes::routes(context.clone())));
    let (rules, metrics) = (context.rules.clone(), context.metrics.clone());
    service_fn(move |request: Request<Incoming>| {
        let verdict = guard::check(&rules, request.method(), request.uri(), request.headers());
        let outcome = verdict.map(|admitted| match admitted {
            Admitted::Route(listed) => Ok((listed, routes.call(request))),
            Admitted::Preflight(origin) => Err(origin),
        });
        let metrics = metrics.clone();
        async move {
            match outcome {
                Err(refusal) => {
                    log::debug!("request refused: {refusal}");
                    let response = Problem::from(refusal).into_response();
                    refused::count(&metrics, &response);
                    Ok(response)
                }
                Ok(Err(origin)) => {
                    let mut response = StatusCode::NO_CONTENT.into_response();
                    cors::allow_preflight(response.headers_mut(), origin);
                    Ok(response)
                }
                Ok(Ok((listed, reply))) => {
                    let mut response = reply.await?;
                    refused::count(&metrics, &response);
                    if let Some(origin) = listed {
                        cors::allow(response.headers_mut(), origin);
                    }
                    Ok(response)
                }
            }
        }
    })
}
