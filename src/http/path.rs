//! Addresses as people join them: a base with a slash at its end and a path with one at its front. What
//! stands between two slashes is nothing, and no route has such a part; proxies and browsers leave them.

use hyper::Uri;
use hyper::http::uri::PathAndQuery;

/// The same without slashes that follow each other or end the path; `None` if there are none.
pub(super) fn without_repeats(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.contains("//") {
        return None;
    }
    let mut meant: String = path
        .split('/')
        .filter(|part| !part.is_empty())
        .flat_map(|part| ["/", part])
        .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_that_follow_each_other_are_one() {
        for (typed, meant) in [
            ("/mcp", None),
            ("/mcp/", None),
            ("//mcp", Some("/mcp")),
            ("/mcp//", Some("/mcp")),
            ("///metamcp//x///sse?a=//b", Some("/metamcp/x/sse?a=//b")),
            ("//", Some("/")),
        ] {
            let found = without_repeats(&typed.parse().unwrap());
            assert_eq!(
                found.map(|uri| uri.to_string()).as_deref(),
                meant,
                "{typed}"
            );
        }
    }
}
