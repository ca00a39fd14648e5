//! Everything that can be wrong with a request, and the one place that says how it is answered: a
//! status and a JSON-RPC error as the body, for people and programs alike.

use super::body::BodyError;
use super::guard::Refusal;
use crate::protocol::jsonrpc::{self, DecodeError, RequestId, code};
use crate::tree::CallError;
use hyper::StatusCode;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use warp::Reply;
use warp::reply::Response;

/// Why a request is answered with an error. The text goes into the reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("there is nothing here; an MCP client connects to /sse")]
    NotFound,
    #[error("this address takes {0} only")]
    Method(&'static str),
    #[error("GET /sse answers with text/event-stream, which this request's Accept header excludes")]
    NotAcceptable,
    #[error("Content-Type must be application/json")]
    MediaType,
    #[error(
        "the session's id is missing: POST to the address that the 'endpoint' event of GET /sse named"
    )]
    NoSession,
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("arrays and objects are nested more than {0} deep")]
    TooDeep(usize),
    #[error("JSON-RPC batches are not supported: send one message in each POST")]
    Batch,
    #[error("{}", describe_decode(.0))]
    Decode(#[from] DecodeError),
    #[error("{}", describe_call(.0))]
    Call(#[from] CallError),
}

impl Problem {
    /// The table: HTTP status and JSON-RPC code.
    fn status(&self) -> (StatusCode, i64) {
        let invalid = code::INVALID_REQUEST;
        match self {
            Self::Refused(refusal) => match refusal {
                Refusal::HostCount(_)
                | Refusal::HostMalformed(_)
                | Refusal::HostMismatch { .. } => (StatusCode::BAD_REQUEST, invalid),
                // Not 403: VS Code takes that for a call to log in.
                Refusal::Host(_) => (StatusCode::MISDIRECTED_REQUEST, invalid),
                Refusal::Origin(_) | Refusal::CrossSite => (StatusCode::FORBIDDEN, invalid),
            },
            Self::NotFound => (StatusCode::NOT_FOUND, invalid),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, invalid),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, invalid),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, invalid),
            Self::NoSession
            | Self::TooDeep(_)
            | Self::Batch
            | Self::Decode(DecodeError::Invalid { .. }) => (StatusCode::BAD_REQUEST, invalid),
            Self::Body(error) => match error {
                BodyError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, invalid),
                BodyError::TooSlow(_) => (StatusCode::REQUEST_TIMEOUT, invalid),
                BodyError::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, code::BUSY),
                BodyError::Broken(_) => (StatusCode::BAD_REQUEST, invalid),
            },
            Self::Decode(DecodeError::Parse(_)) => (StatusCode::BAD_REQUEST, code::PARSE_ERROR),
            Self::Call(error) => match error {
                CallError::UnknownSession => (StatusCode::NOT_FOUND, invalid),
                CallError::StreamTaken => (StatusCode::CONFLICT, invalid),
                CallError::UnknownEvent => (StatusCode::BAD_REQUEST, invalid),
                CallError::Overloaded(_) => (StatusCode::SERVICE_UNAVAILABLE, code::BUSY),
                CallError::Timeout => (StatusCode::SERVICE_UNAVAILABLE, code::TIMEOUT),
                CallError::Stopping | CallError::Gone => {
                    (StatusCode::SERVICE_UNAVAILABLE, code::SERVER_UNAVAILABLE)
                }
            },
        }
    }

    /// The id of the request that was wrong, where it could be read.
    fn id(&self) -> Option<&RequestId> {
        match self {
            Self::Decode(DecodeError::Invalid { id, .. }) => id.as_ref(),
            Self::Decode(DecodeError::Parse(_))
            | Self::Refused(_)
            | Self::NotFound
            | Self::Method(_)
            | Self::NotAcceptable
            | Self::MediaType
            | Self::NoSession
            | Self::Body(_)
            | Self::TooDeep(_)
            | Self::Batch
            | Self::Call(_) => None,
        }
    }
}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        let error = jsonrpc::error_object(code, &self.to_string());
        let mut response = Response::new(jsonrpc::error(self.id(), &error).into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Self::Method(allowed) = self {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if let Self::Body(_) = self {
            // What is left of the body is not worth reading.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

fn describe_decode(error: &DecodeError) -> String {
    match error {
        DecodeError::Parse(reason) => format!("the body is not JSON: {reason}"),
        DecodeError::Invalid { reason, .. } => format!("not a JSON-RPC message: {reason}"),
    }
}

fn describe_call(error: &CallError) -> String {
    match error {
        // The words of the Python SDK's server, which people search for.
        CallError::UnknownSession => {
            "Could not find session: it has ended, or never was; open a new one with GET /sse"
                .into()
        }
        CallError::StreamTaken | CallError::UnknownEvent => error.to_string(),
        CallError::Overloaded(limit) => {
            format!("the gateway is busy ({limit}); try again in a few seconds")
        }
        CallError::Timeout => "the gateway did not answer in time; try again".into(),
        CallError::Gone => "the gateway is restarting a part of itself; try again".into(),
        CallError::Stopping => "the gateway is stopping; try again when it is back".into(),
    }
}
