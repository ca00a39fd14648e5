//! The error codes the gateway itself answers with. Codes of servers pass through as they are.
//! The first five are JSON-RPC 2.0's (§5.1); ours lie in its range for implementations, which
//! every revision up to 2025-11-25 leaves free.

use super::super::raw;

/// What came is no JSON.
pub const PARSE_ERROR: i64 = -32700;
/// What came is JSON, and no JSON-RPC message that is understood here.
pub const INVALID_REQUEST: i64 = -32600;
/// No such method, or not in this revision.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The method's params are wrong; MCP uses it for an unknown tool as well.
pub const INVALID_PARAMS: i64 = -32602;
/// The gateway itself failed.
pub const INTERNAL_ERROR: i64 = -32603;

/// The server behind a name is down, or died with the call in flight. The same number the
/// official TypeScript SDK uses for a closed connection.
pub const SERVER_UNAVAILABLE: i64 = -32000;
/// The server did not answer in time. The same number the official TypeScript SDK uses for it.
pub const TIMEOUT: i64 = -32001;
/// No server has such a resource (2025-11-25, server/resources, "Error Handling").
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// A server sends the user to a page before it does what was asked (2025-11-25, client/elicitation).
pub const URL_ELICITATION_REQUIRED: i64 = -32042;
/// Too much is in flight already, for this session or for this server; try again.
pub const BUSY: i64 = -32003;

/// A request's headers do not say what its body does (2026-07-28, basic/transports).
pub const HEADER_MISMATCH: i64 = -32020;
/// A request needs something of its client that the client did not declare (2026-07-28).
pub const MISSING_CAPABILITY: i64 = -32021;
/// A server does not speak the revision that it was asked in (2026-07-28, basic, "Versioning").
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// The code in a raw error object, if there is one.
#[must_use]
pub fn of(error: &[u8]) -> Option<i64> {
    let [code] = raw::members(std::str::from_utf8(error).ok(), ["code"]);
    code?.parse().ok()
}
