//! What browsers are told about pages from elsewhere: only an origin that the operator listed gets
//! CORS headers, always with that origin in them and never `*`.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderName, HeaderValue,
    VARY,
};

/// The headers a client of any MCP revision sets beyond those a browser lets pass.
const ALLOWED_HEADERS: &str = "accept, authorization, cache-control, content-type, last-event-id, mcp-method, mcp-name, \
     mcp-protocol-version, mcp-session-id";

/// A browser asks this before a page reaches a machine on the local network.
const PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// Lets pages of `origin` read the reply that `headers` belong to.
pub(in crate::http) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("mcp-session-id, www-authenticate"),
    );
    headers.append(VARY, HeaderValue::from_static("origin"));
}

/// Answers a preflight of `origin`.
pub(in crate::http) fn allow_preflight(headers: &mut HeaderMap, origin: HeaderValue) {
    let fixed = |text| HeaderValue::from_static(text);
    allow(headers, origin);
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        fixed("GET, POST, DELETE, OPTIONS"),
    );
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, fixed(ALLOWED_HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, fixed("600"));
    headers.insert(PRIVATE_NETWORK, fixed("true"));
}
