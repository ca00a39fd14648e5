//! Real servers behind the real binary, used through real clients: what they see through the gateway
//! must be what each server says over a bare pipe. `tests/run` installs the servers and the
//! clients; without them these tests fail and say so.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

#[cfg(test)]
mod apps;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod compose;
#[cfg(test)]
mod eras;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod features;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod inspector;
#[cfg(test)]
mod job;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod migration;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod page;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod recover;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod rpc;
#[cfg(test)]
mod rust;
#[cfg(test)]
mod rust_eras;
#[cfg(test)]
mod script;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod sse;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tokens;
