//! What a refusal is counted as, and what it is to whoever runs the gateway.

use crate::http::body::BodyError;
use crate::http::guard::Refusal;
use crate::http::linger::FirstBytes;
use crate::http::misfit::Misfit;
use crate::http::problem::Problem;
use crate::tree::CallError;

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Its client or whoever runs the gateway has to change something.
    Mistake,
    /// The same, if it is from an MCP client and not from a browser or a search.
    Address,
    /// A part of a client's life, or tells of the gateway and not of the client.
    Life,
    /// What clients ask everywhere.
    Nothing,
}

pub(super) fn weight(problem: &Problem) -> Weight {
    match label(problem) {
        _ if matches!(problem.itself(), Problem::Misfit(Misfit::NotOffered)) => Weight::Nothing,
        _ if matches!(problem, Problem::NoOauth) => Weight::Nothing,
        "path" => Weight::Address,
        "method" | "session" | "version" | "unavailable" => Weight::Life,
        _ => Weight::Mistake,
    }
}

/// The value of the label `reason`.
pub(super) fn label(problem: &Problem) -> &'static str {
    match problem {
        Problem::Refused(Refusal::Origin(_) | Refusal::NullOrigin | Refusal::CrossSite) => "origin",
        Problem::Refused(
            Refusal::HostCount(_)
            | Refusal::HostMalformed(_)
            | Refusal::HostMismatch { .. }
            | Refusal::Host(_),
        ) => "host",
        Problem::Unauthorized(_) => "token",
        Problem::NotFound | Problem::NoOauth => "path",
        Problem::NoProfile => "profile",
        Problem::NoServer => "server",
        Problem::Untrusted => "trust",
        Problem::Loop => "loop",
        Problem::Method(_) | Problem::NothingToHear => "method",
        Problem::NotAcceptable(_) => "accept",
        Problem::MediaType | Problem::Charset(_) => "content_type",
        Problem::Coded(_) => "content_encoding",
        Problem::Header(_) => "header",
        Problem::Version { .. } => "version",
        Problem::NoSession
        | Problem::NoSessionId
        | Problem::NotInitialized(_)
        | Problem::SessionNotFound
        | Problem::Call(CallError::UnknownSession | CallError::UnknownEvent) => "session",
        Problem::Body(BodyError::NoRoom) | Problem::Call(CallError::Overloaded(_)) => "busy",
        Problem::Body(_) => "body",
        Problem::TooDeep(_) => "depth",
        Problem::Batch | Problem::InitializeInBatch => "batch",
        Problem::Decode(_) => "message",
        Problem::Unconfigured | Problem::Call(CallError::Gone | CallError::Timeout) => {
            "unavailable"
        }
        Problem::Misfit(misfit) => match misfit {
            Misfit::Envelope(_) => "message",
            Misfit::Header(_) => "header",
            Misfit::Version(_) | Misfit::NotOffered => "version",
            Misfit::Method(_) => "method",
            Misfit::NotOne => "batch",
            Misfit::Call(CallError::Overloaded(_)) => "busy",
            Misfit::Call(_) | Misfit::Unanswered => "unavailable",
        },
        Problem::Answering { problem, .. } => label(problem),
    }
}

/// What begins with `first`, where it is a protocol that people point at this port.
pub(super) fn foreign(first: FirstBytes) -> Option<(&'static str, &'static str)> {
    match first {
        // A record of a handshake (RFC 8446 §5.1).
        [0x16, ..] => Some((
            "tls",
            "it speaks TLS and this port plain HTTP: the client's address must begin with http://, \
             or a proxy that ends TLS stand before the gateway",
        )),
        // RFC 9113 §3.4.
        [b'P', b'R', b'I', b' '] => Some((
            "http",
            "it speaks HTTP/2 from the start and this port HTTP/1.1: set the client or proxy to that",
        )),
        // haproxy.org, "The PROXY protocol": version 1, and 2.
        [b'P', b'R', b'O', b'X'] | [b'\r', b'\n', b'\r', b'\n'] => Some((
            "http",
            "it begins with a header of the PROXY protocol, which is not read here: switch that \
             ('send-proxy') off in the proxy",
        )),
        _ => None,
    }
}
