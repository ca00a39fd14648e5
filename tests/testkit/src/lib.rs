//! What the integration tests and the benchmark share: the real binary as a process, a client that
//! speaks MCP over both transports with its own parsers (so that a mistake of the gateway's code is not repeated
//! by its judge), `/proc`, and waiting for conditions.
//!
//! A failed step panics with what it waited for or got: here a failed step is a failed test.

#![allow(
    dead_code,
    unused_macros,
    reason = "several targets include this folder and each uses another part of it; an `expect` would \
              be unfulfilled in the one that uses all"
)]
#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a failed step here is a failed test"
)]

#[macro_use]
pub(crate) mod both;
pub(crate) mod chaos;
pub(crate) mod client;
pub(crate) mod fleet;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod mailbox;
pub(crate) mod modern;
pub(crate) mod narrow;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod proc;
pub(crate) mod puppet;
pub(crate) mod servers;
pub(crate) mod sse;
pub(crate) mod strangers;
pub(crate) mod streamable;
pub(crate) mod syslogd;
pub(crate) mod wait;
