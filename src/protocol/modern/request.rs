//! A request of a client without a handshake, as far as every method is read alike.

use std::borrow::Cow;

use super::super::jsonrpc::Request;
use super::super::mcp::lifecycle::ClientCapabilities;
use super::super::mcp::logging::Level;
use super::super::raw;
use super::extensions::Extensions;

/// One request, found right in all that can be known without the servers.
#[derive(Debug, Clone)]
pub struct ModernRequest {
    /// The envelope and the body as they came.
    pub request: Request,
    /// What its `_meta` says.
    pub meta: RequestMeta,
    /// The values of its `Mcp-Param-*` headers, by the rest of their names, in lower case; as they came,
    /// for [`super::param_headers::ParamHeaders::check`].
    pub param_headers: Vec<(Box<str>, Box<str>)>,
}

/// What a request says of its client (2026-07-28, basic, "Request metadata").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMeta {
    /// What the client can be asked for.
    pub capabilities: ClientCapabilities,
    /// From which level on it wants to hear the log of servers; nothing of it if absent.
    pub log_level: Option<Level>,
    /// The extensions that it knows.
    pub extensions: Extensions,
}

/// The tool that a `tools/call` with these params names, and its raw arguments, as far as they are there.
#[must_use]
pub fn tool_call(params: &[u8]) -> (Option<Cow<'_, str>>, Option<&str>) {
    let text = std::str::from_utf8(params).ok();
    let [name, arguments] = raw::members(text, ["name", "arguments"]);
    (name.and_then(raw::string), arguments)
}
