//! Which hosts and origins are allowed: what is safe for every machine, this machine's own names,
//! and what the operator listed. Built once at start; a setting that cannot be read stops the start.

use std::path::Path;

use super::authority::{Authority, Host, Origin, parse_scheme};
use crate::files;

const LARGEST_HOSTS_FILE: u64 = 1 << 20;

/// The allowed hosts and origins.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Names of this machine, in lower case.
    own: Vec<String>,
    hosts: Vec<HostPattern>,
    origins: Vec<OriginPattern>,
}

/// An `--allowed-host` or `--allowed-origin` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// Not `NAME`, `NAME:PORT` or `*.NAME`.
    #[error(
        "--allowed-host {0:?} is not a host: write a name such as gateway.example.org, with :PORT \
         if only that port is meant, or *.example.org for every name below example.org"
    )]
    Host(String),
    /// Not `SCHEME://HOST` or `SCHEME://HOST:PORT`.
    #[error(
        "--allowed-origin {0:?} is not an origin: write it as a browser sends it, \
         SCHEME://HOST or SCHEME://HOST:PORT without a path, such as https://chat.example.org"
    )]
    Origin(String),
    /// Every sandboxed page and every file has it.
    #[error(
        "--allowed-origin null would let in every page of the web that asks from a sandboxed frame; \
         name the origin of the app itself, such as app://name or file://"
    )]
    Null,
}

/// Names under which a home or office network, or a container engine, knows its machines. No
/// stranger can own one, so DNS rebinding cannot come from them.
pub(super) const PRIVATE_DOMAINS: [&str; 16] = [
    // RFC 6761 §6, with RFC 2606 §2.
    ".localhost",
    ".test",
    ".example",
    ".invalid",
    // RFC 6762 §3; `svc.cluster.local` is below it.
    ".local",
    // RFC 8375.
    ".home.arpa",
    // ICANN's reservation of 2024; `host.docker.internal` and `host.containers.internal` are below it.
    ".internal",
    // Withheld by ICANN for ever, as too many networks use them (resolution 2018.02.04.12).
    ".home",
    ".corp",
    ".mail",
    // No top-level domains: RFC 6762 appendix G names `intranet`, `lan` and its kin as in use at home.
    ".intranet",
    ".lan",
    ".localdomain",
    ".private",
    // What services are called within a cluster, without its domain.
    ".svc",
    // A name that its maker's routers answer for at home, whoever owns `box`.
    ".fritz.box",
];

#[derive(Debug, Clone)]
struct HostPattern {
    host: HostMatch,
    /// `None` is any port.
    port: Option<u16>,
}

#[derive(Debug, Clone)]
enum HostMatch {
    Exactly(Host),
    /// Every name that ends in this; it starts with a dot.
    Below(String),
}

#[derive(Debug, Clone)]
enum OriginPattern {
    Exactly(Origin),
    /// `https://*.example.org`: scheme, what the host ends in, port.
    Below(String, String, Option<u16>),
    /// `vscode-webview://*`: any host of a scheme that is not the web's.
    Scheme(String),
    /// `file://`, `app://.`: what a native app calls itself that is no host, in lower case.
    App(String),
}

impl Rules {
    /// The rules for a machine known by the names `own`, with what the operator allows besides.
    pub fn new(own: &[String], hosts: &[String], origins: &[String]) -> Result<Self, InvalidRule> {
        let hosts = hosts.iter().map(|text| {
            let invalid = || InvalidRule::Host(text.clone());
            HostPattern::parse(text.trim()).ok_or_else(invalid)
        });
        let origins = origins.iter().map(|text| {
            let text = text.trim();
            let invalid = || match text {
                "null" => InvalidRule::Null,
                text => InvalidRule::Origin(text.to_owned()),
            };
            OriginPattern::parse(text).ok_or_else(invalid)
        });
        Ok(Self {
            own: own.iter().map(|name| name.to_ascii_lowercase()).collect(),
            hosts: hosts.collect::<Result<_, _>>()?,
            origins: origins.collect::<Result<_, _>>()?,
        })
    }

    /// The rules for the machine this runs on: its host name and, as `hostname --fqdn` finds
    /// them, the names that `/etc/hosts` gives on the same line.
    pub fn for_this_machine(hosts: &[String], origins: &[String]) -> Result<Self, InvalidRule> {
        let hostname = nix::unistd::gethostname()
            .ok()
            .and_then(|name| name.into_string().ok())
            .unwrap_or_default();
        let table = files::read_text(Path::new("/etc/hosts"), LARGEST_HOSTS_FILE);
        let table = table.map(|(text, _)| text).unwrap_or_default();
        Self::new(&own_names(&hostname, &table), hosts, origins)
    }

    /// Whether a request for `authority` may come in.
    pub(super) fn is_host_allowed(&self, authority: &Authority) -> bool {
        let known = match &authority.host {
            // Rebinding needs a name that the attacker owns; an address is none.
            Host::Ip(_) => true,
            Host::Name(name) => {
                !name.contains('.')
                    || PRIVATE_DOMAINS.iter().any(|domain| name.ends_with(domain))
                    || self.own.iter().any(|own| own == name)
            }
        };
        known || self.hosts.iter().any(|pattern| pattern.covers(authority))
    }

    /// Whether the operator listed the origin that is written so.
    pub(super) fn is_origin_listed(&self, text: &str) -> bool {
        self.origins.iter().any(|pattern| pattern.covers(text))
    }
}

/// `hostname`, and every name on the lines of a hosts file that name it.
pub(super) fn own_names(hostname: &str, hosts_file: &str) -> Vec<String> {
    let mut names = vec![hostname.to_owned()];
    for line in hosts_file.lines() {
        let content = line.split('#').next().unwrap_or_default();
        let on_line = || content.split_ascii_whitespace().skip(1);
        if on_line().any(|name| name.eq_ignore_ascii_case(hostname)) {
            names.extend(on_line().map(str::to_owned));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

impl HostPattern {
    fn parse(text: &str) -> Option<Self> {
        let (below, text) = strip_star(text);
        let Authority { host, port } = Authority::parse(text)?;
        let host = match host {
            Host::Name(name) if below => HostMatch::Below(format!(".{name}")),
            Host::Ip(_) if below => return None,
            host @ (Host::Ip(_) | Host::Name(_)) => HostMatch::Exactly(host),
        };
        Some(Self { host, port })
    }

    fn covers(&self, authority: &Authority) -> bool {
        let host = match (&self.host, &authority.host) {
            (HostMatch::Exactly(allowed), host) => allowed == host,
            (HostMatch::Below(end), Host::Name(name)) => name.ends_with(end.as_str()),
            (HostMatch::Below(_), Host::Ip(_)) => false,
        };
        host && self
            .port
            .is_none_or(|port| authority.port.is_none_or(|asked| asked == port))
    }
}

impl OriginPattern {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let scheme = parse_scheme(scheme)?;
        let is_web = matches!(scheme.as_str(), "http" | "https");
        if rest == "*" {
            // Every page of the web: that is no list.
            return (!is_web).then_some(Self::Scheme(scheme));
        }
        let (below, rest) = strip_star(rest);
        let Some(authority) = Authority::parse(rest) else {
            let is_app = !is_web && !below && rest.bytes().all(is_plain);
            return is_app.then(|| Self::App(format!("{scheme}://{}", rest.to_ascii_lowercase())));
        };
        let origin = Origin { scheme, authority };
        match (below, &origin.authority.host) {
            (false, _) => Some(Self::Exactly(origin)),
            (true, Host::Ip(_)) => None,
            (true, Host::Name(name)) => {
                let end = format!(".{name}");
                let port = origin.port();
                Some(Self::Below(origin.scheme, end, port))
            }
        }
    }

    fn covers(&self, text: &str) -> bool {
        let named = |origin: &Origin| self.names(origin);
        match self {
            Self::App(app) => app.eq_ignore_ascii_case(text),
            Self::Scheme(scheme) => text.split_once("://").is_some_and(|(left, rest)| {
                left.eq_ignore_ascii_case(scheme) && rest.bytes().all(is_plain)
            }),
            Self::Exactly(_) | Self::Below(..) => Origin::parse(text).as_ref().is_some_and(named),
        }
    }

    /// The same of an origin that has a host.
    fn names(&self, origin: &Origin) -> bool {
        match self {
            Self::Exactly(listed) => {
                listed.scheme == origin.scheme
                    && listed.authority.host == origin.authority.host
                    && listed.port() == origin.port()
            }
            Self::Below(scheme, end, port) => {
                let below = matches!(&origin.authority.host, Host::Name(name) if name.ends_with(end.as_str()));
                below && *scheme == origin.scheme && *port == origin.port()
            }
            Self::Scheme(_) | Self::App(_) => false,
        }
    }
}

/// What stands in the origin of an app after `://`.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':')
}

/// Takes the `*.` off, and says whether it was there.
fn strip_star(text: &str) -> (bool, &str) {
    match text.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}
