//! One downstream client: what it asks is answered here or sent to the upstream that its own
//! table names; what comes back leaves on its stream, each answer once.
//!
//! `../conversation/` decides what is said, `../delivery/` brings it to the client's streams; neither
//! knows an actor, and none of the two what is here: the handles, the messages and the one timer.
//!
//! Supervised by `sessions`, temporary. Its death withdraws its calls upstream.

mod actor;
mod exchange;
mod handle;
mod message;
mod outbound;
mod outlets;
mod profile;
mod seen;
mod state;
mod stop;

pub(super) use actor::{Session, SessionArgs, Transport};
pub use handle::SessionHandle;
pub use outbound::{OpenedSse, Outbound};
pub(crate) use profile::Key;
pub(super) use profile::Profile;
pub use seen::SessionSeen;
