//! Requests that belong to no session: those of clients without a handshake (2026-07-28). Each is a
//! conversation of its own, which is over with its answer.
//!
//! A fixed set of workers holds them, permanent children of `sessions`: an actor for each request
//! would cost more than the request. Who dies with a worker is told so by the end of its stream.

mod asks;
mod bound_state;
mod effects;
mod exchange;
mod extensions;
mod handle;
mod line;
mod listening;
mod message;
mod outlet;
mod queue;
mod replies;
mod resting;
mod state;
mod state_token;
mod worker;

pub(crate) use self::handle::Workers;
pub use self::replies::{Replies, Spoken};
pub(super) use self::worker::{Worker, WorkerArgs};
