//! One look at the file, in a task that may block: sees to the watch, reads, and says whether what
//! is there is news. What is news is parsed here too, so that no text whatever can end the actor.

use std::path::Path;
use std::sync::Arc;

use super::watch::Watch;
use crate::config::model::Given;
use crate::config::{self, ConfigError, Parsed, Problem};

/// Why the file is looked at; the greater reason includes the smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// It is time to.
    Poll,
    /// It has been changed, and that was a moment ago; or this is the first look.
    Settled,
    /// Somebody wants it read, and what is down tried at once.
    Reload,
}

/// What was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// This text.
    Text(Arc<str>),
    /// Nothing that could be read, for this reason.
    Unreadable(Arc<str>),
}

/// What a look found.
pub(super) enum Found {
    /// What was there the last time.
    Same,
    /// Something else.
    News(Box<News>),
}

/// What was not there the last time.
pub(super) struct News {
    pub(super) seen: Seen,
    pub(super) parsed: Result<Parsed, ConfigError>,
    /// A secret in it that all users of the machine may read.
    pub(super) exposure: Option<Problem>,
}

/// The outcome of a look.
pub(crate) struct Looked {
    /// The watch from now on. An error: there is none, only the poll.
    pub(super) watch: notify::Result<Watch>,
    pub(super) found: Found,
}

/// Looks. `command_line` stands above the file, `known` is what the last look saw, `watch` the watch so far; `changed` is what a new
/// watch calls.
pub(super) fn look(
    path: &Path,
    command_line: &Given,
    known: Option<&Seen>,
    watch: Option<Watch>,
    changed: impl Fn() + Send + 'static,
) -> Looked {
    // Before reading, so that no change falls between.
    let watch = match watch.filter(|watch| watch.is_current(path)) {
        Some(watch) => Ok(watch),
        None => Watch::over(path, changed),
    };
    let found = find(path, command_line, known);
    Looked { watch, found }
}

fn find(path: &Path, command_line: &Given, known: Option<&Seen>) -> Found {
    let (seen, text) = match config::read(path) {
        Ok(text) => {
            let text: Arc<str> = text.into();
            (Seen::Text(Arc::clone(&text)), Ok(text))
        }
        Err(error) => (Seen::Unreadable(error.to_string().into()), Err(error)),
    };
    if known == Some(&seen) {
        return Found::Same;
    }
    let env = |name: &str| std::env::var(name).ok();
    let parsed = text.and_then(|text| config::parse_under(&text, &env, command_line));
    let exposure = parsed
        .as_ref()
        .ok()
        .and_then(|parsed| config::exposure(path, parsed));
    Found::News(Box::new(News {
        seen,
        parsed,
        exposure,
    }))
}
