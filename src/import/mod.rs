//! `mcproxy import`: from the files of other programs to a configuration of this gateway. Pure but for
//! [`files`]; no part of the running gateway uses it, and nothing in it runs or connects to anything.
//!
//! ```text
//! text ── read ──> tree ── find ──> entries ── entry ──> drafts ── secrets ──> server.rs ── pretty ──> text
//!        JSON            whose is it           by the row            metamcp.rs: profiles, keys
//!        TOML            programs.rs           tools.rs
//!        YAML                                  remote.rs
//! ```
//!
//! A program is a row of the table in `programs.rs`. What is not understood is said, and what may hide
//! something is never passed over. No message holds a value of a file.

#[cfg(any(test, fuzzing))]
pub(crate) mod checks;
mod denials;
mod entry;
pub mod files;
mod find;
mod gather;
mod means;
mod metamcp;
mod paths;
mod pretty;
mod programs;
mod read;
mod references;
mod remote;
mod row;
mod rules;
mod secrets;
mod server;
#[cfg(test)]
mod tests;
mod texts;
mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::Problem;

pub use gather::import;

/// A file that is to be imported.
#[derive(Debug)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// What is to become of secrets.
#[derive(Debug, Clone, Default)]
pub enum Hiding {
    /// They stay where they are.
    #[default]
    No,
    /// Variables are in their place, which whoever runs the gateway sets.
    ByVariables,
    /// And the gateway reads them from this file, as the configuration will name it.
    InFile(String),
}

/// How files are to be imported.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What is to become of secrets.
    pub hiding: Hiding,
    /// The folder that the configuration will be in, if that is known.
    pub folder: Option<PathBuf>,
    /// What the file of variables has in it already.
    pub variables: BTreeMap<String, String>,
    /// And the file of tokens.
    pub tokens: String,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is in the configuration, and runs.
    On,
    /// It is in it, switched off.
    Off,
    /// It is the same as one before it.
    Same,
    /// It could not be taken over.
    LeftOut,
    /// It is no server to run: a part of its program.
    NotOurs,
}

/// An entry, for people.
#[derive(Debug)]
pub struct Row {
    /// Its name now.
    pub name: String,
    /// Whose it was, and what it was called.
    pub from: String,
    /// What became of it.
    pub fate: Fate,
    /// What is not as it was.
    pub changes: Vec<String>,
    /// Whether something is missing that changes what it offers or how it runs.
    pub is_lossy: bool,
}

/// A profile, for people.
#[derive(Debug)]
pub struct ProfileRow {
    /// Its name.
    pub name: String,
    /// What it was.
    pub from: String,
    /// Its servers.
    pub servers: Vec<String>,
    /// What it hides.
    pub hidden: Vec<String>,
}

/// What came of the files. It holds secrets, and is not to be shown as a whole.
#[derive(Default)]
pub struct Imported {
    /// Whose each file is; `None` for one of which nothing could be read.
    pub programs: Vec<(PathBuf, Option<&'static str>)>,
    /// The configuration.
    pub text: String,
    /// The secrets that are not in it, by the variables that it has in their place; those that the file of
    /// variables has already are not among them.
    pub secrets: BTreeMap<String, String>,
    /// Whether the configuration names the file of variables.
    pub names_env_file: bool,
    /// How many secrets are written out in `text`.
    pub written_out: usize,
    /// A file of tokens; empty without any.
    pub token_file: String,
    /// How many there are.
    pub tokens: usize,
    /// Every entry.
    pub rows: Vec<Row>,
    /// Every profile.
    pub profiles: Vec<ProfileRow>,
    /// What else is not as it was.
    pub notes: Vec<String>,
    /// Whether something is missing that is no server's, or cannot be read.
    pub is_lossy: bool,
    /// Mistakes in the files.
    pub problems: Vec<(PathBuf, Problem)>,
}

impl Imported {
    /// Whether a file could not be read at all.
    #[must_use]
    pub fn is_unusable(&self) -> bool {
        self.programs.iter().any(|(_, program)| program.is_none())
    }

    /// A file of variables with the secrets.
    #[must_use]
    pub fn env_file(&self) -> String {
        secrets::env_file(&self.secrets)
    }

    /// The files of other programs, which have more in them than a list of servers.
    pub fn of_others(&self) -> impl Iterator<Item = (&Path, &'static str)> {
        let ours = [programs::OURS, row::PLAIN.name];
        let found = self.programs.iter();
        let found = found.filter_map(|(path, program)| Some((path.as_path(), (*program)?)));
        found.filter(move |(_, program)| !ours.contains(program))
    }

    /// How many entries are missing from the configuration that should be in it.
    #[must_use]
    pub fn left_out(&self) -> usize {
        let left_out = self.rows.iter().filter(|row| row.fate == Fate::LeftOut);
        left_out.count()
    }

    /// Whether everything was taken over that changes what is offered or how it runs.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let is_lossy = self.is_lossy || self.rows.iter().any(|row| row.is_lossy);
        self.left_out() == 0 && !is_lossy
    }
}

/// The end of a path, which says enough.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().escape_debug().to_string()
}
