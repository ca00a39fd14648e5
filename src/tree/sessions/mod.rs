//! The sessions: a dynamic supervisor, and one temporary actor per connected client.
//!
//! A session that dies is not restarted: its client reconnects and gets a new one. The supervisor
//! is the only one who knows the ids; if it dies, its sessions die with it and clients reconnect.

mod handle;
mod message;
mod session;
mod supervisor;
#[cfg(test)]
mod tests;

pub use handle::SessionsHandle;
pub use session::{Event, OpenedSse, Outbound, SessionHandle};
pub(crate) use supervisor::{Sessions, SessionsArgs};
