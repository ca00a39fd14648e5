//! The files that are read and written.

#![expect(
    clippy::disallowed_methods,
    reason = "for a verb of its own, without workers"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
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

/// Whether two paths lead to one file, or to one place where none is.
#[must_use]
pub fn are_one(one: &Path, other: &Path) -> bool {
    let identity = |path| {
        let data = fs::metadata(path).ok()?;
        Some((data.dev(), data.ino()))
    };
    match (identity(one), identity(other)) {
        (Some(one), Some(other)) => one == other,
        _ => place(one) == place(other),
    }
}

/// A path without links before its end.
fn place(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path
        .parent()
        .and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// A file that is written, beside its place. Unless it is put there, it is gone again.
#[derive(Debug)]
pub struct Prepared {
    place: PathBuf,
    unfinished: Option<PathBuf>,
}

/// Writes `text` beside `path`. Where a link is, it is for the file that it leads to. A new file is for its
/// user's eyes only; one that replaces another has its owner, its group and its mode, but that what
/// `is_secret` is for no others.
///
/// # Errors
/// What the operating system says, or that something else than a plain file is there.
pub fn prepare(path: &Path, text: &str, is_secret: bool) -> io::Result<Prepared> {
    let place = place_of(path)?;
    let (unfinished, mut file) = beside(&place)?;
    let unfinished = Some(unfinished);
    let prepared = Prepared { place, unfinished };
    file.write_all(text.as_bytes())?;
    if let Ok(before) = fs::metadata(&prepared.place) {
        keep(&before, &file, is_secret)?;
    }
    file.sync_all()?;
    Ok(prepared)
}

/// Where a file for `path` is to be.
fn place_of(path: &Path) -> io::Result<PathBuf> {
    let wrong = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    match fs::metadata(path) {
        Ok(data) if data.is_file() => fs::canonicalize(path),
        Ok(_) => Err(wrong("something is there that is no plain file")),
        Err(_) if is_there(path) => Err(wrong("it is a link to a file that cannot be found")),
        Err(_) => Ok(path.to_owned()),
    }
}

/// Gives `file` the owner, the group and the mode of the one that it replaces. Its mode comes last: until
/// it has its owner, nobody else may read it.
fn keep(before: &fs::Metadata, file: &File, is_secret: bool) -> io::Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        fchown(file, Some(before.uid()), Some(before.gid())).map_err(|error| {
            let why = format!("it cannot be given the owner and group that it has now: {error}");
            io::Error::new(error.kind(), why)
        })?;
    }
    let readers = if is_secret { 0o770 } else { 0o777 };
    file.set_permissions(fs::Permissions::from_mode(before.mode() & readers))
}

impl Prepared {
    /// Puts it in its place, as a whole or not at all.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn place(mut self) -> io::Result<()> {
        if let Some(unfinished) = &self.unfinished {
            fs::rename(unfinished, &self.place)?;
            self.unfinished = None;
        }
        Ok(())
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.unfinished {
            // Nobody knows of it: a rest of what was begun would only be in the way.
            drop(fs::remove_file(unfinished));
        }
    }
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
