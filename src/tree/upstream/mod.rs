//! `UpstreamActor`: one configured server's OS process. It lives exactly as long as that process:
//! when either ends, both do, and root starts a new generation by the ladder.
//!
//! It owns the process, the MCP handshake, and the calls in flight with the mapping between the
//! gateway's ids and the server's. Its death answers every call; its catalogue and its name
//! outlive it, in the registry.

mod actor;
mod calls;
mod dialogue;
mod ending;
mod handle;
mod junk;
mod launch;
mod listing;
mod message;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use actor::{Upstream, UpstreamArgs, UpstreamExit};
pub(crate) use handle::UpstreamHandle;
#[cfg(test)]
pub(in crate::tree) use message::UpstreamMsg;
