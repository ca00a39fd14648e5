//! The address that the `endpoint` event of HTTP+SSE names: where the client of a stream POSTs to.
//! It is never absolute with a host: SDKs refuse one on another origin than they connected to, and
//! behind a proxy we do not know ours.

use hyper::Version;
use hyper::header::{FORWARDED, HeaderMap, HeaderName, VIA};

const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// How a client asked for its stream.
pub(super) struct Asked<'a> {
    /// What is before `/sse`: nothing, or the path of a profile or of MetaMCP's.
    pub(super) base: &'a str,
    /// The whole path.
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) version: Version,
}

impl Asked<'_> {
    /// Where messages of the session `id` go. Who comes directly, or by a proxy that says below which
    /// path it serves us, gets a path. Any other proxy may have taken one off that only the client
    /// knows: it gets what is beside the address that it asked.
    pub(super) fn endpoint(&self, id: &str) -> String {
        let name = if self.base.starts_with("/metamcp/") {
            format!("message?sessionId={id}")
        } else {
            format!("messages?session_id={id}")
        };
        match (self.prefix(), self.is_proxied()) {
            (Some(prefix), _) => format!("{prefix}{}/{name}", self.base),
            (None, false) => format!("{}/{name}", self.base),
            (None, true) if self.path.ends_with('/') => format!("../{name}"),
            (None, true) => name,
        }
    }

    /// The path below which a proxy serves us, if it says so in a way that can be used.
    fn prefix(&self) -> Option<&str> {
        let mut values = self.headers.get_all(PREFIX).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => plain_path(value.to_str().ok()?),
            _ => None,
        }
    }

    /// Whether there are signs of a proxy. HTTP/1.0 is what nginx speaks to us unless told otherwise.
    fn is_proxied(&self) -> bool {
        let is_sign = |name: &HeaderName| {
            *name == FORWARDED
                || *name == VIA
                || *name == REAL_IP
                || name.as_str().starts_with("x-forwarded-")
        };
        self.version < Version::HTTP_11 || self.headers.keys().any(is_sign)
    }
}

/// `path` without a slash at its end, if it starts with one and is made of plain segments: two
/// slashes in a row would name another host, dots would climb.
fn plain_path(path: &str) -> Option<&str> {
    if path == "/" {
        return Some("");
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    let is_segment = |segment: &str| {
        !segment.is_empty() && !matches!(segment, "." | "..") && segment.bytes().all(plain)
    };
    let is_plain = path.len() <= 256 && path.strip_prefix('/')?.split('/').all(is_segment);
    is_plain.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn only_plain_paths_are_prefixes() {
        for (text, expected) in [
            ("/mcp", Some("/mcp")),
            ("/mcp/", Some("/mcp")),
            ("/a/b-c_d.e~f", Some("/a/b-c_d.e~f")),
            ("/", Some("")),
            ("", None),
            ("mcp", None),
            ("//", None),
            ("//evil.com", None),
            ("/a//b", None),
            ("/a/../b", None),
            ("/a\nb", None),
            ("/a?b", None),
            ("/a, /b", None),
            ("/a:b@c", None),
        ] {
            assert_eq!(plain_path(text), expected, "{text:?}");
        }
    }

    fn endpoint(path: &str, version: Version, lines: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let base = path.trim_end_matches('/').strip_suffix("/sse").unwrap();
        let asked = Asked {
            base,
            path,
            headers: &headers,
            version,
        };
        asked.endpoint("1")
    }

    #[test]
    fn what_shows_a_proxy_gets_a_relative_address() {
        for sign in [
            ("forwarded", "for=192.0.2.60;proto=http"),
            ("via", "1.1 vegur"),
            ("x-forwarded-for", "192.0.2.60"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "example.org"),
            ("x-forwarded-server", "traefik"),
            ("x-real-ip", "192.0.2.60"),
            ("x-forwarded-prefix", "/a, /b"),
            ("x-forwarded-prefix", ""),
        ] {
            let told = endpoint("/sse", Version::HTTP_11, &[sign]);
            assert_eq!(told, "messages?session_id=1", "{sign:?}");
        }
        let told = endpoint("/sse", Version::HTTP_10, &[]);
        assert_eq!(told, "messages?session_id=1");
        for (sign, value) in [("accept", "*/*"), ("x-real-ip-not", "1"), ("forward", "1")] {
            let told = endpoint("/sse", Version::HTTP_11, &[(sign, value)]);
            assert_eq!(told, "/messages?session_id=1", "{sign}");
        }
    }

    #[test]
    fn an_address_is_beside_the_one_that_was_asked() {
        let by_proxy = [("x-forwarded-for", "192.0.2.60")];
        let (below, root) = (("x-forwarded-prefix", "/p/"), ("x-forwarded-prefix", "/"));
        for (path, lines, expected) in [
            ("/sse", &by_proxy[..], "messages?session_id=1"),
            ("/sse/", &by_proxy, "../messages?session_id=1"),
            ("/metamcp/x/sse", &by_proxy, "message?sessionId=1"),
            ("/p/x/sse", &by_proxy, "messages?session_id=1"),
            ("/p/x/sse/", &[], "/p/x/messages?session_id=1"),
            ("/metamcp/x/sse/", &by_proxy, "../message?sessionId=1"),
            ("/sse/", &[], "/messages?session_id=1"),
            ("/metamcp/x/sse/", &[], "/metamcp/x/message?sessionId=1"),
            ("/sse", &[by_proxy[0], below], "/p/messages?session_id=1"),
            ("/sse/", &[by_proxy[0], root], "/messages?session_id=1"),
            (
                "/metamcp/x/sse",
                &[below],
                "/p/metamcp/x/message?sessionId=1",
            ),
            ("/sse", &[below, below], "messages?session_id=1"),
        ] {
            let told = endpoint(path, Version::HTTP_11, lines);
            assert_eq!(told, expected, "{path} with {lines:?}");
        }
    }
}
