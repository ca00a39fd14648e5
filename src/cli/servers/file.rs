//! The configuration that is edited: found as the gateway finds it, read and judged by the gateway's own parser,
//! replaced as a whole.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::CONFIG;
use crate::cli::check::{print_problems, shown_path};
use crate::config::limits::Given;
use crate::config::{self, ConfigError, Environment, Parsed, Problem, Severity};
use crate::edit::Document;
use crate::import::files;

/// A new one.
const EMPTY: &str = "{\n  \"servers\": []\n}\n";

/// The file, and what is in it.
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    /// `None` where there is none yet.
    before: Option<String>,
    pub(super) parsed: Parsed,
}

/// What is wrong with it.
pub(super) enum Unusable {
    /// It cannot be read, or written.
    Said(String),
    /// It is no configuration, or would be none.
    Problems(PathBuf, Vec<Problem>),
}

impl ConfigFile {
    /// The file that the gateway would take; where there is none, the one that is named, or the user's own, if it
    /// `may_be_new`.
    pub(super) fn open(
        named: Option<&Path>,
        may_be_new: bool,
        env: Environment<'_>,
    ) -> Result<Self, Unusable> {
        let said = |error: ConfigError| Unusable::Said(error.to_string());
        let (path, before) = match config::locate(named) {
            Ok(path) => {
                let text = config::read(&path).map_err(|error| unusable(&path, &error))?;
                (path, Some(text))
            }
            Err(ConfigError::Missing { path, .. }) if may_be_new => {
                let own = || config::own_place(&|name| env(name).map(Into::into));
                let path = if named.is_some() { None } else { own() }.unwrap_or(path);
                (path, None)
            }
            Err(error) => return Err(said(error)),
        };
        let text = before.as_deref().unwrap_or(EMPTY);
        let parsed = parse(text, &path, env).map_err(|error| unusable(&path, &error))?;
        Ok(Self {
            path,
            before,
            parsed,
        })
    }

    pub(super) fn document(&self) -> Result<Document, Unusable> {
        Document::parse(self.before.as_deref().unwrap_or(EMPTY)).map_err(Unusable::Said)
    }

    /// Puts `text` in the place of the file, if the gateway makes of it what it should: no new error, and whatever
    /// `is_wanted` asks for. Answers what is to be said of it.
    pub(super) fn replace(
        &self,
        text: &str,
        env: Environment<'_>,
        is_wanted: &dyn Fn(&Parsed) -> bool,
    ) -> Result<Parsed, Unusable> {
        let parsed = parse(text, &self.path, env).map_err(|error| unusable(&self.path, &error))?;
        let problems = self.new_problems(&parsed);
        let is_error = |problem: &Problem| problem.severity == Severity::Error;
        if problems.iter().any(is_error) || !is_wanted(&parsed) {
            return Err(Unusable::Problems(self.path.clone(), problems));
        }
        self.write(text).map_err(|error| {
            Unusable::Said(format!("cannot write {}: {error}", self.path.display()))
        })?;
        Ok(parsed)
    }

    /// What `parsed` is told that the file was not told before; lines have moved.
    pub(super) fn new_problems(&self, parsed: &Parsed) -> Vec<Problem> {
        let is_old = |problem: &&Problem| {
            let mut old = self.parsed.problems.iter();
            old.any(|old| (&old.message, &old.server) == (&problem.message, &problem.server))
        };
        let problems = parsed.problems.iter();
        problems
            .filter(|problem| !is_old(problem))
            .cloned()
            .collect()
    }

    fn write(&self, text: &str) -> io::Result<()> {
        if self.before.is_none()
            && let Some(folder) = self.path.parent()
        {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        // Whoever runs the gateway may not be who edits: the file keeps its mode. A new one is its user's alone.
        let prepared = files::prepare(&self.path, text, false)?;
        let now = match config::read(&self.path) {
            Ok(text) => Some(text),
            Err(ConfigError::Missing { .. }) => None,
            Err(error) => return Err(io::Error::other(error.to_string())),
        };
        if now != self.before {
            return Err(io::Error::other("it was changed meanwhile; try again"));
        }
        prepared.place()
    }
}

/// Variables that are not set here may be set for the gateway.
fn parse(text: &str, path: &Path, env: Environment<'_>) -> Result<Parsed, ConfigError> {
    let filled = |name: &str| env(name).or_else(|| Some("x".to_owned()));
    config::parse_under(text, &filled, config::directory(path), &Given::default())
}

fn unusable(path: &Path, error: &ConfigError) -> Unusable {
    let problems = error.problems();
    if problems.is_empty() {
        return Unusable::Said(error.to_string());
    }
    Unusable::Problems(path.to_owned(), problems.to_vec())
}

/// Says why nothing was written. Answers the exit code.
pub(super) fn complain(why: &Unusable, err: &mut dyn Write) -> io::Result<u8> {
    match why {
        Unusable::Said(why) => writeln!(err, "error: {why}; nothing was written")?,
        Unusable::Problems(path, problems) => {
            print_problems(&shown_path(path), problems, err)?;
            writeln!(err, "nothing was written")?;
        }
    }
    Ok(CONFIG)
}
