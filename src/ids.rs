//! Names and numbers that travel between the rooms, each with a checked constructor, so that
//! what arrives in a message is known to be well formed.

mod owners;
mod profile;

pub use owners::{Holder, Owner, Owners};
pub use profile::{InvalidProfileName, ProfileId, ProfileName};

use std::fmt;
use std::sync::Arc;

/// As short as a token that lets clients in may be: a shorter one could be guessed.
pub const SHORTEST_TOKEN: usize = 16;

/// What separates a server's name from a tool's in the merged catalogue.
pub const SEPARATOR: &str = "__";

/// The name of a configured server: letters, digits, `_` and `-`, without `__`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(Arc<str>);

/// Why a text is no server name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServerName {
    /// The text is empty.
    #[error("a name must not be empty")]
    Empty,
    /// A character outside letters, digits, `_` and `-`.
    #[error("a name has only letters, digits, '_' and '-'; {0:?} is none of them")]
    Character(char),
    /// `__` would make `{server}__{tool}` ambiguous.
    #[error("a name must not contain '__', which separates server from tool")]
    Separator,
    /// Longer than 64 bytes.
    #[error("a name has at most 64 characters")]
    TooLong,
}

impl ServerName {
    /// Checks `text` and takes it as a name.
    pub fn new(text: &str) -> Result<Self, InvalidServerName> {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if text.is_empty() {
            return Err(InvalidServerName::Empty);
        }
        if let Some(wrong) = text.chars().find(|c| !allowed(c)) {
            return Err(InvalidServerName::Character(wrong));
        }
        if text.contains(SEPARATOR) {
            return Err(InvalidServerName::Separator);
        }
        if text.len() > 64 {
            return Err(InvalidServerName::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0)
    }
}

/// What is put before the names of a server's tools and prompts in the merged lists: the server's
/// name, a text that could be one, or nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Option<ServerName>);

impl Prefix {
    /// Takes `text` as a prefix, by the rules of a server's name. The empty text is [`Prefix::bare`].
    pub fn new(text: &str) -> Result<Self, InvalidServerName> {
        if text.is_empty() {
            return Ok(Self::bare());
        }
        ServerName::new(text).map(|name| Self(Some(name)))
    }

    /// The default: the server's name.
    #[must_use]
    pub fn of(server: &ServerName) -> Self {
        Self(Some(server.clone()))
    }

    /// None: the names stay as the server has them.
    #[must_use]
    pub fn bare() -> Self {
        Self(None)
    }

    /// Whether names stay as the server has them.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.0.is_none()
    }

    /// The text before the separator; the empty one if names stay as they are.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", ServerName::as_str)
    }

    /// The name in the merged list of what the server calls `own`.
    #[must_use]
    pub fn join(&self, own: &str) -> String {
        match &self.0 {
            Some(prefix) => format!("{prefix}{SEPARATOR}{own}"),
            None => own.to_owned(),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |prefix| prefix.fmt(f))
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{self}'")
    }
}

/// Which life of a child this is. Generations only grow; what carries an older one than the
/// current is stale and ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A session's id as the client holds it: 128 random bits from the operating system, in
/// hexadecimal. It is a secret: `Debug` prints only [`SessionId::short`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// A fresh id.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0u8; 16];
        getrandom::fill(&mut bits)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bits)).into()))
    }

    /// Takes what a client sent; `None` if it cannot be an id of ours. Dashes are accepted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter(|c| *c != '-').collect();
        let is_id = plain.len() == 32 && plain.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then(|| Self(plain.to_ascii_lowercase().into()))
    }

    /// The whole id, for the client it belongs to.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Eight characters that name the session in logs and cannot be turned back into the id.
    #[must_use]
    pub fn short(&self) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        format!("{:08x}", hasher.finish() >> 32)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.short())
    }
}

/// One call in flight: which session sent it, and its number there. Unique while the gateway lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    /// The session's serial number.
    pub session: u64,
    /// The call's number in its session.
    pub number: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_names_are_checked() {
        for good in ["a", "git-hub", "A_b-9"] {
            assert_eq!(ServerName::new(good).unwrap().as_str(), good);
        }
        assert_eq!(ServerName::new(""), Err(InvalidServerName::Empty));
        assert_eq!(
            ServerName::new("a b"),
            Err(InvalidServerName::Character(' '))
        );
        assert_eq!(ServerName::new("a__b"), Err(InvalidServerName::Separator));
        assert_eq!(
            ServerName::new(&"x".repeat(65)),
            Err(InvalidServerName::TooLong)
        );
    }

    #[test]
    fn a_prefix_is_a_name_or_nothing() {
        let server = ServerName::new("git-hub").unwrap();
        assert_eq!(Prefix::of(&server).join("a__b"), "git-hub__a__b");
        assert_eq!(Prefix::new("git-hub"), Ok(Prefix::of(&server)));
        assert_eq!(Prefix::new(""), Ok(Prefix::bare()));
        assert_eq!(Prefix::bare().join("_a"), "_a");
        assert_eq!(Prefix::new("a__b"), Err(InvalidServerName::Separator));
        assert_eq!(
            Prefix::new(&"x".repeat(65)),
            Err(InvalidServerName::TooLong)
        );
    }

    #[test]
    fn session_ids_are_random_and_never_printed() {
        let (one, two) = (SessionId::random().unwrap(), SessionId::random().unwrap());
        assert_ne!(one, two);
        assert_eq!(SessionId::parse(one.secret()), Some(one.clone()));
        assert!(!format!("{one:?}").contains(one.secret()));
        assert_eq!(SessionId::parse("short"), None);
    }
}
