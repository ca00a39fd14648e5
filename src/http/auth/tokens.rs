//! The tokens that let in, kept as digests only: neither a log line nor a core of the program's
//! memory need show one. Pure.

use crate::ids::Owner;
use ctutils::CtEq as _;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;

/// A shorter one could be guessed.
const SHORTEST: usize = 16;

/// The tokens that let in; by default none is asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens(Option<Arc<[Owner]>>);

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
}

impl Tokens {
    /// Reads one token per line. Blank lines and those that begin with `#` are left out.
    ///
    /// # Errors
    /// When there is none, or one that cannot be used: then all are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().map(str::trim).zip(1..);
        let mut owners = Vec::new();
        for (token, line) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
            if !token.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(InvalidToken::Character(line));
            }
            if token.len() < SHORTEST {
                return Err(InvalidToken::Short(line));
            }
            owners.push(Owner::of(digest(token.as_bytes())));
        }
        if owners.is_empty() {
            return Err(InvalidToken::None);
        }
        Ok(Self(Some(owners.into())))
    }

    /// These and those; where one of the two asks for none, the other's count.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        match (self.0, others.0) {
            (Some(one), Some(two)) => Self(Some(one.iter().chain(two.iter()).copied().collect())),
            (one, two) => Self(one.or(two)),
        }
    }

    /// Whether a token is needed at all.
    #[must_use]
    pub fn are_asked_for(&self) -> bool {
        self.0.is_some()
    }

    /// Whose a token is; `None` if it does not let in. Takes the same time whichever it is and
    /// however much of it is right: digests are compared, each of them, and in constant time.
    pub(super) fn owner_of(&self, token: &[u8]) -> Option<Owner> {
        let asked = digest(token);
        let known = self.0.iter().flat_map(|owners| owners.iter());
        let hits = known.filter(|owner| owner.digest().ct_eq(&asked).to_bool());
        (hits.count() > 0).then(|| Owner::of(asked))
    }

    /// Who may have sessions.
    pub(in crate::http) fn owners(&self) -> Arc<[Owner]> {
        let anybody = || Arc::from([Owner::ANYBODY]);
        self.0.clone().unwrap_or_else(anybody)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |owners| owners.len())
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
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef";
    const TWO: &str = "fedcba9876543210";

    #[test]
    fn one_token_a_line() {
        let text = format!("\u{feff}# of the laptop\r\n{ONE}\r\n\n  {TWO}  \n#{ONE}x\n");
        let tokens = Tokens::parse(&text).unwrap();
        assert_eq!(tokens.count(), 2);
        let (one, two) = (
            tokens.owner_of(ONE.as_bytes()),
            tokens.owner_of(TWO.as_bytes()),
        );
        assert!(one.is_some() && two.is_some() && one != two);
        for wrong in ["", "0", "0123456789abcdeg", "0123456789abcdef0"] {
            assert_eq!(tokens.owner_of(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(*tokens.owners(), [one.unwrap(), two.unwrap()]);
    }

    #[test]
    fn mistakes_have_their_line_and_show_no_token() {
        assert_eq!(Tokens::parse(" \n# x\n"), Err(InvalidToken::None));
        let secret = "s3cr3t-0f-th3-h0us3";
        for (text, expected) in [
            ("s3cr3t-s3cr3t-s".to_owned(), InvalidToken::Short(1)),
            (
                format!("{ONE}\n{secret} {secret}"),
                InvalidToken::Character(2),
            ),
            (format!("\n\n{secret}\u{e9}"), InvalidToken::Character(3)),
            (format!("{secret}\0"), InvalidToken::Character(1)),
        ] {
            let error = Tokens::parse(&text).unwrap_err();
            assert_eq!(error, expected);
            assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
        }
        let tokens = Tokens::parse(secret).unwrap();
        assert_eq!(format!("{tokens:?}"), "Tokens(1)");
    }

    #[test]
    fn two_sources_count_together() {
        let (one, two) = (Tokens::parse(ONE).unwrap(), Tokens::parse(TWO).unwrap());
        assert_eq!(one.clone().and(two).count(), 2);
        assert_eq!(one.clone().and(Tokens::default()), one);
        assert_eq!(Tokens::default().and(one.clone()), one);
        assert!(!Tokens::default().and(Tokens::default()).are_asked_for());
        assert_eq!(*Tokens::default().owners(), [Owner::ANYBODY]);
    }
}
