//! `mcproxy add` and `mcproxy remove`: the configuration is edited, not written anew, and is what the gateway
//! would take before it is put in its place. Nothing of it that may be a secret is shown.

#![expect(
    clippy::disallowed_methods,
    reason = "verbs of their own, without workers"
)]

mod add;
mod file;
mod remove;

pub use self::add::{Addition, add};
pub use self::remove::{Removal, remove};

/// Exit codes: all is well, the words make no sense, the file cannot be used.
const OK: u8 = 0;
const USAGE: u8 = 2;
const CONFIG: u8 = 78;
