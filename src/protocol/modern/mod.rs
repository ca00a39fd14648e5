//! The revision without a handshake (MCP 2026-07-28): every request says by itself who asks and in
//! which revision, and what a server wants to ask travels in its result. What both eras share is in
//! [`super::mcp`].

pub mod asker;
pub mod discover;
pub mod envelope;
pub mod extensions;
pub mod header_value;
pub mod input;
pub mod input_required;
pub mod keys;
pub mod listen;
pub mod methods;
pub mod outcome;
pub mod param_headers;
pub mod request;
pub mod results;
pub mod state;
pub mod subscription;
pub mod tasks;
