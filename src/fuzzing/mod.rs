//! Everything that reads what others write, as plain functions that take any bytes and say what must
//! hold: called by the fuzz targets in `tests/fuzz`, and by a test that replays their corpus. Not a
//! part of the program: it is there for tests and for the fuzzer (`--cfg fuzzing`) only.

#[cfg(test)]
mod replay;

use crate::{config, http, import, process, protocol, tree};

/// A target: its name, which its corpus has too, and what must hold of any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 14] = [
    ("lines", process::checks::lines),
    ("message", protocol::checks::message),
    ("batch", protocol::checks::batch),
    ("events", protocol::checks::events),
    ("recover", protocol::checks::recover),
    ("members", protocol::checks::members),
    ("params", protocol::checks::params),
    ("modern", protocol::checks::modern),
    ("uris", protocol::checks::uris),
    ("config", config::checks::text),
    ("import", import::checks::file),
    ("headers", http::check_headers),
    ("session_id", tree::check_session_id),
    ("event_id", tree::check_event_id),
];

/// Holds `data` against the target of this name.
///
/// # Panics
/// If something does not hold, or there is no such target.
pub fn check(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    assert!(target.is_some(), "no target is called {name}");
    if let Some((_, check)) = target {
        check(data);
    }
}
