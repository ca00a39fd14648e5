//! How what is said to one client reaches it: its streams, what is kept of them for a client that
//! comes back, and how much of it waits to be read.

pub(super) mod event_id;
pub(super) mod event_log;
pub(super) mod load;
pub(super) mod post;
pub(super) mod queue;
pub(super) mod queue_watch;
pub(super) mod replay;
pub(super) mod resume;
pub(super) mod standalone;
mod stream_id;
pub(super) mod streams;
#[cfg(test)]
mod worst_case;

pub(super) use replay::AGE;
pub(super) use stream_id::StreamId;
