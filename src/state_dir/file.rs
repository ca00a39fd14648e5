//! The names in the state directory, and how large each file may be. They stand here alone: what has
//! no name here cannot be read or written, and is no matter of the checks.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Everything at the top.
pub(super) const NAMES: [&str; 5] = [KEY, DELETED, LOCK, CONFIGURATIONS, LIVES];
/// What is written besides, in a folder now and at the top formerly.
pub(super) const REPLACED: [&str; 1] = [LAST];
/// The lock of the gateway that uses the directory.
pub(super) const LOCK: &str = "lock";
pub(super) const LAST: &str = "last-configuration";
const KEY: &str = "session.key";
const DELETED: &str = "deleted-sessions";
pub(super) const CONFIGURATIONS: &str = "configurations";
pub(super) const LIVES: &str = "lives";
pub(super) const CATALOGUES: &str = "catalogues";

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Which configuration file something is kept of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration(String);

impl Configuration {
    /// That at `path`. Links are not resolved: what a path leads to changes with every edit in
    /// Kubernetes, and the operator means the path.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let digest = Sha256::digest(path.as_os_str().as_bytes());
        let hex = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        Self(hex.collect())
    }

    /// Whether it is the key of one.
    pub(super) fn is_key(name: &str) -> bool {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        name.len() == 16 && name.bytes().all(is_hex)
    }

    pub(super) fn key(&self) -> &str {
        &self.0
    }
}

/// A file of the state directory.
#[derive(Debug, Clone, Copy)]
pub enum StateFile<'a> {
    /// The key of the session ids.
    SessionKey,
    /// The ids that are not taken up again.
    DeletedSessions,
    /// What a configuration file held when it could be used last.
    LastConfiguration(&'a Configuration),
    /// What earlier releases kept at the top, of whichever file they ran with last.
    EarlierConfiguration,
    /// What the server of this name offered last.
    Catalogue(&'a Configuration, &'a str),
    /// The record of a gateway.
    Life(&'a str),
}

/// A directory in it.
#[derive(Debug, Clone, Copy)]
pub enum Folder<'a> {
    /// The state directory itself.
    Top,
    /// What is kept of one configuration file.
    Configuration(&'a Configuration),
    /// Its servers' catalogues.
    Catalogues(&'a Configuration),
    /// The records of gateways.
    Lives,
}

impl StateFile<'_> {
    /// Its folder and its name.
    pub(super) fn split(&self) -> io::Result<(Folder<'_>, String)> {
        let (folder, name) = self.names();
        // Names come from a configuration; that a server's is harmless was checked there already.
        if name.contains(['/', '\0']) || name.starts_with('.') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file name"));
        }
        Ok((folder, name))
    }

    /// Below the state directory.
    pub(super) fn path(&self) -> PathBuf {
        let (folder, name) = self.names();
        folder.path().join(name)
    }

    /// More than it ever holds.
    pub(super) fn most(&self) -> u64 {
        match self {
            Self::SessionKey | Self::Life(_) => 4 * KIB,
            Self::DeletedSessions => 64 * KIB,
            // A configuration has at most 16 MiB.
            Self::LastConfiguration(_) | Self::EarlierConfiguration => 17 * MIB,
            Self::Catalogue(..) => 64 * MIB,
        }
    }

    fn names(&self) -> (Folder<'_>, String) {
        match self {
            Self::SessionKey => (Folder::Top, KEY.to_owned()),
            Self::DeletedSessions => (Folder::Top, DELETED.to_owned()),
            Self::EarlierConfiguration => (Folder::Top, LAST.to_owned()),
            Self::LastConfiguration(of) => (Folder::Configuration(of), LAST.to_owned()),
            Self::Catalogue(of, server) => (Folder::Catalogues(of), format!("{server}.json")),
            Self::Life(life) => (Folder::Lives, (*life).to_owned()),
        }
    }
}

impl Folder<'_> {
    /// The way there from the top.
    pub(super) fn parts(&self) -> Vec<&str> {
        match self {
            Self::Top => vec![],
            Self::Configuration(of) => vec![CONFIGURATIONS, of.key()],
            Self::Catalogues(of) => vec![CONFIGURATIONS, of.key(), CATALOGUES],
            Self::Lives => vec![LIVES],
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.parts().iter().collect()
    }
}
