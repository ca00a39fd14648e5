//! What strangers cannot do, through the real binary: use it without a token where one is asked for, take
//! another's session, have their headers reach a server; and what nobody gets to
//! see: secrets, tokens, session ids, the files of the state directory.

#![cfg(test)]

mod files;
mod headers;
mod secrets;
mod state;
mod tokens;

use std::time::Duration;

/// For steps that wait for servers to start; the machine may be busy.
const SOON: Duration = Duration::from_secs(20);
const TOKEN: &str = "t0k3n-0123456789abcdef";
const OTHER: &str = "t0k3n-fedcba9876543210";

/// The value of an `Authorization` header.
fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
