//! Catalogues on disk: what the servers offered last, so that the next boot lists it at once.
//! One file per server under `catalogues/` of the state directory, replaced atomically, 0600.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::kept::Kept;
use crate::ids::ServerName;

/// A link would have something else overwritten, a pipe would have us wait for its reader.
const NEITHER_LINK_NOR_PIPE: OFlag = OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK);

/// Where catalogues are kept; `None` in place of a directory keeps nothing.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    directory: Option<PathBuf>,
}

impl Store {
    /// Keeps catalogues under `state_dir`, or nothing at all.
    #[must_use]
    pub(crate) fn new(state_dir: Option<&Path>) -> Self {
        Self {
            directory: state_dir.map(|dir| dir.join("catalogues")),
        }
    }

    /// Whether nothing is kept.
    pub(super) fn is_nowhere(&self) -> bool {
        self.directory.is_none()
    }

    /// Reads everything that is kept. What can't be read is not kept: it is only a head start.
    pub(super) fn load(&self) -> HashMap<ServerName, Kept> {
        let Some(entries) = self
            .directory
            .as_ref()
            .and_then(|dir| fs::read_dir(dir).ok())
        else {
            return HashMap::new();
        };
        entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let path = entry.path();
                let name = ServerName::new(path.file_stem()?.to_str()?).ok()?;
                (path.extension()? == "json").then_some(())?;
                Some((name, Kept::decode(fs::read(&path).ok()?)?))
            })
            .collect()
    }

    /// Keeps one catalogue.
    pub(super) fn save(&self, server: &ServerName, kept: &Kept) -> io::Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        let text = kept.encode()?;
        let unfinished = directory.join(format!(".{server}.unfinished"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(NEITHER_LINK_NOR_PIPE.bits())
            .open(&unfinished)?;
        file.write_all(&text)?;
        fs::rename(&unfinished, directory.join(format!("{server}.json")))
    }
}
