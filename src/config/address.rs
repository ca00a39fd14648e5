//! What an address and a header of a remote server may be. Pure. Nothing of a value is ever in what is said of
//! it: both hold keys.

use std::fmt;
use std::net::IpAddr;

use hyper::header::{HeaderName, HeaderValue};
use url::Url;
use url::{Host, ParseError};

/// What is wrong, to be read after the name of a field, and what to do.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) help: Option<&'static str>,
}

impl Wrong {
    fn new(what: impl Into<String>, help: &'static str) -> Self {
        let (what, help) = (what.into(), Some(help));
        Self { what, help }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.help.map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

const EXAMPLE: &str = "write the whole of it, such as https://server.example/mcp";
const BASIC: &str =
    r#"send them with "headers": {"Authorization": "Basic <base64 of user:password>"}"#;

/// An address that can be asked. What is after a `#` in it is sent to nobody, and left out.
pub(super) fn url(text: &str) -> Result<Url, Wrong> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Wrong::new("is empty", EXAMPLE));
    }
    let no_http = || Wrong::new("does not begin with http:// or https://", EXAMPLE);
    let mut url = Url::parse(text).map_err(|error| {
        if error == ParseError::RelativeUrlWithoutBase {
            no_http()
        } else {
            Wrong::new(format!("is no URL: {error}"), EXAMPLE)
        }
    })?;
    match url.scheme() {
        "http" | "https" if url.has_host() => {}
        "ws" | "wss" => {
            let help = "ask its maker for an address with https://";
            return Err(Wrong::new("is a WebSocket, which MCP does not have", help));
        }
        _ => return Err(no_http()),
    }
    // A variable that is not set stays as it is written.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if url.domain().is_some_and(|name| !name.chars().all(is_plain)) {
        return Err(Wrong::new("has a host that can be nobody's", EXAMPLE));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Wrong::new(
            "has a user or a password before its host",
            BASIC,
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

/// What HTTP or MCP says with each message, and nobody else may.
const OURS: [&str; 19] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "mcproxy-behind",
    "mcproxy-via",
    "origin",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What people copy from examples, and is sent anyway.
const SENT_ANYWAY: [&str; 2] = ["accept", "content-type"];

/// Whether a header of this name says only what is said without it.
pub(super) fn is_sent_anyway(name: &str) -> bool {
    SENT_ANYWAY
        .iter()
        .any(|ours| name.eq_ignore_ascii_case(ours))
}

/// The name of a header that can be sent.
pub(super) fn header_name(name: &str) -> Result<HeaderName, Wrong> {
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        let help = "it has letters, digits and '-', such as X-Api-Key";
        return Err(Wrong::new("cannot be the name of a header", help));
    };
    if OURS.contains(&parsed.as_str()) {
        return Err(Wrong::new("is set by mcproxy itself", "leave it out"));
    }
    Ok(parsed)
}

/// The value of a header, which never appears in a log.
pub(super) fn header_value(text: &str) -> Result<HeaderValue, Wrong> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let help = "a header is one line of text";
        Wrong::new("has a character that a header cannot have", help)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Names of networks that nobody else is in.
const PRIVATE_NAMES: [&str; 7] = [
    ".localhost",
    ".local",
    ".internal",
    ".intranet",
    ".lan",
    ".home.arpa",
    ".ts.net",
];

/// Whether what is sent to `url` without encryption goes over networks of others.
pub(super) fn is_in_clear(url: &Url) -> bool {
    let is_near = match url.host() {
        // A name without a dot is of this network: a container, a machine beside this one.
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            !name.contains('.') || PRIVATE_NAMES.iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(address)) => is_private(address.into()),
        Some(Host::Ipv6(address)) => is_private(address.into()),
        None => false,
    };
    url.scheme() == "http" && !is_near
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            // RFC 6598: of a provider, or of Tailscale.
            let [first, second, ..] = v4.octets();
            let is_shared = first == 100 && second & 0xc0 == 64;
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || is_shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_can_be_asked() {
        for (text, expected) in [
            (" https://x/mcp?key=1 ", "https://x/mcp?key=1"),
            ("http://[::1]:8000", "http://[::1]:8000/"),
            ("HTTPS://Host/p#there", "https://host/p"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(url(text).unwrap().as_str(), expected);
        }
        for (text, expected) in [
            ("", "is empty"),
            ("c4n4ry.example/mcp", "does not begin with http"),
            ("c4n4ry:8000/mcp", "does not begin with http"),
            ("file:///c4n4ry", "does not begin with http"),
            ("wss://c4n4ry/mcp", "is a WebSocket"),
            ("https://", "is no URL: empty host"),
            ("https://x:c4n4ry/", "is no URL: invalid port number"),
            ("https://${C4n4ry}/", "has a host that can be nobody's"),
            ("https://c4n4ry@x/", "has a user or a password"),
            ("https://:c4n4ry@x/", "has a user or a password"),
        ] {
            let said = url(text).unwrap_err().to_string();
            assert!(said.starts_with(expected), "{text}: {said}");
            assert!(!said.to_lowercase().contains("c4n4ry"), "{said}");
        }
    }

    #[test]
    fn a_header_is_one_that_can_be_sent() {
        for name in ["Authorization", "X-Api-Key", "user-agent", "mcp-tenant"] {
            assert!(header_name(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "a b",
            "a:",
            "ü",
            "a\r\nb",
            "Host",
            "mcp-SESSION-id",
            "TE",
        ] {
            assert!(header_name(name).is_err(), "{name}");
        }
        assert!(header_value("Bearer x").unwrap().is_sensitive());
        for value in ["c4n4ry\r\nX: y", "c4n4ry\n", "\0c4n4r", "\u{7f}c4n4r"] {
            let said = header_value(value).unwrap_err().to_string();
            assert!(!said.contains("c4n4r"), "{said}");
        }
    }

    #[test]
    fn networks_of_others_are_known() {
        let is_in_clear = |text: &str| is_in_clear(&url(text).unwrap());
        for near in [
            "localhost",
            "127.8.9.1",
            "[::1]",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.1.1",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "100.64.0.1",
            "files",
            "nas.local",
            "a.b.internal",
        ] {
            assert!(!is_in_clear(&format!("http://{near}/mcp")), "{near}");
        }
        for far in [
            "example.org",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "[2001:db8::1]",
            "local.example",
        ] {
            assert!(is_in_clear(&format!("http://{far}:8000/mcp")), "{far}");
            assert!(!is_in_clear(&format!("https://{far}/mcp")), "{far}");
        }
    }
}
