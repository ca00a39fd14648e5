//! Everything that can be wrong with a request, and the one place that says how it is answered: a
//! status and a JSON-RPC error as the body, for people and programs alike.

use super::auth;
use super::body::BodyError;
use super::guard::Refusal;
use super::misfit::Misfit;
use super::refused::Reason;
use crate::protocol::jsonrpc::{self, DecodeError, RequestId, code};
use crate::protocol::version::Version;
use crate::tree::CallError;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use warp::Reply;
use warp::reply::Response;

/// Why a request is answered with an error. The text goes into the reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Unauthorized(#[from] auth::Refusal),
    #[error("there is nothing here; an MCP client connects to /mcp, or to /sse")]
    NotFound,
    // What a client shows whose token was refused: it looked for a way to log in.
    #[error(
        "there is no OAuth here: a client's token goes into its header \
         'Authorization: Bearer TOKEN' and must be one that the gateway knows"
    )]
    NoOauth,
    // The same words whether it is unknown or another's.
    #[error("there is no profile here, or none for this client")]
    NoProfile,
    #[error("this is the gateway that asks: one of its servers is itself, take that entry out")]
    Loop,
    #[error("there is no server of that name; /status names all of them")]
    NoServer,
    #[error(
        "what is held back is not what this digest stands for: it has changed since it was looked at, or the \
         gateway was started anew; look again"
    )]
    HeldOther,
    #[error(
        "what servers say themselves is shown to those who show a token that is pinned to no profile, and to \
         'mcproxy logs' on this machine"
    )]
    Untrusted,
    #[error("the configuration has not been read yet; try again")]
    Unconfigured,
    #[error("this address takes {0} only")]
    Method(&'static str),
    #[error("the Accept header of this request must allow {0}")]
    NotAcceptable(&'static str),
    #[error("Content-Type must be application/json")]
    MediaType,
    #[error(
        "the body is compressed (Content-Encoding '{0}'): send it as it is, without that header"
    )]
    Coded(String),
    #[error("the body is {0} and not UTF-8: send JSON as UTF-8")]
    Charset(String),
    #[error(
        "the session's id is missing: POST to the address that the 'endpoint' event of GET /sse named"
    )]
    NoSession,
    #[error("the header {0} must be there once, as plain text")]
    Header(HeaderName),
    #[error(
        "MCP-Protocol-Version {asked:?} is not supported here; supported are {}",
        versions()
    )]
    Version {
        asked: String,
        id: Option<RequestId>,
    },
    #[error(
        "there is no session: POST 'initialize' alone and without Mcp-Session-Id, then send the \
         Mcp-Session-Id of its reply with every request"
    )]
    NotInitialized(Option<RequestId>),
    #[error("'initialize' must be sent alone, not in a batch")]
    InitializeInBatch,
    // The words of the SDKs' servers.
    #[error(
        "Session not found: it was deleted, or this gateway never had it; POST 'initialize' \
         without Mcp-Session-Id to open a new one"
    )]
    SessionNotFound,
    #[error("Mcp-Session-Id is missing: DELETE ends the session that it names")]
    NoSessionId,
    #[error(
        "an event stream belongs to a session: POST 'initialize' here first and send its \
         Mcp-Session-Id along; a client of the older HTTP+SSE transport connects to /sse"
    )]
    NothingToHear,
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("arrays and objects are nested more than {0} deep (max_nesting_depth)")]
    TooDeep(usize),
    #[error("JSON-RPC batches exist in revision 2025-03-26 only: send one message in each POST")]
    Batch,
    #[error("{}", describe_decode(.0))]
    Decode(#[from] DecodeError),
    #[error("{}", describe_call(.0))]
    Call(#[from] CallError),
    #[error("{}", describe_misfit(.0))]
    Misfit(#[from] Misfit),
    /// Any of them, in answer to a request whose id could be read.
    #[error("{problem}")]
    Answering {
        id: RequestId,
        problem: Box<Problem>,
    },
}

/// The same number as the official SDKs' servers answer with; clients initialize again.
const SESSION_NOT_FOUND: i64 = -32001;
/// The same for a request that needs a session.
const NO_SESSION: i64 = -32000;

impl Problem {
    /// A client speaks a revision that has no sessions, or that nobody knows.
    pub(super) fn version(asked: &str, id: Option<RequestId>) -> Self {
        let asked = asked.chars().take(40).collect();
        Self::Version { asked, id }
    }

    /// The same in answer to the request called `id`, if one is.
    pub(super) fn answering(self, id: Option<RequestId>) -> Self {
        match (id, self) {
            (Some(_), problem @ Self::Answering { .. }) | (None, problem) => problem,
            (Some(id), problem) => Self::Answering {
                id,
                problem: Box::new(problem),
            },
        }
    }

    /// What is wrong, whomever it answers.
    pub(super) fn itself(&self) -> &Self {
        if let Self::Answering { problem, .. } = self {
            return problem.itself();
        }
        self
    }

    /// The JSON-RPC error that tells of it.
    pub(super) fn message(&self) -> Bytes {
        let ((_, code), text) = (self.status(), self.to_string());
        let error = if let Self::Misfit(misfit) = self.itself()
            && let Some(data) = misfit.data()
        {
            jsonrpc::error_object_with(code, &text, data.as_bytes())
        } else {
            jsonrpc::error_object(code, &text)
        };
        jsonrpc::error(self.id(), &error)
    }

    /// The table: HTTP status and JSON-RPC code.
    fn status(&self) -> (StatusCode, i64) {
        let invalid = code::INVALID_REQUEST;
        match self {
            Self::Refused(refusal) => (guarded(refusal), invalid),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, invalid),
            Self::NotFound | Self::NoProfile | Self::NoServer | Self::NoOauth => {
                (StatusCode::NOT_FOUND, invalid)
            }
            Self::Untrusted => (StatusCode::FORBIDDEN, invalid),
            Self::HeldOther => (StatusCode::CONFLICT, invalid),
            Self::Loop => (StatusCode::LOOP_DETECTED, invalid),
            Self::Unconfigured => (StatusCode::SERVICE_UNAVAILABLE, code::SERVER_UNAVAILABLE),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, invalid),
            Self::NothingToHear => (StatusCode::METHOD_NOT_ALLOWED, NO_SESSION),
            Self::NotAcceptable(_) => (StatusCode::NOT_ACCEPTABLE, invalid),
            Self::MediaType | Self::Coded(_) | Self::Charset(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, invalid)
            }
            Self::NotInitialized(_) | Self::NoSessionId => (StatusCode::BAD_REQUEST, NO_SESSION),
            Self::SessionNotFound => (StatusCode::NOT_FOUND, SESSION_NOT_FOUND),
            Self::NoSession
            | Self::Header(_)
            | Self::Version { .. }
            | Self::InitializeInBatch
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
                CallError::UnknownEvent => (StatusCode::BAD_REQUEST, invalid),
                CallError::Overloaded(_) => (StatusCode::SERVICE_UNAVAILABLE, code::BUSY),
                CallError::Timeout => (StatusCode::SERVICE_UNAVAILABLE, code::TIMEOUT),
                CallError::Gone => (StatusCode::SERVICE_UNAVAILABLE, code::SERVER_UNAVAILABLE),
            },
            Self::Misfit(misfit) => match misfit {
                Misfit::Envelope(_) => (StatusCode::BAD_REQUEST, code::INVALID_PARAMS),
                Misfit::Header(_) => (StatusCode::BAD_REQUEST, code::HEADER_MISMATCH),
                Misfit::Version(_) => (StatusCode::BAD_REQUEST, code::UNSUPPORTED_VERSION),
                Misfit::Method(_) => (StatusCode::NOT_FOUND, code::METHOD_NOT_FOUND),
                // The only answer after which all clients that can begin with `initialize`.
                Misfit::NotOffered => (StatusCode::BAD_REQUEST, code::METHOD_NOT_FOUND),
                Misfit::NotOne => (StatusCode::BAD_REQUEST, invalid),
                // The codes that sessions are told have another meaning in 2026-07-28.
                Misfit::Call(_) | Misfit::Unanswered => {
                    (StatusCode::SERVICE_UNAVAILABLE, code::INTERNAL_ERROR)
                }
            },
            Self::Answering { problem, .. } => problem.status(),
        }
    }

    /// The id of the request that was wrong, where it could be read.
    fn id(&self) -> Option<&RequestId> {
        match self {
            Self::Decode(DecodeError::Invalid { id, .. })
            | Self::Version { id, .. }
            | Self::NotInitialized(id) => id.as_ref(),
            Self::Answering { id, .. } => Some(id),
            Self::Decode(DecodeError::Parse(_))
            | Self::Refused(_)
            | Self::Unauthorized(_)
            | Self::NotFound
            | Self::NoProfile
            | Self::NoServer
            | Self::Loop
            | Self::Untrusted
            | Self::HeldOther
            | Self::Unconfigured
            | Self::NoOauth
            | Self::Method(_)
            | Self::NotAcceptable(_)
            | Self::MediaType
            | Self::Coded(_)
            | Self::Charset(_)
            | Self::Header(_)
            | Self::NoSession
            | Self::NoSessionId
            | Self::NothingToHear
            | Self::SessionNotFound
            | Self::InitializeInBatch
            | Self::Body(_)
            | Self::TooDeep(_)
            | Self::Batch
            | Self::Misfit(_)
            | Self::Call(_) => None,
        }
    }
}

/// The status of an answer with this error, to a request without a session (2026-07-28,
/// basic/transports). What else a server has against a request is no matter of HTTP.
pub(super) fn status_of(error: Option<i64>) -> StatusCode {
    match error {
        Some(code::HEADER_MISMATCH | code::MISSING_CAPABILITY | code::UNSUPPORTED_VERSION) => {
            StatusCode::BAD_REQUEST
        }
        Some(code::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(_) | None => StatusCode::OK,
    }
}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let (status, _) = self.status();
        let mut response = Response::new(self.message().into());
        *response.status_mut() = status;
        response.extensions_mut().insert(Reason::from(&self));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let problem = self.itself();
        if let Self::Method(allowed) = problem {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if let Self::Unauthorized(refusal) = problem {
            headers.insert(WWW_AUTHENTICATE, refusal.challenge());
        }
        if let Self::Coded(_) = problem {
            // RFC 9110 §15.5.16.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Self::NothingToHear = problem {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if let Self::Body(_) = problem {
            // What is left of the body is not worth reading.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

fn versions() -> String {
    let versions: Vec<&str> = Version::all().map(Version::as_str).collect();
    versions.join(", ")
}

fn describe_decode(error: &DecodeError) -> String {
    match error {
        DecodeError::Parse(reason) => format!("the body is not JSON: {reason}"),
        DecodeError::Invalid { reason, .. } => format!("not a JSON-RPC message: {reason}"),
    }
}

fn describe_misfit(misfit: &Misfit) -> String {
    if let Misfit::Call(error) = misfit {
        return describe_call(error);
    }
    misfit.to_string()
}

fn describe_call(error: &CallError) -> String {
    match error {
        // The words of the Python SDK's server, which people search for.
        CallError::UnknownSession => {
            "Could not find session: it has ended, or never was; open a new one with GET /sse"
                .into()
        }
        CallError::UnknownEvent => error.to_string(),
        CallError::Overloaded(limit) => {
            format!("the gateway is busy ({limit}); try again in a few seconds")
        }
        CallError::Timeout => "the gateway did not answer in time; try again".into(),
        CallError::Gone => "the gateway is restarting a part of itself; try again".into(),
    }
}

fn guarded(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::HostCount(_) | Refusal::HostMalformed(_) | Refusal::HostMismatch { .. } => {
            StatusCode::BAD_REQUEST
        }
        // Not 403: VS Code takes that for a call to log in.
        Refusal::Host(_) => StatusCode::MISDIRECTED_REQUEST,
        Refusal::Origin(_) | Refusal::NullOrigin | Refusal::CrossSite => StatusCode::FORBIDDEN,
    }
}
