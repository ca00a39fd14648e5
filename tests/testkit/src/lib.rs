//! What the integration tests and the benchmark share: the real binary as a process, a client that
//! speaks MCP over both transports with its own parsers (so that a mistake of the gateway's code is not repeated
//! by its judge), `/proc`, and waiting for conditions.
//!
//! A failed step panics with what it waited for or got: here a failed step is a failed test.

#![allow(clippy::disallowed_methods, reason = "tests may block")]
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a failed step here is a failed test"
)]
#![expect(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "a test that forgets an answer asserts nothing, which is seen"
)]

#[macro_use]
pub mod both;
pub mod chaos;
pub mod client;
pub mod fleet;
pub mod gateway;
pub mod http;
pub mod mailbox;
pub mod modern;
pub mod narrow;
pub mod options;
pub mod output;
pub mod proc;
pub mod puppet;
pub mod remote;
pub mod servers;
pub mod sse;
pub mod strangers;
pub mod streamable;
pub mod syslogd;
pub mod wait;
