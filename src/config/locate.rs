//! Finding and reading the file: the only part of this room that touches the disk.

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: before there are workers, or beside them"
)]

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf, absolute};

use super::error::{ConfigError, Place, Problem, Severity};
use super::{Origin, Parsed};
use crate::files;

/// What the file is called.
const NAME: &str = "mcp-servers.json";
/// Where the file of a whole machine may be.
const SHARED: [&str; 2] = ["/etc/mcp-gateway", "/srv/containers/mcp-gateway"];

/// Where a configuration is looked for when none is named, in this order: here, among the user's settings, among the
/// machine's. `env` answers for the variables that say where a user has settings.
pub fn places(env: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let own = own_place(env).into_iter();
    let shared = SHARED.iter().map(|place| Path::new(place).join(NAME));
    [PathBuf::from(NAME)]
        .into_iter()
        .chain(own)
        .chain(shared)
        .collect()
}

/// The user's own file, which need not be there. `None` where nothing says which directory is the user's.
pub fn own_place(env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // One that is relative does not count, as the specification of these directories says.
    let directory = |name| {
        env(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let settings =
        directory("XDG_CONFIG_HOME").or_else(|| Some(directory("HOME")?.join(".config")))?;
    Some(settings.join("mcproxy").join(NAME))
}

/// More than any configuration has, and little enough to be read by mistake.
const LARGEST: u64 = 16 << 20;

/// The file to read, as an absolute path: `explicit` (`--config`, `MCPROXY_CONFIG`), else the first
/// of [`places`] that is there.
///
/// # Errors
/// [`ConfigError::Missing`] if there is none; it says where it was looked for.
/// [`ConfigError::Unreadable`] if it is named below `/dev` or `/proc` and no plain file: what a shell
/// hands over there (`/dev/stdin`, `<(…)`) can't be read again, and never becomes a file.
pub fn locate(explicit: Option<&Path>) -> Result<PathBuf, ConfigError> {
    let Some(path) = explicit else {
        let places = places(&|name| std::env::var_os(name));
        let places: Vec<_> = places.iter().map(PathBuf::as_path).collect();
        return first_of(&places);
    };
    let path = first_of(&[path])?;
    let is_handed_over = ["/dev", "/proc"]
        .iter()
        .any(|place| path.starts_with(place));
    match fs::metadata(&path) {
        Ok(data) if is_handed_over && !data.is_file() => {
            let why =
                "it is no plain file, which is read again whenever it changes; write it into one";
            let source = io::Error::new(io::ErrorKind::InvalidInput, why);
            Err(ConfigError::Unreadable { path, source })
        }
        Ok(_) | Err(_) => Ok(path),
    }
}

pub(super) fn first_of(places: &[&Path]) -> Result<PathBuf, ConfigError> {
    // A path without a directory has no parent to watch, hence absolute. An empty one has no
    // absolute form.
    let searched: Vec<_> = places
        .iter()
        .map(|path| absolute(path).unwrap_or_else(|_| path.to_path_buf()))
        .collect();
    // One that may not be looked at is there as far as we know: reading it says what is wrong.
    let is_there = |path: &&PathBuf| path.try_exists().unwrap_or(true);
    if let Some(path) = searched.iter().find(is_there) {
        return Ok(path.clone());
    }
    let path = searched.first().cloned().unwrap_or_default();
    Err(ConfigError::Missing { path, searched })
}

/// Where the file is: what relative paths in it start from.
#[must_use]
pub fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The text of the file.
///
/// # Errors
/// [`ConfigError::Missing`] if it is gone, [`ConfigError::Unreadable`] if the operating system does
/// not hand it out, [`ConfigError::Malformed`] if it is no text.
pub fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = contents(path).map_err(|source| {
        let path = path.to_path_buf();
        if source.kind() == io::ErrorKind::NotFound {
            let searched = vec![path.clone()];
            return ConfigError::Missing { path, searched };
        }
        ConfigError::Unreadable { path, source }
    })?;
    if let Some(kind) = files::kind_of_bytes(&bytes) {
        return Err(ConfigError::Malformed(vec![other_kind(kind)]));
    }
    String::from_utf8(bytes).map_err(|error| {
        let bad = error.utf8_error().valid_up_to();
        ConfigError::Malformed(vec![no_text(error.as_bytes(), bad)])
    })
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let read = files::read(path, LARGEST).map(|(bytes, _)| bytes);
    read.map_err(|error| {
        // Docker and Podman make a directory of a bind mount whose file is not there.
        let why = if error.kind() == io::ErrorKind::IsADirectory {
            "it is a directory; a container gets one if the file is missing on the host when it is mounted"
        } else if error.kind() == io::ErrorKind::FileTooLarge {
            "it is larger than 16 MiB, which no configuration is"
        } else {
            return error;
        };
        io::Error::new(error.kind(), why)
    })
}

/// A file that is something else as a whole.
fn other_kind(kind: &str) -> Problem {
    let help = if kind.starts_with("UTF") {
        "save it with the encoding UTF-8; in PowerShell: Set-Content -Encoding utf8"
    } else if kind.ends_with("archive") {
        "bundles of servers (.mcpb, .dxt) are such: unpack it, and write an entry for the server in it"
    } else {
        "name a file with a configuration in JSON"
    };
    unreadable(1, 1, format!("the file is {kind}, not UTF-8"), help)
}

fn no_text(bytes: &[u8], bad: usize) -> Problem {
    let before = String::from_utf8_lossy(bytes.get(..bad).unwrap_or_default());
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let in_line = before.get(line_start..).unwrap_or_default();
    unreadable(
        before.matches('\n').count() + 1,
        in_line.chars().count() + 1,
        "the file is not UTF-8 here, but perhaps Windows-1252 or Latin-1".to_owned(),
        "save it with the encoding UTF-8",
    )
}

fn unreadable(line: usize, column: usize, message: String, help: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        line,
        column,
        path: String::new(),
        server: None,
        message,
        help: Some(help.to_owned()),
    }
}

/// A warning if everybody on the machine may read the file and a secret is written out in it.
#[must_use]
pub fn exposure(path: &Path, parsed: &Parsed) -> Option<Problem> {
    const OTHERS_MAY_READ: u32 = 0o004;
    let mode = fs::metadata(path).ok()?.permissions().mode();
    let secret = |origin: &Origin| Some((origin.server.to_string(), origin.secret.clone()?));
    let (server, secret) = parsed.origins.iter().find_map(secret)?;
    let Place { line, column } = secret.place;
    (mode & OTHERS_MAY_READ != 0).then(|| Problem {
        severity: Severity::Warning,
        line,
        column,
        path: secret.path,
        server: Some(server),
        message: "a secret is written out in a file that every user of this machine may read"
            .into(),
        help: Some("chmod 640 the file, or write ${VARIABLE} and set that for the gateway".into()),
    })
}
