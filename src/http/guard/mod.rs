//! The door: decides from its headers alone whether a request may come in, before any route sees
//! it. This is what makes a port without authentication safe from web pages (DNS rebinding,
//! cross-site requests). Pure; `service.rs` asks it, `problem.rs` turns a refusal into a reply.

mod authority;
#[cfg(any(test, fuzzing))]
pub(super) mod checks;
pub(super) mod cors;
mod rules;
#[cfg(test)]
mod tests;

pub use self::rules::{InvalidRule, Rules};

use self::authority::{Authority, Origin, default_port};
use super::path::is_for_probers;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use hyper::{Method, Uri};

/// Why a request was not let in. The text is for whoever reads the reply: it names the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Without exactly one `Host`, nobody knows for whom a request is (RFC 9112 §3.2).
    #[error("a request has exactly one Host header; this one has {0}")]
    HostCount(usize),
    #[error("the Host header {0:?} is not a host name or address with an optional port")]
    HostMalformed(String),
    #[error(
        "the request line names the host {target:?}, the Host header {host:?}; they must agree"
    )]
    HostMismatch { target: String, host: String },
    #[error(
        "host '{0}' is not allowed here (protection against DNS rebinding). To allow it, start \
         mcproxy with --allowed-host {0}, or add it to MCPROXY_ALLOWED_HOST; \
         addresses, localhost and this machine's own name are always allowed"
    )]
    Host(String),
    #[error(
        "origin {0:?} is not allowed here (protection against web pages). To allow it, start \
         mcproxy with --allowed-origin {0}, or add it to MCPROXY_ALLOWED_ORIGIN"
    )]
    Origin(String),
    // A sandboxed page of any site is called so, and so are files.
    #[error(
        "origin 'null' can be anybody's and is never allowed (protection against web pages): serve the \
         page by HTTP, or let the app send an origin of its own, and allow that with --allowed-origin"
    )]
    NullOrigin,
    #[error(
        "a web page of another site sent this request (Sec-Fetch-Site: cross-site). To allow \
         that page, start mcproxy with --allowed-origin and its origin, or add it to MCPROXY_ALLOWED_ORIGIN"
    )]
    CrossSite,
}

/// What to do with a request that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admitted {
    /// Route it. The origin, if the operator listed it: its pages may read the reply.
    Route(Option<HeaderValue>),
    /// Answer the CORS preflight of this listed origin.
    Preflight(HeaderValue),
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Checks `Host`, the request's target, `Origin` and `Sec-Fetch-Site`, in this order. The rules
/// are those of CVE-2025-66414 and its kin, and of MCP 2025-11-25, "Security Warning". A prober may
/// call us by any name, or by none.
pub(super) fn check(
    rules: &Rules,
    method: &Method,
    target: &Uri,
    headers: &HeaderMap,
) -> Result<Admitted, Refusal> {
    let is_probe = matches!(*method, Method::GET | Method::HEAD) && is_for_probers(target.path());
    let host = match check_host(rules, target, headers) {
        Ok(host) => Some(host),
        // Two of them are two readings of one request, whoever it is from.
        Err(refusal @ Refusal::HostCount(2..)) => return Err(refusal),
        Err(_) if is_probe => None,
        Err(refusal) => return Err(refusal),
    };
    let listed = check_origin(rules, host.as_ref(), headers)?;
    // Every client that is no browser sends no Origin, and mcp-remote sends Sec-Fetch-Mode:
    // neither may count against it.
    let cross_site = headers.get_all(SEC_FETCH_SITE).iter();
    let is_link = *method == Method::GET && target.path() == "/" && is_followed(headers);
    if listed.is_none() && !is_link && cross_site.into_iter().any(is_cross_site) {
        return Err(Refusal::CrossSite);
    }
    match (method == Method::OPTIONS, headers.get(ORIGIN), listed) {
        (true, Some(_), Some(listed)) => Ok(Admitted::Preflight(listed)),
        (true, Some(unlisted), None) => Err(Refusal::Origin(printable(unlisted))),
        (_, _, listed) => Ok(Admitted::Route(listed)),
    }
}

fn check_host(rules: &Rules, target: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let mut values = headers.get_all(HOST).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Refusal::HostCount(headers.get_all(HOST).iter().count()));
    };
    let host = value.to_str().ok().and_then(Authority::parse);
    let host = host.ok_or_else(|| Refusal::HostMalformed(printable(value)))?;
    if let Some(named) = target.authority() {
        // RFC 9112 §3.2.2 prefers the target's; a client that means well sends the same twice.
        let port = default_port(target.scheme_str().unwrap_or("http"));
        let agrees = Authority::parse(named.as_str()).is_some_and(|named| {
            named.host == host.host && named.port.or(port) == host.port.or(port)
        });
        if !agrees {
            return Err(Refusal::HostMismatch {
                target: shorten(named.as_str()),
                host: printable(value),
            });
        }
    }
    if rules.is_host_allowed(&host) {
        Ok(host)
    } else {
        Err(Refusal::Host(host.host.to_string()))
    }
}

/// The `Origin` if the operator listed it, `None` if it passes otherwise or there is none.
fn check_origin(
    rules: &Rules,
    host: Option<&Authority>,
    headers: &HeaderMap,
) -> Result<Option<HeaderValue>, Refusal> {
    let mut values = headers.get_all(ORIGIN).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let refused = || Refusal::Origin(printable(value));
    if values.next().is_some() {
        return Err(refused());
    }
    if value == "null" {
        return Err(Refusal::NullOrigin);
    }
    let text = value.to_str().map_err(|_| refused())?;
    if rules.is_origin_listed(text) {
        return Ok(Some(value.clone()));
    }
    let origin = Origin::parse(text).ok_or_else(refused)?;
    let is_loopback = origin.is_web() && origin.authority.host.is_loopback();
    if is_loopback || host.is_some_and(|host| origin.is_same_server(host)) {
        Ok(None)
    } else {
        Err(refused())
    }
}

/// Whether somebody follows a link to where no page of the other site can look: the page at `/` has no data in
/// it, and is never shown inside another.
fn is_followed(headers: &HeaderMap) -> bool {
    let says = |name: HeaderName, what: &str| headers.get(name).is_some_and(|value| value == what);
    says(SEC_FETCH_MODE, "navigate") && says(SEC_FETCH_DEST, "document")
}

fn is_cross_site(value: &HeaderValue) -> bool {
    value
        .as_bytes()
        .trim_ascii()
        .eq_ignore_ascii_case(b"cross-site")
}

/// A header's value for a reply: bounded, and without bytes that are no text.
fn printable(value: &HeaderValue) -> String {
    shorten(&String::from_utf8_lossy(value.as_bytes()))
}

fn shorten(text: &str) -> String {
    text.chars().take(255).collect()
}
