//! What the program trusts: a validated configuration. The only way here is `config::parse`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use super::limits::{Given, INSTRUCTIONS_READ, Limits};
pub use super::patterns::{COMPARED, Idle, Patterns, unknown};
pub use super::profiles::{
    DefaultProfile, NO_PROTECTION, Profile, ProfileInstructions, Profiles, WrittenProfiles,
};
pub use super::protocol::{Offer, Protocol, Serving};
pub use super::secrets::{FileError, FileRef, Filled, Secret};
use super::start;
pub use super::target::{Address, AddressError, Program, Remote, Target, Transport, shown_url};
pub use super::view::{Instructions, Naming, OnChangedTools, Override, View};
use crate::ids::{Prefix, ServerName};

/// The start deadline of a server whose entry names none.
pub const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The call timeout of a server whose entry names none.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(300);
/// After how long without use a server sleeps that is started on demand, where nothing says it.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

/// Whom one process of a server serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolation {
    /// All sessions. It may ask no client for anything: no field says whose the answer would be.
    #[default]
    Shared,
    /// One session, whose client it may ask, beside one process that supplies the catalogue.
    Session,
}

/// One enabled server, ready to be started: interpolation is done, limits are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSpec {
    /// Its name, unique in the file.
    pub name: ServerName,
    /// What is run or asked.
    pub target: Target,
    /// Files of variables, read at each start: of the gateway's, then its own. The last one counts.
    pub env_files: Vec<PathBuf>,
    /// How long a start may take, counted from the spawn or the connection.
    pub start_timeout: Duration,
    /// How long a call may go without an answer or progress.
    pub call_timeout: Duration,
    /// What is before its names in the merged lists.
    pub prefix: Prefix,
    /// Whom one process of it serves.
    pub isolation: Isolation,
    /// The roots declared to a shared server, `file://` URIs; none are declared if it is empty.
    pub roots: Vec<String>,
    /// In which era it is spoken to.
    pub protocol: Protocol,
    /// After how long without use it sleeps until it is wanted; without, it always runs.
    pub idle_timeout: Option<Duration>,
    /// What the gateway says of that for all can't be used: it stays what it was.
    pub is_start_unclear: bool,
}

impl ServerSpec {
    /// Whether what runs from `self` has to be restarted for `other`.
    #[must_use]
    pub fn needs_restart(&self, other: &Self) -> bool {
        let mut fields = self.differences(other).into_iter();
        fields.any(|field| !start::NAMES.contains(&field))
    }

    /// The names of the fields in which `self` and `other` differ, in the file's order: what a
    /// reload prints as `~1 (github: env)`.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let mut fields = self.target.differences(&other.target);
        let idle_timeouts = self.idle_timeout.zip(other.idle_timeout);
        let idle_timeouts_differ = idle_timeouts.is_some_and(|(own, others)| own != others);
        let rest = [
            ("env_file", self.env_files != other.env_files),
            ("timeout", self.start_timeout != other.start_timeout),
            ("call_timeout", self.call_timeout != other.call_timeout),
            ("prefix", self.prefix != other.prefix),
            ("isolation", self.isolation != other.isolation),
            ("roots", self.roots != other.roots),
            ("protocol", self.protocol != other.protocol),
            (
                "start",
                self.idle_timeout.is_some() != other.idle_timeout.is_some(),
            ),
            ("idle_timeout", idle_timeouts_differ),
        ];
        let rest = rest.into_iter();
        fields.extend(rest.filter_map(|(field, differs)| differs.then_some(field)));
        fields
    }
}

/// One entry of the file, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// To be run, and what of it clients see: that may change while it runs.
    Run(Arc<ServerSpec>, Arc<View>),
    /// Switched off by `enabled: false` or `disabled: true`: stopped if it runs.
    Disabled(ServerName),
    /// Wrong, but its name is known: a running instance is kept as it is.
    Refused(ServerName),
}

impl Entry {
    /// The entry's name.
    #[must_use]
    pub fn name(&self) -> &ServerName {
        match self {
            Self::Run(spec, _) => &spec.name,
            Self::Disabled(name) | Self::Refused(name) => name,
        }
    }
}

/// A refused entry that has no name, or another entry's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nameless {
    /// How it is found in the file: what it has for a name, in quotes, else its path.
    pub shown: String,
    /// Its line.
    pub line: usize,
}

impl fmt::Display for Nameless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {})", self.shown, self.line)
    }
}

/// The whole file, validated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Every entry whose name could be read, in the file's order; names are unique.
    pub servers: Vec<Entry>,
    /// The entries that are refused because they have no name of their own.
    pub nameless: Vec<Nameless>,
    /// What it says about the limits.
    pub limits: Given,
    /// Which eras clients are offered; `None` if that can't be read, and stays as it was.
    pub offer: Option<Offer>,
    /// What is shown at addresses of their own.
    pub profiles: WrittenProfiles,
    /// How names are written where an entry does not say it; `None` as above.
    pub names: Option<Naming>,
    /// How many bytes the instructions of all servers have together; `None` as above.
    pub instructions_budget: Option<usize>,
}
