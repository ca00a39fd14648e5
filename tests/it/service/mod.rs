//! What the gateway tells a service manager and takes from it; the manager is the test.

#![cfg(test)]

mod notify;
mod sockets;
mod watchdog;

use crate::support::mailbox::{Mailbox, SOON};
