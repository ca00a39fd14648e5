//! What is said between one client and the servers: what the client asks, what becomes of it, and
//! what servers tell and ask in turn.

pub(super) mod announcements;
pub(super) mod calls;
pub(super) mod dispatch;
pub(super) mod instances;
pub(super) mod interests;
pub(super) mod lists;
pub(super) mod logging;
pub(super) mod requests;
pub(super) mod routing;
pub(super) mod server_requests;
pub(super) mod subscriptions;
