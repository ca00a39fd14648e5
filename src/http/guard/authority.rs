//! Hosts and origins as they stand in request headers and in settings, parsed strictly and purely:
//! what this file cannot read is refused by the guard. Compared without regard to case.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host and maybe a port: the value of a `Host` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

/// A host, in a form that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// An address literal; one in brackets if it is version 6.
    Ip(IpAddr),
    /// A name in lower case, without the dot at its end.
    Name(String),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A web origin: the value of an `Origin` header other than `null`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// In lower case.
    pub(super) scheme: String,
    pub(super) authority: Authority,
}

/// The longest name DNS knows.
const LONGEST_NAME: usize = 253;

impl Authority {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`. User information, zones, percent signs
    /// and anything else that has no business in a `Host` header make it `None`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (inside, after) = rest.split_once(']')?;
            let address: Ipv6Addr = inside.parse().ok()?;
            let port = match after.strip_prefix(':') {
                Some(digits) => parse_port(digits).ok()?,
                None if after.is_empty() => None,
                None => return None,
            };
            let host = Host::Ip(IpAddr::V6(address));
            return Some(Self { host, port });
        }
        let (name, port) = match text.split_once(':') {
            Some((name, digits)) => (name, parse_port(digits).ok()?),
            None => (text, None),
        };
        let host = Host::parse(name)?;
        Some(Self { host, port })
    }
}

/// Not one to five digits up to 65535.
struct NotAPort;

/// `None` for an empty one, which RFC 3986 §3.2.3 allows.
fn parse_port(digits: &str) -> Result<Option<u16>, NotAPort> {
    if digits.is_empty() {
        return Ok(None);
    }
    // `u16::from_str` would take a plus sign and any number of zeros.
    if digits.len() > 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotAPort);
    }
    digits.parse().map(Some).map_err(|_| NotAPort)
}

impl Host {
    /// Reads a name or a dotted address of version 4.
    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Some(Self::Ip(IpAddr::V4(address)));
        }
        let is_label = |label: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            !label.is_empty() && label.len() <= 63 && label.bytes().all(allowed)
        };
        let last = name.rsplit('.').next().unwrap_or(name);
        // 127.1, 0x7f000001, 2130706433: browsers turn these into addresses before they send
        // them, so as names they are somebody's trick.
        let is_odd_number = last.bytes().all(|b| b.is_ascii_digit())
            || last
                .strip_prefix("0x")
                .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let is_name = name.len() <= LONGEST_NAME && name.split('.').all(is_label) && !is_odd_number;
        is_name.then(|| Self::Name(name.to_ascii_lowercase()))
    }

    /// This machine itself: 127.0.0.0/8, `::1`, `localhost`, `*.localhost` (RFC 6761 §6.3).
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Ip(address) => address.to_canonical().is_loopback(),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

impl Origin {
    /// Reads `scheme://host[:port]` and nothing after it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Some(Self {
            scheme: parse_scheme(scheme)?,
            authority: Authority::parse(authority)?,
        })
    }

    /// A page that came over HTTP or HTTPS.
    pub(super) fn is_web(&self) -> bool {
        matches!(self.scheme.as_str(), "http" | "https")
    }

    /// The port, explicit or the scheme's own; `None` for schemes without one.
    pub(super) fn port(&self) -> Option<u16> {
        self.authority.port.or(default_port(&self.scheme))
    }

    /// Whether a page from here talks to the server it came from. A `Host` without a port has the
    /// port of the origin's scheme: behind a proxy that ends TLS we cannot know better.
    pub(super) fn is_same_server(&self, host: &Authority) -> bool {
        self.is_web()
            && self.authority.host == host.host
            && self.port() == host.port.or(default_port(&self.scheme))
    }
}

/// In lower case; RFC 3986 §3.1.
pub(super) fn parse_scheme(text: &str) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    (starts_well && text.bytes().all(allowed)).then(|| text.to_ascii_lowercase())
}

/// The port a URL of this scheme means when it names none.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}
