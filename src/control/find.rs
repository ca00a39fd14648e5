//! Finds the sockets on which a gateway answers.

#![expect(clippy::disallowed_methods, reason = "runs where it may block")]

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{SUFFIX, trust};

/// What came of looking.
#[derive(Debug, Default)]
pub struct Search {
    /// Somebody answers there.
    pub answering: Vec<PathBuf>,
    /// Where else it was looked, and what was there.
    pub others: Vec<String>,
    /// Those of `others` where a gateway may be that cannot be asked, or must not be believed.
    pub closed: Vec<String>,
}

/// Looks in each of `places`, but for those to which others may write. Blocks.
#[must_use]
pub fn search(places: &[PathBuf]) -> Search {
    let mut found = Search::default();
    for place in places {
        let shown = place.display();
        let sockets = match trust::check(place).and_then(|()| sockets(place)) {
            Ok(sockets) if sockets.is_empty() => Err("no socket".to_owned()),
            Ok(sockets) => Ok(sockets),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err("not there".to_owned()),
            Err(error) => {
                found.closed.push(format!("{shown}: {error}"));
                Err(error.to_string())
            }
        };
        for socket in sockets.as_deref().unwrap_or_default() {
            let shown = socket.display();
            match answers(socket) {
                Ok(true) => found.answering.push(socket.clone()),
                Ok(false) => found.others.push(format!("{shown}: nobody answers")),
                Err(error) => {
                    found.others.push(format!("{shown}: {error}"));
                    found.closed.push(format!("{shown}: {error}"));
                }
            }
        }
        if let Err(why) = sockets {
            found.others.push(format!("{shown}: {why}"));
        }
    }
    found
}

/// The control sockets in a directory, by name.
pub(super) fn sockets(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_named = entry.file_name().to_string_lossy().ends_with(SUFFIX);
        if is_named && entry.file_type()?.is_socket() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether somebody listens there. One who is too busy to take the connection now does, too.
pub(super) fn answers(path: &Path) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(false),
        Err(error) => Err(error),
    }
}
