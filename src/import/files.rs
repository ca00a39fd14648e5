//! The files that are read and written.

#![expect(
    clippy::disallowed_methods,
    reason = "for a verb of its own, without workers"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Input;
use crate::files;

/// Claude Code keeps more than servers in its file.
const LARGEST: u64 = 64 << 20;

/// The text of the file at `path`.
///
/// # Errors
/// What the operating system says, or that it is no plain file, too large, or not UTF-8.
pub fn read(path: &Path) -> io::Result<Input> {
    let (text, _) = files::read_text(path, LARGEST)?;
    let path = path.to_owned();
    Ok(Input { path, text })
}

/// Whether something is there already.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Writes `text` to `path` as a whole or not at all, for its user's eyes only: beside it first, then in
/// its place. Where a link is, the file that it leads to is replaced.
///
/// # Errors
/// What the operating system says, or that something else than a plain file is there.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = match fs::metadata(path) {
        Ok(data) if data.is_file() => fs::canonicalize(path)?,
        Ok(_) => {
            let why = "something is there that is no plain file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Err(_) => path.to_owned(),
    };
    let (unfinished, mut file) = beside(&path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&unfinished, &path));
    if written.is_err() {
        // What is there was not touched; a rest of what was begun would only be in the way.
        drop(fs::remove_file(&unfinished));
    }
    written
}

/// A new file in the directory of `path`, which nobody else has opened.
fn beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    for number in 0..100 {
        let mut other = std::ffi::OsString::from(".");
        other.push(name);
        other.push(format!(".{}-{number}.unfinished", std::process::id()));
        let other = path.with_file_name(other);
        match options.open(&other) {
            Ok(file) => return Ok((other, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
