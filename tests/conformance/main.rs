//! The official conformance suite against a server of ours that has all it asks for
//! (`server/main.mjs`): directly, which is the baseline, and behind the gateway, which must score
//! the same. `tests/run` installs the suite and its Node; without them these tests fail and say so.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

extern crate testkit as support;

#[cfg(test)]
mod baseline;
#[cfg(test)]
mod behind;
#[cfg(test)]
mod modern;
#[cfg(test)]
mod rebinding;
#[cfg(test)]
mod report;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod targets;
