//! Addresses as people and programs join them: a base with a slash at its end and a path with one at
//! its front, or a relative endpoint that is joined to the address of a stream and not resolved.

use hyper::Uri;
use hyper::http::uri::PathAndQuery;

/// Where service managers, load balancers and containers ask whether the gateway lives or is ready. What is
/// said there tells nothing of servers or clients, so that whoever asks is answered.
const FOR_PROBERS: [&str; 3] = ["/healthz", "/readyz", "/health"];

/// Whether `path` is one of those for probers.
pub(super) fn is_for_probers(path: &str) -> bool {
    FOR_PROBERS.contains(&path.strip_suffix('/').unwrap_or(path))
}

/// The same without slashes that follow each other or end the path, and to a session's messages without
/// dots; `None` if there is nothing to leave out.
///
/// What stands between two slashes is nothing, and no route has such a part; proxies and browsers leave
/// them. Dots are steps for the address of messages only: a proxy may let some of our paths pass by
/// their beginning, and must not be led to the others.
pub(super) fn as_meant(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let follows_slash = |byte| path.as_bytes().windows(2).any(|two| two == [b'/', byte]);
    let has_repeats = follows_slash(b'/');
    if !has_repeats && !follows_slash(b'.') {
        return None;
    }
    let typed: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let parts = match without_dots(&typed) {
        Some(parts) => parts,
        None if has_repeats => typed,
        None => return None,
    };
    let mut meant: String = parts.iter().flat_map(|part| ["/", part]).collect();
    if meant.is_empty() {
        meant.push('/');
    }
    if let Some(query) = uri.query() {
        meant.push('?');
        meant.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(meant).ok()?);
    Uri::from_parts(parts).ok()
}

/// `parts` with their dots resolved (RFC 3986 §5.2.4), if there are any and they lead to messages.
fn without_dots<'a>(parts: &[&'a str]) -> Option<Vec<&'a str>> {
    let is_dots = |part: &&str| matches!(*part, "." | "..");
    let leads_to_messages = matches!(parts.last(), Some(&("messages" | "message")));
    if !leads_to_messages || !parts.iter().any(is_dots) {
        return None;
    }
    let mut resolved = Vec::with_capacity(parts.len());
    for part in parts {
        match *part {
            "." => {}
            ".." => drop(resolved.pop()),
            part => resolved.push(part),
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_found() {
        for (typed, meant) in [
            ("/mcp", None),
            ("/mcp/", None),
            ("//mcp", Some("/mcp")),
            ("/mcp//", Some("/mcp")),
            ("///metamcp//x///sse?a=//b", Some("/metamcp/x/sse?a=//b")),
            ("//", Some("/")),
            ("/../messages?a=/../b", Some("/messages?a=/../b")),
            ("/sse/../messages/", Some("/messages")),
            ("/metamcp/x/sse/./../message", Some("/metamcp/x/message")),
            ("//./messages", Some("/messages")),
            ("/mcp/../status", None),
            ("/messages/..", None),
            ("/mcp//../status", Some("/mcp/../status")),
            ("/.well-known/messages", None),
            ("/.well-known/x", None),
        ] {
            let found = as_meant(&typed.parse().unwrap());
            assert_eq!(
                found.map(|uri| uri.to_string()).as_deref(),
                meant,
                "{typed}"
            );
        }
    }
}
