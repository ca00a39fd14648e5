//! Several gateways behind a real balancer, `HAProxy` or nginx, with the configuration that `packaging/scale` has:
//! what clients notice when one of them is restarted, or killed.

#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "tests may block")]

extern crate testkit as support;

mod balancer;
mod clients;
mod kills;
mod manifests;
mod partition;
mod paths;
mod public;
mod replicas;
mod restarts;
