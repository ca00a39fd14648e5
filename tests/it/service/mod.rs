//! What the gateway tells a service manager and takes from it; the manager is the test.

#![cfg(test)]

mod notify;
mod sockets;
mod watchdog;

pub(crate) use self::sockets::{Tally, come_and_go};
use crate::support::mailbox::{Mailbox, SOON};
