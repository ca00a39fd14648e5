//! Under which reason a refused request is counted. `problem.rs` puts the reason beside the reply,
//! `service.rs` counts it: every reply passes there, and nothing else has to know the counters.

use super::body::BodyError;
use super::guard::Refusal;
use super::problem::Problem;
use crate::telemetry::metrics::Metrics;
use crate::tree::CallError;
use warp::reply::Response;

/// Beside a reply that refuses: the value of the label `reason`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reason(pub(super) &'static str);

/// Counts the reply, if it refuses.
pub(super) fn count(metrics: &Metrics, response: &Response) {
    if let Some(Reason(reason)) = response.extensions().get() {
        metrics.refused(reason);
    }
}

impl From<&Problem> for Reason {
    fn from(problem: &Problem) -> Self {
        Self(match problem {
            Problem::Refused(Refusal::Origin(_) | Refusal::CrossSite) => "origin",
            Problem::Refused(
                Refusal::HostCount(_)
                | Refusal::HostMalformed(_)
                | Refusal::HostMismatch { .. }
                | Refusal::Host(_),
            ) => "host",
            Problem::Unauthorized(_) => "token",
            Problem::NotFound | Problem::NoOauth => "path",
            Problem::Method(_) | Problem::NothingToHear => "method",
            Problem::NotAcceptable(_) => "accept",
            Problem::MediaType => "content_type",
            Problem::Header(_) => "header",
            Problem::Version { .. } => "version",
            Problem::NoSession
            | Problem::NoSessionId
            | Problem::NotInitialized(_)
            | Problem::Initialized(_)
            | Problem::SessionNotFound
            | Problem::Call(
                CallError::UnknownSession | CallError::UnknownEvent | CallError::StreamTaken,
            ) => "session",
            Problem::Body(BodyError::NoRoom) | Problem::Call(CallError::Overloaded(_)) => "busy",
            Problem::Body(_) => "body",
            Problem::TooDeep(_) => "depth",
            Problem::Batch | Problem::InitializeInBatch => "batch",
            Problem::Decode(_) => "message",
            Problem::Call(CallError::Stopping | CallError::Gone | CallError::Timeout) => {
                "unavailable"
            }
        })
    }
}
