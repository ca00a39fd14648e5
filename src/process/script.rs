//! What keeps a file from being run that looks like a program: it came from another system. The
//! operating system says no more of it than "no such file".

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::files;

/// A first line is shorter: see execve(2).
const LONGEST: u64 = 512;

/// What is odd about `file`, with what to do, if it can be read and something is.
#[must_use]
pub fn oddity(file: &Path) -> Option<&'static str> {
    of(&start(file).ok()?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "for a start beside the workers, and a verb of its own"
)]
fn start(file: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(files::FLAGS.bits());
    let mut bytes = Vec::new();
    options.open(file)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn of(bytes: &[u8]) -> Option<&'static str> {
    match files::kind_of_bytes(bytes) {
        Some("a program of Windows") => {
            return Some("it is a program of Windows; one for Linux is needed");
        }
        Some("a program of macOS") => {
            return Some("it is a program of macOS; one for Linux is needed");
        }
        Some("UTF-16" | "UTF-32") => {
            return Some("it is UTF-16, as Windows writes texts; save it as UTF-8");
        }
        Some(_) | None => {}
    }
    if bytes.starts_with("\u{feff}#!".as_bytes()) {
        return Some(
            "it begins with a byte order mark, before its '#!'; save it as UTF-8 without one",
        );
    }
    let first = bytes.split(|byte| *byte == b'\n').next()?;
    (first.starts_with(b"#!") && first.ends_with(b"\r")).then_some(
        "its lines end as on Windows (CR LF), so that its interpreter is not found; convert it, as \
         dos2unix does",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_elsewhere_is_named() {
        for (bytes, word) in [
            (&b"#!/bin/sh\r\necho\r\n"[..], "CR LF"),
            (b"\xef\xbb\xbf#!/bin/sh\n", "byte order mark"),
            (b"\xff\xfe#\0!\0", "UTF-16"),
            (b"MZ\x90\0\x03", "Windows"),
            (b"\xcf\xfa\xed\xfe\x07", "macOS"),
        ] {
            assert!(of(bytes).is_some_and(|why| why.contains(word)), "{word}");
        }
        for bytes in [
            &b"#!/bin/sh\necho\r\n"[..],
            b"\x7fELF\x02\x01",
            b"",
            b"echo\r\n",
            b"#!/bin/sh",
        ] {
            assert_eq!(of(bytes), None, "{bytes:?}");
        }
    }
}
