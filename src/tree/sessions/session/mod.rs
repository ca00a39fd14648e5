//! One downstream client: what it asks is answered here or sent to the upstream that its own
//! table names; what comes back leaves on its stream, each answer once.
//!
//! Supervised by `sessions`, temporary. Its death withdraws its calls upstream.

mod actor;
mod announcements;
mod calls;
mod dispatch;
mod event_id;
mod exchange;
mod gauge;
mod general;
mod handle;
mod instances;
mod interests;
mod lane;
mod lists;
mod logging;
mod message;
mod numbers;
mod outbound;
mod queue;
mod replay;
mod requests;
mod resume;
mod server_requests;
mod state;
mod stop;
mod streams;
mod subscriptions;
mod way;
#[cfg(test)]
mod worst_case;

pub(super) use actor::{Entrance, Session, SessionArgs};
#[cfg(any(test, fuzzing))]
pub(crate) use event_id::checks::event_id as check_event_id;
pub(super) use gauge::Gauge;
pub(super) use handle::Profile;
pub use handle::SessionHandle;
#[cfg(test)]
pub(super) use instances::UNUSED;
pub use outbound::{Event, OpenedSse, Outbound};
pub(super) use streams::SSE;
