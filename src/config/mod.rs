//! `mcp-servers.json`: from what the user wrote to what the program trusts ([`model`]).
//!
//! ```text
//! text ── source.rs ──> syntax tree ── file.rs ──> entries ── validate.rs ──> model.rs
//!         (JSONC)                      (dialects)             entry.rs  values.rs  name.rs
//!                    elsewhere.rs says what other files are
//!                                                             fields.rs  interpolate.rs
//!                                                             filling.rs  foreign.rs  mcp.rs
//!                                                             switch.rs  view.rs  filters.rs  patterns.rs
//!                                                             gateway.rs  limits.rs  amount.rs
//!                                                             protocol.rs  profiles.rs  env_file.rs
//!                    origin.rs says where what stands         secrets/ reads what is in other files
//! ```
//!
//! Pure but for [`locate()`], [`read`] and what servers have from files, which is read when they start. Every mistake is reported in one go, with its place and
//! what to do; a wrong entry is refused alone; no message ever holds a secret.

mod address;
mod amount;
#[cfg(any(test, fuzzing))]
pub(crate) mod checks;
pub(crate) mod elsewhere;
mod entry;
mod env_file;
mod error;
pub(crate) mod fields;
pub(crate) mod file;
mod filling;
pub(crate) mod filters;
mod foreign;
mod gateway;
mod interpolate;
pub mod limits;
mod locate;
mod mcp;
pub mod model;
pub(crate) mod name;
pub(crate) mod notes;
mod origin;
mod patterns;
mod profiles;
mod program;
mod protocol;
mod remote;
mod secrets;
pub(crate) mod source;
mod start;
pub(crate) mod switch;
mod target;
#[cfg(test)]
mod tests;
mod validate;
pub(crate) mod values;
mod view;

pub use amount::{Unit, patience, time};
pub(crate) use error::quoted;
pub use error::{ConfigError, Place, Problem, Severity};
pub use locate::{directory, exposure, locate, own_place, places, read};
pub(crate) use secrets::is_named_secret;
pub use secrets::variables;

use std::path::Path;

use crate::ids::ServerName;
use limits::Given;
use model::Config;
use notes::Notes;
use source::Source;

/// Where `${VAR}` is looked up: the gateway's own environment, or a test's.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// A file that could be used, perhaps in part.
#[derive(Debug)]
pub struct Parsed {
    /// What the program may trust.
    pub config: Config,
    /// Every mistake, in the order of the file.
    pub problems: Vec<Problem>,
    /// Where the entries of `config` stand in the file, in the same order: for what turns out to be
    /// wrong outside of the text.
    pub origins: Vec<Origin>,
    /// The files of variables that the `gateway` object names.
    pub files: Vec<Referred>,
}

/// Where an entry stands in the file.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its name.
    pub server: ServerName,
    /// Where it starts.
    pub place: Place,
    /// Its `command`, before variables are filled in.
    pub command: Option<Written>,
    /// Its address, which may have a key in it and is shown to nobody.
    pub url: Option<Written>,
    /// Its `cwd`, before variables are filled in.
    pub cwd: Option<Written>,
    /// What it has from elsewhere at each start.
    pub files: Vec<Referred>,
    /// The name, and only the name, of a variable in `env` that holds a secret in clear.
    pub secret: Option<Written>,
}

/// What an entry has from elsewhere at each start, and where it says so.
#[derive(Debug, Clone)]
pub struct Referred {
    /// What it is.
    pub what: Reference,
    /// Where it stands.
    pub written: Written,
}

/// What is known at a start only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A file.
    File(model::FileRef),
    /// A variable that is not set, unless a file of variables sets it.
    Variable(String),
}

/// A text as the file has it.
#[derive(Debug, Clone)]
pub struct Written {
    /// The text.
    pub text: String,
    /// Where in the structure: `servers[2].command`.
    pub path: String,
    /// Where in the file.
    pub place: Place,
}

/// Reads a configuration in any of the dialects. `env` answers for the variables it refers to.
///
/// `[]` is a configuration: nothing is to run. An empty text is none.
///
/// # Errors
/// [`ConfigError::Malformed`] if the file as a whole cannot be used.
pub fn parse(text: &str, env: Environment<'_>) -> Result<Parsed, ConfigError> {
    parse_under(text, env, Path::new(""), &Given::default())
}

/// The same for a file in `directory`, where the command line says something too, which stands above the
/// file.
///
/// # Errors
/// As [`parse`].
pub fn parse_under(
    text: &str,
    env: Environment<'_>,
    directory: &Path,
    command_line: &Given,
) -> Result<Parsed, ConfigError> {
    let source = Source::new(text);
    let mut notes = Notes::default();
    let tree = source.tree(&mut notes);
    let file = tree.as_ref().and_then(|tree| file::read(tree, &mut notes));
    let validated = file
        .map(|file| validate::validate(&file, &source, (env, directory), command_line, &mut notes));
    let problems = notes
        .into_sorted()
        .into_iter()
        .map(|finding| source.problem(finding))
        .collect();
    match validated {
        Some(validated) => Ok(Parsed {
            config: validated.config,
            problems,
            origins: validated.origins,
            files: validated.files,
        }),
        None => Err(ConfigError::Malformed(problems)),
    }
}
