//! Integration tests against the real binary, one file per behaviour.

#[macro_use]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
#[path = "../support/tests.rs"]
mod support_tests;

mod boot;
mod cli;
mod crashes;
mod fidelity;
mod isolation;
mod logging;
mod offers;
mod prefix;
mod processes;
mod reload;
mod routing;
mod service;
mod shutdown;
mod sse;
mod streamable;
mod supervision;
mod upstreams;
mod uris;
