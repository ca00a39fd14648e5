//! Which gateway, and how it is asked: the local one by its control socket, another by its URL.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use serde::de::DeserializeOwned;
use url::Url;

use super::{CONFIG, FAILED, UNAVAILABLE, USAGE};
use crate::client::{
    Bounds, Client, ClientError, EventStream, Place, Views, bearer, hidden, parse_url, shown,
};
use crate::control;
use crate::protocol::mcp::method;

/// How long a look may take.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// Which gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct Where {
    /// Not the local gateway but that at this URL: it can be looked at and called, not changed
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A file whose first token is sent along
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
    /// The control socket of the gateway that is meant, where several run on this machine
    #[arg(long, value_name = "PATH", conflicts_with = "url")]
    socket: Option<PathBuf>,
}

/// Why a command came to nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// The exit code, and what is said.
    Said { code: u8, words: String },
    /// Nothing can be said.
    Screen(io::Error),
}

impl Failed {
    pub(super) fn said(code: u8, words: impl Into<String>) -> Self {
        let words = words.into();
        Self::Said { code, words }
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Screen(error)
    }
}

/// A gateway that can be asked.
pub(super) struct Gateway {
    views: Views,
    /// Where MCP is.
    mcp: Place,
    /// What it is called in an error.
    name: String,
}

impl Gateway {
    /// Finds it. Nothing is asked yet.
    pub(super) fn find(at: &Where, state_dir: Option<&Path>) -> Result<Self, Failed> {
        match &at.url {
            Some(url) => Self::at_url(url, at.token_file.as_deref()),
            None => Self::local(at.socket.as_deref(), state_dir),
        }
    }

    /// The same for a command that changes something.
    pub(super) fn find_to_change(
        at: &Where,
        state_dir: Option<&Path>,
        command: &str,
    ) -> Result<Self, Failed> {
        if at.url.is_some() {
            let words = format!(
                "'mcproxy {command}' changes a gateway, which only its own user may, on its own machine: run \
                 it there, without --url"
            );
            return Err(Failed::said(USAGE, words));
        }
        Self::find(at, state_dir)
    }

    pub(super) fn local(socket: Option<&Path>, state_dir: Option<&Path>) -> Result<Self, Failed> {
        let socket = match socket {
            Some(socket) => socket.to_owned(),
            None => look(state_dir)?,
        };
        let name = format!("the gateway at {}", socket.display());
        // The host of a Unix socket is of no interest to anybody.
        let root = Url::parse("http://localhost/").map_err(unusable)?;
        let mcp = root.join("mcp").map_err(unusable)?;
        let place = |url| Place {
            url,
            headers: HeaderMap::new(),
            socket: Some(socket.clone()),
        };
        Self::new(place(root), place(mcp), name)
    }

    fn at_url(url: &str, token_file: Option<&Path>) -> Result<Self, Failed> {
        let usage = |why| Failed::said(USAGE, format!("--url: {why}"));
        let url = parse_url(url).map_err(usage)?;
        let mut headers = HeaderMap::new();
        if let Some(file) = token_file {
            let token = bearer(file).map_err(|why| Failed::said(CONFIG, why))?;
            headers.insert(AUTHORIZATION, token);
        }
        let name = format!("the gateway at {}", shown(&url));
        let (root, mcp) = addresses(&url).map_err(unusable)?;
        let place = |url| Place {
            url,
            headers: headers.clone(),
            socket: None,
        };
        Self::new(place(root), place(mcp), name)
    }

    fn new(root: Place, mcp: Place, name: String) -> Result<Self, Failed> {
        let views = Views::of(root);
        let views = views.map_err(|error| Failed::said(UNAVAILABLE, error.to_string()))?;
        Ok(Self { views, mcp, name })
    }

    /// The JSON that is at `path`.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failed> {
        let body = self.views.get(path, LOOK).await;
        let body = body.map_err(|error| self.failed(&error))?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// The same, read; `None` where nothing is.
    pub(super) async fn find_at<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, Failed> {
        match self.views.get(path, LOOK).await {
            Ok(body) => self.read(&body).map(Some),
            Err(ClientError::Status(StatusCode::NOT_FOUND, _)) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Has something done; `None` where there is nothing to do it to.
    pub(super) async fn have_done<T: DeserializeOwned>(
        &self,
        path: &str,
        within: Duration,
    ) -> Result<Option<T>, Failed> {
        match self.views.post(path, within).await {
            Ok(body) => self.read(&body).map(Some),
            Err(ClientError::Status(StatusCode::NOT_FOUND, _)) => Ok(None),
            Err(ClientError::Status(StatusCode::CONFLICT, words)) => {
                Err(Failed::said(FAILED, words))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, json: &[u8]) -> Result<T, Failed> {
        serde_json::from_slice(json).map_err(|error| {
            let name = &self.name;
            let words = format!("{name} answers what this release does not read: {error}");
            Failed::said(UNAVAILABLE, words)
        })
    }

    /// The event stream at `path`.
    pub(super) async fn events(&self, path: &str) -> Result<EventStream, Failed> {
        let opened = self.views.events(path).await;
        opened.map_err(|error| self.failed(&error))
    }

    /// A client of it, which has shaken hands.
    pub(super) async fn client(&self, within: Duration) -> Result<Client, Failed> {
        let connected = Client::connect_at(self.mcp.clone(), Bounds::within(within)).await;
        connected.map_err(|error| self.failed(&error))
    }

    pub(super) fn failed(&self, error: &ClientError) -> Failed {
        let (name, headers) = (&self.name, &self.mcp.headers);
        // The port of a Unix socket cannot be wrong, and only a call can be given longer.
        let is_idle = if let ClientError::Late(asked, _) = error {
            asked != method::TOOLS_CALL
        } else {
            matches!(error, ClientError::Unreachable(_)) && self.mcp.socket.is_some()
        };
        let help = error.help().filter(|_| !is_idle);
        let help = help.map_or_else(String::new, |help| format!(" ({help})"));
        let words = format!("{name} {}{help}", hidden(&error.to_string(), headers));
        Failed::said(UNAVAILABLE, words)
    }
}

/// The gateways of this machine.
pub(super) fn search(state_dir: Option<&Path>) -> control::Search {
    let env = |name: &str| std::env::var_os(name);
    control::search(&control::searched(control::places(&env, state_dir)))
}

/// The one that answers.
pub(super) fn look(state_dir: Option<&Path>) -> Result<PathBuf, Failed> {
    let control::Search {
        answering, others, ..
    } = search(state_dir);
    match <[PathBuf; 1]>::try_from(answering) {
        Ok([socket]) => Ok(socket),
        Err(none) if none.is_empty() => {
            let words = format!(
                "no gateway runs here that you may ask ({}): start one with 'mcproxy', or name another with \
                 --url",
                others.join("; ")
            );
            Err(Failed::said(UNAVAILABLE, words))
        }
        Err(several) => {
            let several = several.iter().map(|path| path.display().to_string());
            let several: Vec<String> = several.collect();
            let words = format!(
                "several gateways run here; say with --socket which is meant: {}",
                several.join(", ")
            );
            Err(Failed::said(USAGE, words))
        }
    }
}

/// The root of the gateway with this address, and where MCP is: a client's own address is taken as it is.
fn addresses(url: &Url) -> Result<(Url, Url), url::ParseError> {
    let path = url.path().trim_end_matches('/');
    let base = path
        .strip_suffix("/mcp")
        .or_else(|| path.strip_suffix("/sse"));
    let Some(base) = base else {
        let mut root = url.clone();
        root.set_path(&format!("{path}/"));
        let mcp = root.join("mcp")?;
        return Ok((root, mcp));
    };
    let before_profile = ["/p/", "/metamcp/"].iter().find_map(|part| {
        let (before, name) = base.rsplit_once(part)?;
        (!name.contains('/')).then_some(before)
    });
    let mut root = url.clone();
    root.set_path(&format!("{}/", before_profile.unwrap_or(base)));
    root.set_query(None);
    Ok((root, url.clone()))
}

fn unusable(error: url::ParseError) -> Failed {
    Failed::said(USAGE, format!("--url: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_either_kind_leads_to_both() {
        for (given, root, mcp) in [
            ("http://h:1", "http://h:1/", "http://h:1/mcp"),
            ("http://h:1/", "http://h:1/", "http://h:1/mcp"),
            ("http://h:1/mcp", "http://h:1/", "http://h:1/mcp"),
            ("https://h/gw/sse/", "https://h/gw/", "https://h/gw/sse/"),
            ("https://h/gw", "https://h/gw/", "https://h/gw/mcp"),
            ("http://h/p/kids/mcp", "http://h/", "http://h/p/kids/mcp"),
            (
                "http://h/x/metamcp/a/sse",
                "http://h/x/",
                "http://h/x/metamcp/a/sse",
            ),
        ] {
            let (found, at) = addresses(&Url::parse(given).unwrap()).unwrap();
            assert_eq!((found.as_str(), at.as_str()), (root, mcp), "{given}");
        }
    }
}
