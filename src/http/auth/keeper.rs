//! Where the tokens come from: a file, a variable, or both. `main` opens the keeper, tells it to
//! read again upon SIGHUP, and hands what it publishes to the port.

use super::tokens::{InvalidToken, Tokens};
use crate::files::{self, Reread};
use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// The variable with a token in it.
const VARIABLE: &str = "MCPROXY_TOKEN";
/// The variable with the file's name in it.
const FILE_VARIABLE: &str = "MCPROXY_TOKEN_FILE";
/// Whoever is on this machine may read it.
const WORLD_READABLE: u32 = 0o004;
/// Thousands of tokens.
const LARGEST: u64 = 1 << 20;

/// Why there are no tokens where there should be. Shows nothing of them.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file is not there, or not ours to read, or no text.
    #[error("can't read the token file {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// What the file or the variable holds cannot be used.
    #[error("{0}")]
    Invalid(String, #[source] InvalidToken),
}

/// The tokens, read again whenever asked to.
pub struct TokenKeeper(Arc<Shared>);

struct Shared {
    file: Option<PathBuf>,
    /// The environment does not change: what it says is read once.
    of_variable: Tokens,
    current: watch::Sender<Tokens>,
    reread: Reread,
}

impl TokenKeeper {
    /// Reads the tokens in `file` and in the text of the variable `MCPROXY_TOKEN`. Without both,
    /// none is asked for.
    ///
    /// # Errors
    /// When one of the two is given and has no token that can be used.
    pub fn open(file: Option<PathBuf>, variable: Option<&str>) -> Result<Self, TokenError> {
        let of_variable = variable.filter(|text| !text.is_empty()).map(Tokens::parse);
        let invalid = |error| TokenError::Invalid(format!("the variable {VARIABLE}"), error);
        let of_variable = of_variable
            .transpose()
            .map_err(invalid)?
            .unwrap_or_default();
        let kept = Shared {
            file,
            of_variable,
            current: watch::Sender::default(),
            reread: Reread::default(),
        };
        kept.current.send_replace(kept.read()?);
        kept.file.as_deref().into_iter().for_each(warn_if_open);
        Ok(Self(Arc::new(kept)))
    }

    /// The tokens as they are now and will be.
    #[must_use]
    pub fn tokens(&self) -> watch::Receiver<Tokens> {
        self.0.current.subscribe()
    }

    /// Has the file read again, by a thread of its own: its file system may hang. What cannot be
    /// used changes nothing.
    pub fn reload(&self) {
        let kept = Arc::clone(&self.0);
        match self.0.reread.start("tokens", move || kept.take_over()) {
            Ok(true) => {}
            Ok(false) => {
                log::warn!("The token file is still being read; then it is read once more");
            }
            Err(error) => {
                log::error!("The tokens stay as they were: no thread to read them: {error}");
            }
        }
    }

    /// Says what whoever set this up should know: once, at the start.
    pub fn warn(&self, listening: &[SocketAddr]) {
        let is_asked_for = self.0.current.borrow().are_asked_for();
        // As a compose file has it whose own variable is not set: a token was to be asked for.
        let is_empty = |name: &&str| std::env::var_os(name).is_some_and(|text| text.is_empty());
        for variable in [VARIABLE, FILE_VARIABLE]
            .iter()
            .filter(|_| !is_asked_for)
            .filter(|name| is_empty(name))
        {
            log::warn!(
                "{variable} is set and empty, so no token is asked for: give it a value, or unset it"
            );
        }
        let is_open = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
        if let Some(open) = listening.iter().find(is_open)
            && !is_asked_for
        {
            log::warn!(
                "Whoever reaches {open} can use every tool: ask for a token with --token-file, \
                 or listen on 127.0.0.1 only"
            );
        }
    }
}

impl Shared {
    fn take_over(&self) {
        let Some(file) = &self.file else {
            return;
        };
        match self.read() {
            Ok(tokens) => {
                let count = tokens.count();
                let replace = |current: &mut Tokens| {
                    let is_other = *current != tokens;
                    *current = tokens;
                    is_other
                };
                if self.current.send_if_modified(replace) {
                    log::info!("Tokens read again: {count} are valid now");
                }
                warn_if_open(file);
            }
            Err(error) => {
                let error = whole(&error);
                log::error!("The tokens stay as they were: {error}");
            }
        }
    }

    fn read(&self) -> Result<Tokens, TokenError> {
        let of_file = self.file.as_deref().map(read).transpose()?;
        Ok(of_file.unwrap_or_default().and(self.of_variable.clone()))
    }
}

impl fmt::Debug for TokenKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeeper({:?})", self.0.current.borrow())
    }
}

fn read(file: &Path) -> Result<Tokens, TokenError> {
    let unreadable = |error| TokenError::Unreadable(file.to_owned(), error);
    let (text, _) = files::read_text(file, LARGEST).map_err(unreadable)?;
    let invalid = |error| TokenError::Invalid(format!("the token file {}", file.display()), error);
    Tokens::parse(&text).map_err(invalid)
}

#[expect(
    clippy::disallowed_methods,
    reason = "called by whoever reads the file, who may block"
)]
fn warn_if_open(file: &Path) {
    let mode = fs::metadata(file).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & WORLD_READABLE != 0) {
        let file = file.display();
        log::warn!(
            "{file}: every user of this machine may read the tokens in it: chmod 640 {file}"
        );
    }
}

/// An error and what it comes from, on one line.
fn whole(error: &TokenError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
