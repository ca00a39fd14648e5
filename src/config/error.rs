//! What can be wrong with a configuration: a [`Problem`] has its place in the file and what to do
//! about it, a [`ConfigError`] means that the file as a whole cannot be used. Neither ever holds
//! the value of an environment variable or of an `env` entry.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The entry, or the whole file, is not used.
    Error,
    /// It is used; something in it has no effect or another one than expected.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A place in the file. Both numbers start at 1; a column is a character, a tab is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// One mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether something is refused because of it.
    pub severity: Severity,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// Where in the structure: `servers[2].comand`; empty for the file as a whole.
    pub path: String,
    /// The server whose entry it is in, as the file writes its name.
    pub server: Option<String>,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// Whose fault it is, for people: `server 'github', servers[2].comand`. A path that names the
    /// server already is enough by itself. Empty for the file as a whole.
    #[must_use]
    pub fn subject(&self) -> String {
        let is_named = |name: &str| {
            let lists = ["servers", "mcpServers"];
            lists
                .iter()
                .any(|list| self.path.starts_with(&extended(list, name)))
        };
        match &self.server {
            Some(name) if !is_named(name) => format!("server {}, {}", quoted(name), self.path),
            Some(_) | None => self.path.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.line, self.column);
        write!(f, "{} at line {line}, column {column}", self.severity)?;
        let subject = self.subject();
        if !subject.is_empty() {
            write!(f, " ({subject})")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Why there is no configuration at all. A running gateway keeps the last good one.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error("{}", missing(path, searched))]
    Missing {
        /// The file that would have been taken.
        path: PathBuf,
        /// Every place that was looked at.
        searched: Vec<PathBuf>,
    },
    /// The file is there, and the operating system does not hand it out.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file as a whole cannot be used: not UTF-8, not JSON, another shape, empty.
    #[error("{}", malformed(.0))]
    Malformed(Vec<Problem>),
}

impl ConfigError {
    /// The mistakes with their places; empty unless the file could be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Malformed(problems) => problems,
            Self::Missing { .. } | Self::Unreadable { .. } => &[],
        }
    }
}

fn missing(path: &std::path::Path, searched: &[PathBuf]) -> String {
    if searched.len() < 2 {
        let path = path.display().to_string();
        let hint = if path.contains("/~/") {
            ". A '~' is filled in by a shell only: write the whole path"
        } else if path.contains(['"', '\'']) {
            ". The quotes are part of its name: write it without them"
        } else {
            ""
        };
        return format!(
            "the configuration file {path} does not exist; create it, or name another with --config{hint}"
        );
    }
    let places: Vec<_> = searched.iter().map(|p| p.display().to_string()).collect();
    let places = match places.split_last() {
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    format!(
        "no configuration file: looked for {places}; create one of them ('mcproxy add' does), or name yours with \
         --config or MCPROXY_CONFIG"
    )
}

fn malformed(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    format!("the configuration cannot be used: {}", lines.join(" | "))
}

/// The path of `key` in the object at `path`.
pub(super) fn extended(path: &str, key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if key.is_empty() || !key.chars().all(is_plain) {
        format!("{path}[{}]", quoted(key))
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// `text` in single quotes for a message: control characters escaped (the message ends in a log),
/// and cut where it is longer than anybody reads.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    let escaped: String = short
        .chars()
        .flat_map(|c| {
            let plain = matches!(c, '"' | '\'' | '\\');
            let escape = (!plain).then(|| c.escape_debug());
            let same = plain.then_some(c);
            escape.into_iter().flatten().chain(same)
        })
        .collect();
    format!("'{escaped}'")
}
