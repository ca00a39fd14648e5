//! One downstream client: what it asks is answered here or sent to the upstream that its own
//! table names; what comes back leaves on its stream, each answer once.
//!
//! Supervised by `sessions`, temporary. Its death withdraws its calls upstream.

mod actor;
mod announcements;
mod asks;
mod calls;
mod dispatch;
mod handle;
mod instances;
mod interests;
mod lists;
mod logging;
mod message;
pub(super) mod outbox;
mod queue;
mod requests;
mod state;
mod streams;
mod subscriptions;
mod way;

pub(super) use actor::{Session, SessionArgs};
#[cfg(test)]
pub(super) use asks::LIMIT as MOST_ASKS;
#[cfg(test)]
pub(super) use calls::LIMIT;
#[cfg(test)]
pub(super) use subscriptions::LIMIT as MOST_SUBSCRIPTIONS;
pub use handle::SessionHandle;
pub use outbox::{Event, OpenedSse, Outbound};
