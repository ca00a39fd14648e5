//! MCP and JSON-RPC on the wire, pure: bytes in, messages out, and back. No clock, no task, no
//! socket. [`jsonrpc`] knows envelopes, [`mcp`] the few members that the gateway has to read or
//! change, [`modern`] what only the revision without a handshake has, [`framing`] how messages travel, [`shape`] what servers must say, [`version`] which revisions are spoken, [`uri`] what
//! resources are called. Bodies stay raw JSON: what is not changed on purpose leaves as it came, byte
//! for byte.

#[cfg(any(test, fuzzing))]
pub(crate) mod checks;
pub mod depth;
pub mod framing;
pub mod jsonrpc;
pub mod mcp;
pub mod modern;
mod raw;
pub mod shape;
pub mod uri;
pub mod version;

pub use version::{Era, Version};
