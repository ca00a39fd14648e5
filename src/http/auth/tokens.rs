//! The tokens that let in, kept as digests only: neither a log line nor a core of the program's
//! memory need show one. With them what each is called, and the profiles that it is pinned to. Pure.

mod line;

use self::line::Line;
use crate::ids::{InvalidProfileName, Owner, Owners, ProfileName, SHORTEST_TOKEN as SHORTEST};
use ctutils::CtEq as _;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The tokens that let in; by default none is asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens(Option<Arc<[Token]>>);

/// The profiles that a token is pinned to, the first of them for addresses without one; none, if it is
/// not pinned.
pub(in crate::http) type Pins = Option<Arc<[ProfileName]>>;

/// One of them.
#[derive(Clone, PartialEq, Eq)]
struct Token {
    owner: Owner,
    name: Option<Arc<str>>,
    pins: Pins,
}

/// Why a list of tokens cannot be used. Shows nothing of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Nothing but blank lines and comments.
    #[error(
        "there is no token in it: write one on a line, such as the output of `openssl rand -hex 32`"
    )]
    None,
    /// What could be guessed.
    #[error("line {0}: a token has at least {SHORTEST} characters")]
    Short(usize),
    /// What a header cannot hold, or what would be cut off.
    #[error("line {0}: a token is made of visible ASCII characters, without spaces")]
    Character(usize),
    /// What only looks like a token: no client would ever send it so.
    #[error("line {0}: the token alone is to be there, without {1}")]
    Adorned(usize, &'static str),
    /// What comes after a token and is neither of the two words.
    #[error(
        "line {line}, column {column}: after a token there may be 'name=NAME' and 'profile=NAME', and a \
         comment after ' #'"
    )]
    Word {
        /// The line.
        line: usize,
        /// The character in the line.
        column: usize,
    },
    /// A name that is none, or a second one.
    #[error(
        "line {line}, column {column}: a token has one name, of at most 64 letters, digits, '_', '-', '.' \
         and '@'"
    )]
    Name {
        /// The line.
        line: usize,
        /// The character in the line.
        column: usize,
    },
    /// A profile that cannot be called so.
    #[error("line {line}, column {column}: {why}")]
    Profile {
        /// The line.
        line: usize,
        /// The character in the line.
        column: usize,
        /// What is wrong with its name.
        why: InvalidProfileName,
    },
    /// The same token, pinned otherwise: which is meant cannot be known.
    #[error(
        "line {line}: this token is in line {first} already, with other profiles; remove one of the two"
    )]
    Twice {
        /// The line.
        line: usize,
        /// The one before.
        first: usize,
    },
}

impl Tokens {
    /// Reads one token per line, and after it `name=NAME` and `profile=NAME`, this as often as there are
    /// profiles. Blank lines and those that begin with `#` are left out, and so is what follows a space
    /// and a `#`.
    ///
    /// # Errors
    /// When there is none, or one that cannot be used: then all are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut tokens = Vec::new();
        let mut seen: HashMap<Owner, (usize, Pins)> = HashMap::new();
        for (text, number) in text.lines().zip(1..) {
            let Some(line) = Line::read(text, number)? else {
                continue;
            };
            let owner = Owner::of(digest(line.token.as_bytes()));
            let pins: Pins = (!line.profiles.is_empty()).then(|| line.profiles.into());
            let first = seen.entry(owner).or_insert((number, pins.clone()));
            if first.1 != pins {
                let (line, first) = (number, first.0);
                return Err(InvalidToken::Twice { line, first });
            }
            let name = line.name.map(Arc::from);
            tokens.push(Token { owner, name, pins });
        }
        if tokens.is_empty() {
            return Err(InvalidToken::None);
        }
        Ok(Self(Some(tokens.into())))
    }

    /// These and those; where one of the two asks for none, the other's count.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        match (self.0, others.0) {
            (Some(one), Some(two)) => Self(Some(one.iter().chain(&*two).cloned().collect())),
            (one, two) => Self(one.or(two)),
        }
    }

    /// Whether a token is needed at all.
    #[must_use]
    pub fn are_asked_for(&self) -> bool {
        self.0.is_some()
    }

    /// Whose a token is, and what it is pinned to; `None` if it does not let in. Takes the same time
    /// whichever it is and however much of it is right: digests are compared, each of them, and in
    /// constant time.
    pub(super) fn owner_of(&self, token: &[u8]) -> Option<(Owner, Pins)> {
        let asked = digest(token);
        let hits = self
            .iter()
            .filter(|token| token.owner.digest().ct_eq(&asked).to_bool());
        // One of the file may be in the variable too: pinned in one, it is pinned.
        let found = hits.fold(None, |found: Option<&Token>, token| {
            found.filter(|found| found.pins.is_some()).or(Some(token))
        })?;
        Some((found.owner, found.pins.clone()))
    }

    /// Who may have sessions.
    pub(in crate::http) fn owners(&self) -> Owners {
        if !self.are_asked_for() {
            return [Owner::ANYBODY].into_iter().collect();
        }
        let owners = self.iter().flat_map(|token| {
            let pins = token.pins.iter().flat_map(|pins| pins.iter());
            let pinned = pins.map(|profile| token.owner.in_profile(Some(profile.id())));
            pinned.chain(token.pins.is_none().then_some(token.owner))
        });
        owners.collect()
    }

    /// What tokens are pinned to, each with what the token is called.
    pub(in crate::http) fn pins(&self) -> impl Iterator<Item = (&ProfileName, Option<&str>)> {
        self.iter().flat_map(|token| {
            let pins = token.pins.iter().flat_map(|pins| pins.iter());
            pins.map(|profile| (profile, token.name.as_deref()))
        })
    }

    /// What those are called that have names, whatever they are pinned to.
    pub fn names(&self) -> impl Iterator<Item = (Owner, Arc<str>)> {
        let named = self.iter();
        named.filter_map(|token| Some((token.owner, Arc::clone(token.name.as_ref()?))))
    }

    fn iter(&self) -> impl Iterator<Item = &Token> {
        self.0.iter().flat_map(|tokens| tokens.iter())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.iter().count()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.count())
    }
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests;
