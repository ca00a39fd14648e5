//! What can go wrong with a server, in words for whoever wrote its URL. No header and no query is in any of
//! them: keys are.

use std::error::Error;
use std::fmt;
use std::io;
use std::iter::successors;
use std::time::Duration;

use hyper::StatusCode;
use rustls::CertificateError;

use crate::protocol::jsonrpc::{self, code};

/// Why a server could not be asked, or what it answered instead.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// A connection, but no TLS that can be trusted.
    #[error("no TLS connection that can be trusted: {0}")]
    Tls(rustls::Error),
    /// Certificates are needed, and this machine has none.
    #[error("the certificates of this machine cannot be used: {0}")]
    Certificates(String),
    /// Something else than HTTP, or the end of it.
    #[error("the connection failed: {0}")]
    Broken(String),
    /// It did not answer.
    #[error("no answer to '{0}' within {time} s", time = .1.as_secs())]
    Late(String, Duration),
    /// 401, or 403.
    #[error("does not let in: status {0}")]
    Refused(StatusCode),
    /// 3xx: headers with keys are taken nowhere else.
    #[error("is somewhere else: status {status}{}", elsewhere(.to.as_ref()))]
    Moved {
        /// 301, …
        status: StatusCode,
        /// Without its query.
        to: Option<String>,
    },
    /// Another status than 2xx.
    #[error("answers with status {0}{said}", said = said(.1))]
    Status(StatusCode, String),
    /// 2xx with something that is no MCP.
    #[error("is no MCP server: it answers with {0}")]
    NotMcp(String),
    /// Larger than is allowed.
    #[error("{what} with more than {most}")]
    TooLarge {
        /// An answer, or a list.
        what: String,
        /// How much is allowed.
        most: String,
    },
    /// MCP as nobody should speak it.
    #[error("breaks the protocol: {0}")]
    Protocol(String),
    /// An error of its own.
    #[error("answers '{method}' with error {code}: {message}")]
    Answered {
        /// What was asked.
        method: String,
        /// JSON-RPC's.
        code: i64,
        /// One line.
        message: String,
    },
}

fn elsewhere(to: Option<&String>) -> String {
    to.map_or_else(String::new, |to| format!(", at {to}"))
}

fn said(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!(": {text}")
}

impl ClientError {
    /// A JSON-RPC error that `method` was answered with.
    pub(super) fn answered(method: &str, error: &[u8]) -> Self {
        Self::Answered {
            method: method.to_owned(),
            code: code::of(error).unwrap_or_default(),
            message: jsonrpc::message_of(error),
        }
    }

    /// What a server of the older transport answers a POST with.
    pub(super) fn is_of_older_server(&self) -> bool {
        matches!(self, Self::Status(status, _) if [400, 404, 405].contains(&status.as_u16()))
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreachable(_) => {
                "does it run, and are host and port right? HTTP_PROXY and the like count too, for hosts that NO_PROXY does not name"
            }
            Self::Tls(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                "if its certificate is your own authority's, name that authority's file in SSL_CERT_FILE"
            }
            Self::Tls(rustls::Error::InvalidMessage(_)) => {
                "it does not seem to speak TLS there: http:// instead of https://?"
            }
            Self::Certificates(_) => {
                "install the package ca-certificates, or name a file of certificates in SSL_CERT_FILE"
            }
            Self::Broken(_) => "is it an HTTP server, and does it want https://?",
            Self::Late(..) => "give it longer with --timeout",
            Self::Refused(status) if *status == StatusCode::UNAUTHORIZED => {
                "it wants a token: --token-file FILE"
            }
            Self::Refused(_) => "the token, or this machine, may not use this address",
            Self::Moved { .. } => "write that URL instead",
            Self::Status(status, _) if [404, 405].contains(&status.as_u16()) => {
                "is the path right? MetaMCP's are /metamcp/NAME/mcp and /metamcp/NAME/sse, this gateway's \
                 also /mcp, /sse and /p/NAME/mcp"
            }
            Self::NotMcp(_) => {
                "is the path right? A page for people is at another address than MCP: /mcp, /sse, \
                 /metamcp/NAME/mcp"
            }
            Self::Tls(_)
            | Self::Status(..)
            | Self::TooLarge { .. }
            | Self::Protocol(_)
            | Self::Answered { .. } => {
                return None;
            }
        })
    }
}

impl ClientError {
    /// What hyper says, sorted by what can be done about it.
    pub(crate) fn sorted(error: Cause<'_>, is_unconnected: bool) -> Self {
        let last = Self::last(error);
        let chain = || successors(Some(error), |error| source(*error));
        match chain().find_map(|error| error.downcast_ref::<rustls::Error>()) {
            Some(tls) => Self::Tls(tls.clone()),
            None if is_unconnected => Self::Unreachable(last),
            None => Self::Broken(last),
        }
    }

    /// What is at the root of it.
    pub(super) fn last(error: Cause<'_>) -> String {
        let chain = successors(Some(error), |error| source(*error));
        chain.last().map_or_else(String::new, ToString::to_string)
    }

    pub(crate) fn of_address(why: &dyn fmt::Display) -> Self {
        Self::Protocol(format!("its address cannot be asked: {why}"))
    }
}

type Cause<'a> = &'a (dyn Error + 'static);

/// What an error comes from. An error of the system hides one that is in it from its sources.
fn source(error: Cause<'_>) -> Option<Cause<'_>> {
    let system = error.downcast_ref::<io::Error>();
    match system.and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
