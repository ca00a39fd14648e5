//! What browsers are told about pages from elsewhere: only an origin that the operator listed gets
//! CORS headers, always with that origin in them and never `*`.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    HeaderMap, HeaderName, HeaderValue, VARY,
};

/// So begin the headers that repeat arguments of tools: what follows is as the tool has it, so that
/// whatever a page asks for is allowed.
const PARAMETER: &str = "mcp-param-";
/// So many of them.
const MOST: usize = 64;

/// The headers a client of any MCP revision sets beyond those a browser lets pass.
const ALLOWED_HEADERS: &str = "accept, authorization, cache-control, content-type, last-event-id, mcp-method, mcp-name, \
     mcp-protocol-version, mcp-session-id, x-api-key";

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

/// Answers a preflight of `origin`, which `asked`.
pub(in crate::http) fn allow_preflight(
    headers: &mut HeaderMap,
    origin: HeaderValue,
    asked: &HeaderMap,
) {
    let fixed = |text| HeaderValue::from_static(text);
    allow(headers, origin);
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        fixed("GET, POST, DELETE, OPTIONS"),
    );
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, fixed(ALLOWED_HEADERS));
    for name in parameters(asked) {
        headers.append(ACCESS_CONTROL_ALLOW_HEADERS, name);
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, fixed("600"));
    headers.insert(PRIVATE_NETWORK, fixed("true"));
}

/// The headers for arguments that a preflight asks for, by their names.
fn parameters(asked: &HeaderMap) -> impl Iterator<Item = HeaderValue> {
    let lines = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    let ours = names.filter(|name| name.as_str().starts_with(PARAMETER));
    ours.map(HeaderValue::from).take(MOST)
}
