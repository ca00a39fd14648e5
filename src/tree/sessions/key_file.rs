//! Keys of the session ids that the operator gives, for gateways that take up each other's sessions: a file
//! of 64 hexadecimal digits a line. The first key signs, all are known, so that a key can be changed
//! without a session being lost.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::key::{SIZE, SigningKey};
use crate::files;

/// Others than the owner and the group may read it, or others than the owner may write to it.
const OPEN: u32 = 0o026;
const LARGEST: u64 = 64 << 10;
const MOST: usize = 16;

/// Why there are no keys. Shows nothing of them.
#[derive(Debug, thiserror::Error)]
#[error("can't use the session key file {}", .file.display())]
pub struct KeyFileError {
    file: PathBuf,
    #[source]
    why: Why,
}

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    #[error(
        "line {0} is no key, which is 64 hexadecimal digits (32 random bytes); make one with: openssl rand -hex 32"
    )]
    NoKey(usize),
    #[error("line {0} is a key that stands above already")]
    Twice(usize),
    #[error("there is no key in it; make one with: openssl rand -hex 32")]
    Empty,
    #[error("it has more than {MOST} keys")]
    TooMany,
}

/// The keys in `file`, the first of them first. Blank lines, and those that begin with `#`, say nothing.
pub(super) fn read(file: &Path) -> Result<Vec<SigningKey>, KeyFileError> {
    let read = || {
        let (text, _) = files::read_text(file, LARGEST)?;
        parse(&text)
    };
    let keys = read().map_err(|why| KeyFileError {
        file: file.to_owned(),
        why,
    });
    warn_if_open(file);
    keys
}

fn parse(text: &str) -> Result<Vec<SigningKey>, Why> {
    let mut keys = Vec::new();
    let lines = text.lines().map(str::trim).enumerate();
    for (at, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let key = of_hex(line).ok_or(Why::NoKey(at + 1))?;
        if keys.contains(&key) {
            return Err(Why::Twice(at + 1));
        }
        if keys.len() == MOST {
            return Err(Why::TooMany);
        }
        keys.push(key);
    }
    if keys.is_empty() {
        return Err(Why::Empty);
    }
    Ok(keys)
}

fn of_hex(text: &str) -> Option<SigningKey> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let bytes: Vec<u8> = digits?
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (text.len() == 2 * SIZE)
        .then(|| bytes.try_into().ok())
        .flatten()
}

#[expect(
    clippy::disallowed_methods,
    reason = "called by whoever reads the file, who may block"
)]
fn warn_if_open(file: &Path) {
    let mode = fs::metadata(file).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & OPEN != 0) {
        let file = file.display();
        log::warn!(
            "{file}: other users of this machine may read or change the session keys in it: chmod 640 {file}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(digit: char) -> String {
        String::from(digit).repeat(64)
    }

    #[test]
    fn each_line_is_a_key() {
        let text = format!("# of May\n{}\r\n\n  {}  \n", line('a'), line('0'));
        assert_eq!(parse(&text).unwrap(), [[0xaa; 32], [0; 32]]);
        let digits: String = (0..64).map(|at| ["0", "f"][at % 2]).collect();
        assert_eq!(parse(&digits).unwrap(), [[0x0f; 32]]);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_key() {
        let (a, many) = (line('a'), (0..17).map(|n| format!("{n:064x}\n")));
        for (text, expected) in [
            (format!("{a}\n{a}"), "line 2 is a key that stands above"),
            (format!("\n{}", &a[1..]), "line 2 is no key"),
            (format!("{a}a"), "line 1 is no key"),
            (format!("{}é", &a[2..]), "line 1 is no key"),
            ("# none".to_owned(), "there is no key in it"),
            (many.collect(), "more than 16"),
        ] {
            let said = parse(&text).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
            assert!(!said.contains("aa"), "{said}");
        }
    }
}
