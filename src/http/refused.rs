//! Under which reason a refused request is counted, and said in the log. `problem.rs` puts the reason
//! beside the reply, `service.rs` counts it: every reply passes there, and nothing else has to know
//! the counters.

use super::body::BodyError;
use super::guard::Refusal;
use super::problem::Problem;
use crate::telemetry::metrics::Metrics;
use crate::tree::CallError;
use warp::reply::Response;

/// Beside a reply that refuses: the value of the label `reason`, and what the log says if its client
/// or whoever runs the gateway has to change something.
#[derive(Debug, Clone)]
pub(super) struct Reason {
    label: &'static str,
    text: Option<String>,
}

/// Counts the reply, if it refuses, and says so.
pub(super) fn note(metrics: &Metrics, response: &Response) {
    if let Some(Reason { label, text }) = response.extensions().get() {
        metrics.refused(label);
        if let Some(text) = text {
            log::warn!("A request was refused: {text}");
        }
    }
}

impl From<&Problem> for Reason {
    fn from(problem: &Problem) -> Self {
        let label = label(problem);
        // The others are part of a client's life, or tell of the gateway and not of the client.
        let is_mistake = !matches!(
            label,
            "path" | "method" | "session" | "busy" | "unavailable"
        );
        Self {
            label,
            text: is_mistake.then(|| problem.to_string()),
        }
    }
}

fn label(problem: &Problem) -> &'static str {
    match problem {
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
        | Problem::SessionNotFound
        | Problem::Call(
            CallError::UnknownSession | CallError::UnknownEvent | CallError::StreamTaken,
        ) => "session",
        Problem::Body(BodyError::NoRoom) | Problem::Call(CallError::Overloaded(_)) => "busy",
        Problem::Body(_) => "body",
        Problem::TooDeep(_) => "depth",
        Problem::Batch | Problem::InitializeInBatch => "batch",
        Problem::Decode(_) => "message",
        Problem::Call(CallError::Gone | CallError::Timeout) => "unavailable",
    }
}
