//! What a server is to the gateway: a program that it runs, or an address that it asks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hyper::header::HeaderMap;
use url::Url;

use super::address;
use super::secrets::{FileError, Secret};

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By the pipes of a process.
    Program(Program),
    /// By HTTP.
    Remote(Remote),
}

/// A program that is run for a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// The executable, without a shell. `mcproxy` means the running binary itself.
    pub command: String,
    /// The arguments after it.
    pub args: Vec<Secret>,
    /// What is added to the child's environment, above the files of variables.
    pub env: BTreeMap<String, Secret>,
    /// The working directory; the gateway's own if absent.
    pub cwd: Option<PathBuf>,
    /// Whether the child gets the gateway's whole environment, not only the allow-list.
    pub inherit_env: bool,
}

/// A server that runs elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remote {
    /// Its address, which may have a key in it.
    pub url: Secret,
    /// What it is sent with each request, by names in lower case.
    pub headers: BTreeMap<String, Secret>,
    /// Which transport it is spoken to by.
    pub transport: Transport,
}

/// The transports of MCP by HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP, and HTTP+SSE where that is not served.
    #[default]
    Auto,
    /// Streamable HTTP alone.
    Streamable,
    /// HTTP+SSE alone, of revision 2024-11-05.
    Sse,
}

/// Where a remote server is, its files read.
#[derive(Debug, Clone)]
pub struct Address {
    /// With `http` or `https`, a host, and nobody's name or password.
    pub url: Url,
    /// All of them are marked as secrets.
    pub headers: HeaderMap,
    /// The files that every user of the machine may read.
    pub exposed: Vec<PathBuf>,
}

/// Why a remote server cannot be asked. Nothing of a value is shown.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// A file can't be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// What it says, once all is filled in, is no address, or no header.
    #[error("{0}")]
    Wrong(String),
}

impl Target {
    /// The program, if it is one.
    #[must_use]
    pub fn program(&self) -> Option<&Program> {
        match self {
            Self::Program(program) => Some(program),
            Self::Remote(_) => None,
        }
    }

    /// The names of the fields in which `self` and `other` differ.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let fields = match (self, other) {
            (Self::Program(one), Self::Program(other)) => vec![
                ("command", one.command != other.command),
                ("args", one.args != other.args),
                ("env", one.env != other.env),
                ("cwd", one.cwd != other.cwd),
                ("inherit_env", one.inherit_env != other.inherit_env),
            ],
            (Self::Remote(one), Self::Remote(other)) => vec![
                ("url", one.url != other.url),
                ("headers", one.headers != other.headers),
                ("type", one.transport != other.transport),
            ],
            (Self::Program(_), Self::Remote(_)) => vec![("url", true)],
            (Self::Remote(_), Self::Program(_)) => vec![("command", true)],
        };
        let fields = fields.into_iter();
        fields
            .filter_map(|(field, differs)| differs.then_some(field))
            .collect()
    }
}

impl Remote {
    /// What of its address may be shown, and is known before files are read.
    #[must_use]
    pub fn shown(&self) -> String {
        shown_url(&self.url.expose())
    }
}

/// What of an address may be shown: `https://host:port`.
#[must_use]
pub fn shown_url(text: &str) -> String {
    let url = address::url(text);
    let shown = url.map(|url| url.origin().ascii_serialization());
    shown.unwrap_or_else(|_| "a remote server".to_owned())
}

impl Transport {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "http",
            Self::Streamable => "streamable-http",
            Self::Sse => "sse",
        }
    }
}
