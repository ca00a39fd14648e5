//! The service manager's side of the program: what it is told of the gateway (`notify.rs` has the
//! words and the socket, `manager.rs` when to say them, `status.rs` the line for people), and
//! what it hands over (`sockets.rs`), which a holder of our own hands on (`holder.rs`), as it
//! does words (`relay.rs`). Used by main,
//! which gives it the tree's pulse and status.
//!
//! Spoken is `sd_notify(3)`, taken is `sd_listen_fds(3)`; where there is no service manager,
//! nothing happens.

mod holder;
mod manager;
mod notify;
mod relay;
mod sockets;
mod status;

pub use holder::{Holder, HolderGone};
pub use manager::Manager;
pub use relay::Relay;
pub use sockets::{CannotListen, Sockets};
