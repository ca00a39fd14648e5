//! URIs of resources: their scheme, and the way in which the same URI of two servers is told apart.
//! All of it is text, because to MCP a URI is the string that a server chose; only what is kept from
//! clients is kept from them in all its spellings.

mod shelf;
mod spelling;
mod template;

pub use shelf::{Search, Shelf};
pub use spelling::{Spelling, respelt};
pub use template::{Template, is_comparable};

/// What stands before the server's name in a URI that is not its server's own.
const PREFIX: &str = "mcproxy://";

/// `uri` (or a template) of `server`, for clients who know another resource by the same.
#[must_use]
pub fn qualified(server: &str, uri: &str) -> String {
    format!("{PREFIX}{server}/{uri}")
}

/// The reverse of [`qualified`]: the server and its own URI. The scheme may be in capitals: a client
/// that normalises URIs would make it ours.
#[must_use]
pub fn unqualify(uri: &str) -> Option<(&str, &str)> {
    behind_prefix(uri)?.split_once('/')
}

/// What marks a link as one that the gateway has sealed.
const LINK: &str = "link.";

/// `uri` of `server` for clients who are shown it by this link alone.
#[must_use]
pub fn linked(server: &str, seal: &str, uri: &str) -> String {
    qualified(server, &format!("{LINK}{seal}/{uri}"))
}

/// The reverse of [`linked`]: the server, the seal and the server's own URI.
#[must_use]
pub fn unlink(uri: &str) -> Option<(&str, &str, &str)> {
    let (server, rest) = unqualify(uri)?;
    let (seal, own) = rest.strip_prefix(LINK)?.split_once('/')?;
    Some((server, seal, own))
}

/// Whether what is made from `template` names any server that its maker likes: `mcproxy://{x}/…`.
#[must_use]
pub fn has_open_qualifier(template: &str) -> bool {
    let rest = behind_prefix(template).unwrap_or_default();
    let name = rest.split('/').next().unwrap_or_default();
    name.contains('{')
}

fn behind_prefix(uri: &str) -> Option<&str> {
    let (prefix, rest) = uri.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(rest)
}

/// The scheme of `uri` as it is written (RFC 3986 §3.1). `FILE` and `file` are the same: compare
/// with [`str::eq_ignore_ascii_case`].
#[must_use]
pub fn scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_scheme && scheme.chars().all(is_plain)).then_some(scheme)
}

/// Whether a client can fetch `uri` by itself: resources with `https` are those (2025-11-25,
/// server/resources, "Common URI Schemes").
#[must_use]
pub fn is_web(uri: &str) -> bool {
    let is_it = |scheme: &str| ["https", "http"].contains(&&*scheme.to_ascii_lowercase());
    scheme(uri).is_some_and(is_it)
}

#[cfg(test)]
mod tests;
