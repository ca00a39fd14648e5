//! Chaos: for some time everything that can be struck is struck, at random, by a seed, while twenty clients
//! call. An own ledger says of each call what became of it, and whether that may be. And soak: thousands of
//! clients come and go, and nothing is left.
//!
//! `MCPROXY_CHAOS_SEED` repeats the strikes of a run, `MCPROXY_CHAOS_SECONDS` says how long one is.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

extern crate testkit as support;

mod cure;
mod driver;
mod end;
mod guests;
mod house;
mod judge;
mod judge_tests;
mod ledger;
mod over_http;
mod over_modern;
mod over_sse;
mod plan;
mod run;
mod soak;
mod steady;
mod world;

/// The gateway under test, as a process of its own.
#[test]
fn gateway_process() {
    support::puppet::perform();
}
