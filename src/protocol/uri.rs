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

/// The same for a page of an app (MCP Apps, "UI Resource Format"): hosts show nothing else.
const PAGES: &str = "ui://";

/// The scheme of those.
pub const PAGE_SCHEME: &str = "ui";

/// `uri` (or a template) of `server`, for clients who know another resource by the same.
#[must_use]
pub fn qualified(server: &str, uri: &str) -> String {
    format!("{}{server}/{uri}", prefix(uri))
}

/// What may stand before a URI of `server` that is qualified: before a page's either, as clients may
/// write both.
pub fn qualifiers(server: &str, is_page: bool) -> impl Iterator<Item = String> {
    let pages = is_page.then_some(PAGES);
    let prefixes = [PREFIX].into_iter().chain(pages);
    prefixes.map(move |prefix| format!("{prefix}{server}/"))
}

fn prefix(uri: &str) -> &'static str {
    if is_page(uri) { PAGES } else { PREFIX }
}

/// Whether `uri` is of a page of an app.
#[must_use]
pub fn is_page(uri: &str) -> bool {
    behind(PAGES, uri).is_some()
}

/// What a page's URI has for a host: most have the name of their server.
#[must_use]
pub fn page_host(uri: &str) -> Option<&str> {
    behind(PAGES, uri)?.split(['/', '?', '#']).next()
}

/// The reverse of [`qualified`]: the server and its own URI. The scheme may be in capitals: a client
/// that normalises URIs would make it ours.
#[must_use]
pub fn unqualify(uri: &str) -> Option<(&str, &str)> {
    if let Some(rest) = behind(PREFIX, uri) {
        return rest.split_once('/');
    }
    // No server writes a page's URI into another one's.
    let (server, own) = behind(PAGES, uri)?.split_once('/')?;
    let linked = || split_link(own).is_some_and(|(_, own)| is_page(own));
    (is_page(own) || linked()).then_some((server, own))
}

/// What marks a link as one that the gateway has sealed.
const LINK: &str = "link.";

/// `uri` of `server` for clients who are shown it by this link alone.
#[must_use]
pub fn linked(server: &str, seal: &str, uri: &str) -> String {
    format!("{}{server}/{LINK}{seal}/{uri}", prefix(uri))
}

/// The reverse of [`linked`]: the server, the seal and the server's own URI.
#[must_use]
pub fn unlink(uri: &str) -> Option<(&str, &str, &str)> {
    let (server, rest) = unqualify(uri)?;
    let (seal, own) = split_link(rest)?;
    Some((server, seal, own))
}

fn split_link(rest: &str) -> Option<(&str, &str)> {
    rest.strip_prefix(LINK)?.split_once('/')
}

/// Whether what is made from `template` names any server that its maker likes: `mcproxy://{x}/…`.
#[must_use]
pub fn has_open_qualifier(template: &str) -> bool {
    let rest = behind(PREFIX, template).or_else(|| behind(PAGES, template));
    let name = rest.and_then(|rest| rest.split('/').next());
    name.is_some_and(|name| name.contains('{'))
}

fn behind<'a>(prefix: &str, uri: &'a str) -> Option<&'a str> {
    let (start, rest) = uri.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
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
