//! Catalogues on disk: what the servers offered last, so that the next boot lists it at once.
//! One file per server and configuration file, in the state directory.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::kept_catalogue::KeptCatalogue;
use crate::ids::ServerName;
use crate::state_dir::{Configuration, Folder, StateDir, StateFile};

/// A server that is switched off for less than this finds its catalogue again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// The servers of which something may be kept that could not be read.
#[derive(Debug, Default)]
pub(super) struct Unread {
    pub(super) servers: BTreeSet<ServerName>,
    /// Nobody knows which.
    pub(super) is_any: bool,
}

impl Unread {
    pub(super) const ANY: Self = Self {
        servers: BTreeSet::new(),
        is_any: true,
    };

    pub(super) fn has(&self, server: &ServerName) -> bool {
        self.is_any || self.servers.contains(server)
    }
}

/// Where catalogues are kept; without a state directory nothing is.
#[derive(Debug, Clone)]
pub(crate) struct Store(Option<(StateDir, Configuration)>);

impl Store {
    /// Keeps the catalogues of the servers in the file at `configuration`, or nothing at all.
    #[must_use]
    pub(crate) fn new(state_dir: Option<&StateDir>, configuration: &Path) -> Self {
        Self(state_dir.map(|directory| (directory.clone(), Configuration::at(configuration))))
    }

    /// One that keeps nothing.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self(None)
    }

    /// Whether nothing is kept.
    pub(super) fn is_nowhere(&self) -> bool {
        self.0.is_none()
    }

    /// Reads everything that is kept. What can't be read is not kept: it is only a head start.
    pub(super) fn load(&self) -> HashMap<ServerName, KeptCatalogue> {
        let Some((directory, of)) = &self.0 else {
            return HashMap::new();
        };
        let files = self.files().unwrap_or_default();
        let kept = files.into_iter().filter_map(|(name, _)| {
            let file = StateFile::Catalogue(of, name.as_str());
            let unreadable = |error| log::warn!("A kept catalogue is not used: {error}");
            let bytes = directory.read(&file).map_err(unreadable).ok()??;
            let kept = KeptCatalogue::decode(bytes);
            if kept.is_none() {
                log::warn!(
                    "The kept catalogue of server '{name}' is not used: it is damaged, or of another version"
                );
            }
            Some((name, kept?))
        });
        kept.collect()
    }

    /// What is there beside `read`, which was loaded.
    pub(super) fn unread(&self, read: &HashMap<ServerName, KeptCatalogue>) -> Unread {
        let say = |error: &io::Error| log::warn!("The kept catalogues are not used: {error}");
        let files = self.files().inspect_err(say);
        let is_any = files.is_err();
        let names = files.unwrap_or_default().into_iter().map(|(name, _)| name);
        let servers = names.filter(|name| !read.contains_key(name)).collect();
        Unread { servers, is_any }
    }

    /// When each of what is kept was told, or a gateway began with it.
    pub(super) fn dates(&self) -> HashMap<ServerName, SystemTime> {
        self.files().unwrap_or_default().into_iter().collect()
    }

    /// Keeps one catalogue.
    pub(super) fn save(&self, server: &ServerName, kept: &KeptCatalogue) -> io::Result<()> {
        let Some((directory, of)) = &self.0 else {
            return Ok(());
        };
        let text = kept.encode()?;
        directory.replace(&StateFile::Catalogue(of, server.as_str()), &text)
    }

    /// The same if nothing is kept of it any more.
    pub(super) fn save_if_gone(&self, server: &ServerName, kept: &KeptCatalogue) -> io::Result<()> {
        let Some((directory, of)) = &self.0 else {
            return Ok(());
        };
        match directory.touch(&StateFile::Catalogue(of, server.as_str())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.save(server, kept),
            found => found,
        }
    }

    /// Removes what is kept of servers that are not `wanted`, and were not for long before `now`.
    pub(super) fn forget_others(&self, wanted: &BTreeSet<ServerName>, now: SystemTime) {
        let Some((directory, of)) = &self.0 else {
            return;
        };
        for (server, written) in self.files().unwrap_or_default() {
            let file = StateFile::Catalogue(of, server.as_str());
            let outcome = if wanted.contains(&server) {
                directory.touch(&file)
            } else if now.duration_since(written).unwrap_or_default() > FORGOTTEN_AFTER {
                log::info!("The kept catalogue of '{server}' goes: it was not configured for long");
                directory.remove(&file)
            } else {
                Ok(())
            };
            if let Err(error) = outcome {
                log::debug!("a kept catalogue stays as it is: {error}");
            }
        }
    }

    fn files(&self) -> io::Result<Vec<(ServerName, SystemTime)>> {
        let Some((directory, of)) = &self.0 else {
            return Ok(Vec::new());
        };
        let files = directory.list(Folder::Catalogues(of))?.into_iter();
        let named = files.filter_map(|(name, written)| {
            let server = ServerName::new(name.strip_suffix(".json")?).ok()?;
            Some((server, written))
        });
        Ok(named.collect())
    }
}
