//! One of the two servers: how it is reached, and what it lists.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::client::{Bounds, Client, ClientError, Entry, bearer, hidden, shown};
use crate::protocol::mcp::item::Kind;

/// What the client says itself.
const OWN: [&str; 7] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

/// A header of the command line. Its value is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Header(HeaderName, HeaderValue);

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({})", self.0)
    }
}

/// `NAME:VALUE`, as curl has it. The errors show no value.
pub(super) fn parse_header(text: &str) -> Result<Header, String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("NAME:VALUE is needed, such as 'X-API-Key: sk_mt_…'")?;
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| "what is before the ':' is no name of a header")?;
    if OWN.contains(&name.as_str()) {
        return Err(format!("'{name}' is the client's own business"));
    }
    let value = HeaderValue::from_str(value.trim());
    let mut value = value.map_err(|_| format!("the value of '{name}' cannot be one"))?;
    value.set_sensitive(true);
    Ok(Header(name, value))
}

/// A server that is to be asked.
pub(super) struct Side {
    /// The option that names it.
    name: &'static str,
    url: Url,
    headers: HeaderMap,
}

/// What a server lists.
pub(super) struct Offered {
    /// Without what may be a key.
    pub(super) url: String,
    /// In the order of [`Kind::ALL`].
    pub(super) lists: [Vec<Entry>; 4],
}

/// Why one could not be asked.
pub(super) struct Failed {
    name: &'static str,
    url: String,
    /// Without what it was sent.
    why: String,
    help: Option<&'static str>,
}

impl Side {
    pub(super) fn new(
        name: &'static str,
        url: Url,
        given: Vec<Header>,
        token_file: Option<&Path>,
    ) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        if let Some(file) = token_file {
            headers.insert(AUTHORIZATION, bearer(file)?);
        }
        for Header(name, value) in given {
            headers.insert(name, value);
        }
        Ok(Self { name, url, headers })
    }

    pub(super) async fn ask(self, bounds: Bounds) -> Result<Offered, Failed> {
        let url = shown(&self.url);
        let listed = Self::lists(self.url, self.headers.clone(), bounds).await;
        match listed {
            Ok(lists) => Ok(Offered { url, lists }),
            Err(error) => Err(Failed {
                name: self.name,
                url,
                why: hidden(&error.to_string(), &self.headers),
                help: error.help(),
            }),
        }
    }

    async fn lists(
        url: Url,
        headers: HeaderMap,
        bounds: Bounds,
    ) -> Result<[Vec<Entry>; 4], ClientError> {
        let mut client = Client::connect(url, headers, bounds).await?;
        let mut lists: [Vec<Entry>; 4] = Default::default();
        for (list, entries) in Kind::ALL.into_iter().zip(&mut lists) {
            *entries = client.list_all(list).await?;
        }
        client.close().await;
        Ok(lists)
    }
}

impl Failed {
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self {
            name,
            url,
            why,
            help,
        } = self;
        writeln!(out, "error: {name} {url} {why}")?;
        match help {
            Some(help) => writeln!(out, "    help: {help}"),
            None => Ok(()),
        }
    }
}
