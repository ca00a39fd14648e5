//! Requests that belong to no session: those of clients without a handshake (2026-07-28).

mod replies;

pub use self::replies::{Replies, Spoken};
