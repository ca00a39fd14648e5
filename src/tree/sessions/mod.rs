//! The sessions: a dynamic supervisor, and one temporary actor per connected client.
//!
//! A session that dies is not restarted. A client of HTTP+SSE reconnects and gets a new one; a
//! client of Streamable HTTP just goes on: its id is signed, and the supervisor takes the session
//! up again from what the id says. If the supervisor dies, its sessions die with it.

mod conversation;
mod deleted;
mod delivery;
mod handle;
mod key;
mod key_file;
mod message;
mod parent;
mod requests;
mod session;
mod signing;
mod state;
mod stop;
mod supervisor;
#[cfg(test)]
mod tests;

pub(crate) use conversation::Stop;
#[cfg(any(test, fuzzing))]
pub(crate) use delivery::event_id::checks::event_id as check_event_id;
pub use delivery::queue::Event;
pub use handle::SessionsHandle;
pub use key_file::KeyFileError;
pub(crate) use parent::SessionsParent;
pub(crate) use requests::Workers;
pub use requests::{Replies, Spoken};
pub use session::{OpenedSse, Outbound, SessionHandle, SessionSeen};
pub use signing::Signer;
#[cfg(any(test, fuzzing))]
pub(crate) use signing::checks::session_id as check_session_id;
pub(crate) use supervisor::{Sessions, SessionsArgs};
