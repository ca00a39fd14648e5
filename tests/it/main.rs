//! Integration tests against the real binary, one file per behaviour.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

#[macro_use(on_both_transports)]
extern crate testkit as support;

mod apps;
mod boot;
mod call_log;
mod cli;
mod crashes;
mod eras;
mod fidelity;
mod filters;
mod holder;
mod isolation;
#[cfg(test)]
mod kit;
mod limits;
mod logging;
mod modern;
mod offers;
mod prefix;
mod processes;
mod profiles;
mod reload;
mod remote;
mod replicas;
mod routing;
mod security;
mod service;
mod shutdown;
mod sse;
mod status;
mod streamable;
mod supervision;
mod upstreams;
mod uris;
