//! The fault suite: every row of the matrix in `rows.rs` is a test of that name, against the real binary
//! with nine other servers in it. A test has three parts: the fault, the proof that it struck, and what must
//! hold all the same, as figures. What was seen is kept, and `tests/faults/table` makes `README.md` of it.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

extern crate testkit as support;

#[cfg(test)]
mod actors;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod busy;
#[cfg(test)]
mod bystanders;
#[cfg(test)]
mod bytes;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod children;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod eras;
#[cfg(test)]
mod fair;
#[cfg(test)]
mod files;
#[cfg(test)]
mod first_lists;
#[cfg(test)]
mod flood;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hangs;
#[cfg(test)]
mod held;
#[cfg(test)]
mod holder;
#[cfg(test)]
mod idle;
#[cfg(test)]
mod ids;
#[cfg(test)]
mod left;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod log;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod misshapen;
#[cfg(test)]
mod modern;
#[cfg(test)]
mod network;
#[cfg(test)]
mod noise;
#[cfg(test)]
mod odd_files;
#[cfg(test)]
mod offers;
#[cfg(test)]
mod pipes;
#[cfg(test)]
mod record;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod returns;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod service;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod slow_requests;
#[cfg(test)]
mod smuggling;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod starts;
#[cfg(test)]
mod stderr;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod system;
#[cfg(test)]
mod table;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod unnamed;
#[cfg(test)]
mod uris;
#[cfg(test)]
mod wrapped;
