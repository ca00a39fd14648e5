//! One look at the file, in a task that may block: sees to the watch, reads, and says whether what
//! is there is news. What is news is parsed here too, so that no text whatever can end the actor.

use std::path::PathBuf;
use std::sync::Arc;

use super::last_configuration::LastConfiguration;
use super::watch::Watch;
use crate::config::model::{Config, Given};
use crate::config::{self, ConfigError, Parsed, Problem};
use crate::files;

/// Why the file is looked at; the greater reason includes the smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LookReason {
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
    /// Something else, which may be half written and was not parsed: the poll looks at any moment.
    Unsettled,
    /// Something else.
    NewText(Box<NewText>),
}

/// What was not there the last time.
pub(super) struct NewText {
    pub(super) seen: Seen,
    pub(super) parsed: Result<Parsed, ConfigError>,
    /// What was used last, where this can't be and nothing was seen before.
    pub(super) last: Option<Config>,
    /// A secret in it that all users of the machine may read.
    pub(super) exposure: Option<Problem>,
}

/// The outcome of a look.
pub(crate) struct Looked {
    /// The watch from now on. An error: there is none, only the poll.
    pub(super) watch: notify::Result<Watch>,
    pub(super) found: Found,
}

/// What a look needs to know.
pub(super) struct WatchedFile {
    /// The file.
    pub(super) path: PathBuf,
    /// What stands above it.
    pub(super) command_line: Given,
    /// Where what was used last is kept.
    pub(super) kept: LastConfiguration,
}

impl WatchedFile {
    /// Looks, for this reason. `known` is what the last look saw, `watch` the watch so far; `changed`
    /// is what a new watch calls.
    pub(super) fn look(
        &self,
        reason: LookReason,
        known: Option<&Seen>,
        watch: Option<Watch>,
        changed: impl Fn() + Send + 'static,
    ) -> Looked {
        let _at_work = files::at_work(&self.path);
        // Before reading, so that no change falls between.
        let watch = match watch.filter(|watch| watch.is_current(&self.path)) {
            Some(watch) => Ok(watch),
            None => Watch::over(&self.path, changed),
        };
        let found = self.find(reason, known);
        Looked { watch, found }
    }

    fn find(&self, reason: LookReason, known: Option<&Seen>) -> Found {
        let (seen, text) = match config::read(&self.path) {
            Ok(text) => {
                let text: Arc<str> = text.into();
                (Seen::Text(Arc::clone(&text)), Ok(text))
            }
            Err(error) => (Seen::Unreadable(error.to_string().into()), Err(error)),
        };
        if known == Some(&seen) {
            return Found::Same;
        }
        if reason == LookReason::Poll && known.is_some() {
            return Found::Unsettled;
        }
        let parsed = text.and_then(|text| {
            let parsed = self.parse(&text)?;
            self.keep(&text);
            Ok(parsed)
        });
        let exposure = parsed
            .as_ref()
            .ok()
            .and_then(|parsed| config::exposure(&self.path, parsed));
        let is_lost = parsed.is_err() && known.is_none();
        Found::NewText(Box::new(NewText {
            seen,
            parsed,
            last: is_lost.then(|| self.last()).flatten(),
            exposure,
        }))
    }

    fn parse(&self, text: &str) -> Result<Parsed, ConfigError> {
        let env = |name: &str| std::env::var(name).ok();
        config::parse_under(
            text,
            &env,
            config::directory(&self.path),
            &self.command_line,
        )
    }

    /// What is wrong with entries of it was said when it was used.
    fn last(&self) -> Option<Config> {
        let unreadable =
            |error| log::error!("What was used last can't be read and is not used: {error}");
        let text = self.kept.text().map_err(unreadable).ok()??;
        self.parse(&text).ok().map(|parsed| parsed.config)
    }

    /// It is for a start that may never be.
    fn keep(&self, text: &str) {
        if let Some(error) = self.kept.keep(text) {
            log::warn!("A start with a broken configuration would be one without servers: {error}");
        }
    }
}
