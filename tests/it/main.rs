//! Integration tests against the real binary, one file per behaviour.

#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
#[path = "../support/tests.rs"]
mod support_tests;

mod boot;
mod cli;
mod crashes;
mod fidelity;
mod logging;
mod reload;
mod routing;
mod shutdown;
mod sse;
mod supervision;
mod upstreams;
