//! `UpstreamActor`: one configured server's OS process. It lives exactly as long as that process:
//! when either ends, both do, and root starts a new generation by the ladder.
//!
//! It owns the process, the MCP handshake, the calls in flight with the mapping between the
//! gateway's ids and the server's, and what the server was told that sessions want to hear. Its
//! death answers every call; its catalogue and its name outlive it, in the registry, and sessions
//! say again what they want to hear. With an owner it serves one session alone (`isolation`): that
//! one is told what it offers, and asked what it asks.

mod actor;
mod awake;
mod calling;
mod calls;
mod dialogue;
mod ending;
mod far;
mod framing;
mod freshness;
mod handle;
mod hides;
mod launch;
mod listening;
mod listing;
mod lists;
mod malformed;
mod message;
mod pace;
mod parent;
mod past;
mod said;
mod server_label;
mod server_requests;
mod state;
mod subscribers;
mod subscriptions;
#[cfg(test)]
mod tests;
mod told;
mod undeclared;
mod unused;
mod updates;
mod work;

pub(crate) use actor::{Upstream, UpstreamArgs, UpstreamExit};
pub use awake::AwakeFor;
pub(crate) use awake::Hold;
pub(crate) use handle::UpstreamHandle;
pub(crate) use launch::launch;
#[cfg(test)]
pub(crate) use launch::{Child, Heard, Launch, Launched, Sink};
#[cfg(test)]
pub(crate) use message::UpstreamMsg;
pub(crate) use parent::UpstreamParent;
pub(crate) use past::Past;
