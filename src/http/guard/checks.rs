//! What must hold of whatever comes in `Host` and `Origin`: checked by the fuzz targets and by the
//! tests that replay what those found. The second opinion is simpler than the rules: a name that is
//! let in is one without a dot, a private one, or ours; nothing but letters, digits, `-`, `_` and dots.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::{Method, Uri};

use super::rules::PRIVATE_DOMAINS;
use super::{Admitted, Rules, check};

const OWN: &str = "server2.example.org";
const LISTED: &str = "https://app.example.com";

/// The first line is a `Host`, the second an `Origin` if it is there.
pub(crate) fn headers(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let host = lines
        .next()
        .and_then(|line| HeaderValue::from_bytes(line).ok());
    let origin = lines.next().map(HeaderValue::from_bytes);
    let (Some(host), Ok(origin)) = (host, origin.transpose()) else {
        return;
    };
    let Ok(rules) = Rules::new(&[OWN.into()], &[], &[LISTED.into()]) else {
        unreachable!("these rules are right");
    };
    let mut headers = HeaderMap::new();
    headers.insert(HOST, host.clone());
    if let Some(origin) = &origin {
        headers.insert(ORIGIN, origin.clone());
    }
    let target = Uri::from_static("/sse");
    let admitted = check(&rules, &Method::POST, &target, &headers);
    if let Err(refusal) = &admitted {
        return assert!(!refusal.to_string().is_empty());
    }
    let host = String::from_utf8_lossy(host.as_bytes()).to_ascii_lowercase();
    assert!(is_harmless(&host), "{host:?} was let in");
    let origin =
        origin.map(|origin| String::from_utf8_lossy(origin.as_bytes()).to_ascii_lowercase());
    let Some(origin) = origin else {
        return assert_eq!(admitted, Ok(Admitted::Route(None)));
    };
    let is_listed = is_listed(&origin);
    assert_eq!(matches!(admitted, Ok(Admitted::Route(Some(_)))), is_listed);
    let (_, page) = origin.split_once("://").unwrap_or(("", ""));
    let is_own = name(page) == name(&host);
    assert!(
        is_listed || is_own || is_loopback(page),
        "a page of {origin:?} was let in at {host:?}"
    );
}

/// Whether it is [`LISTED`], with or without the port that it has anyway.
fn is_listed(origin: &str) -> bool {
    let rest = origin.strip_prefix(LISTED);
    let rest = rest.map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    rest.is_some_and(|rest| match rest.strip_prefix(':') {
        Some(port) => port.is_empty() || port.parse() == Ok(443),
        None => rest.is_empty(),
    })
}

/// Without the port, the brackets and the final dot.
fn name(authority: &str) -> &str {
    let name = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    name.strip_suffix('.').unwrap_or(name)
}

fn is_loopback(authority: &str) -> bool {
    let name = name(authority);
    let is_local = name == "localhost" || name.ends_with(".localhost");
    is_local
        || name
            .parse()
            .is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

fn is_harmless(host: &str) -> bool {
    let name = name(host);
    if name.parse::<IpAddr>().is_ok() {
        return true;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_private = PRIVATE_DOMAINS.iter().any(|domain| name.ends_with(domain));
    name.chars().all(is_plain) && (!name.contains('.') || is_private || name == OWN)
}
