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
    #[error(
        "line {0}: a token is made of visible ASCII characters, without spaces; nothing but a comment \
         after ' #' may follow it"
    )]
    Character(usize),
    /// What only looks like a token: no client would ever send it so.
    #[error("line {0}: the token alone is to be there, without {1}")]
    Adorned(usize, &'static str),
}

impl Tokens {
    /// Reads one token per line. Blank lines and those that begin with `#` are left out, and so is
    /// what follows a token after a space and a `#`.
    ///
    /// # Errors
    /// When there is none, or one that cannot be used: then all are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().map(without_comment).zip(1..);
        let mut owners = Vec::new();
        for (token, line) in lines.filter(|(token, _)| !token.is_empty()) {
            if let Some(what) = adornment(token) {
                return Err(InvalidToken::Adorned(line, what));
            }
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

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    let mut marks = line.match_indices('#').map(|(at, _)| line.split_at(at).0);
    let is_apart = |before: &&str| before.is_empty() || before.ends_with(char::is_whitespace);
    marks.find(is_apart).unwrap_or(line).trim_end()
}

/// What files of other kinds, and people, put around a token.
fn adornment(line: &str) -> Option<&'static str> {
    let is_quote = |c| matches!(c, '"' | '\'' | '`');
    if line.starts_with(is_quote) && line.ends_with(is_quote) {
        return Some("quotes");
    }
    if line
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("bearer "))
    {
        return Some("'Bearer'");
    }
    // Base64 ends with '=', and has none inside.
    let (name, value) = line.split_once('=')?;
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let is_variable = name
        .strip_prefix("export ")
        .unwrap_or(name)
        .chars()
        .all(is_name);
    let has_value = !value.trim_start_matches('=').is_empty();
    (!name.is_empty() && is_variable && has_value).then_some("'NAME='")
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
        let text = format!(
            "\u{feff}# of the laptop\r\n{ONE}\r\n\n  {TWO}  \n#{ONE}x\n{ONE}  # of the phone\r\n{TWO}\t#\n"
        );
        let tokens = Tokens::parse(&text).unwrap();
        assert_eq!(tokens.count(), 4);
        let (one, two) = (
            tokens.owner_of(ONE.as_bytes()),
            tokens.owner_of(TWO.as_bytes()),
        );
        assert!(one.is_some() && two.is_some() && one != two);
        for wrong in ["", "0", "0123456789abcdeg", "0123456789abcdef0"] {
            assert_eq!(tokens.owner_of(wrong.as_bytes()), None, "{wrong}");
        }
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(*tokens.owners(), [one, two, one, two]);
    }

    #[test]
    fn a_token_may_have_signs_that_mean_something_elsewhere() {
        for token in [
            "0123456789abcdef#0",
            "#0123456789abcdef",
            "QUJDREVGR0hJSktMTU5PUA==",
            "ABCDEFGHIJKLMNOP=",
            "sk-proj_0123456789'abc",
        ] {
            let tokens = Tokens::parse(&format!("# x\n{token}"));
            assert_eq!(tokens.is_ok(), !token.starts_with('#'), "{token}");
            let known = tokens.is_ok_and(|tokens| tokens.owner_of(token.as_bytes()).is_some());
            assert_eq!(known, !token.starts_with('#'), "{token}");
        }
    }

    #[test]
    fn what_is_around_a_token_is_refused_with_its_line() {
        let secret = "s3cr3t-0f-th3-h0us3";
        for (text, expected) in [
            (
                format!("{ONE}\n\"{secret}\""),
                InvalidToken::Adorned(2, "quotes"),
            ),
            (
                format!("'{secret}'  # mine"),
                InvalidToken::Adorned(1, "quotes"),
            ),
            (
                format!("Bearer {secret}"),
                InvalidToken::Adorned(1, "'Bearer'"),
            ),
            (
                format!("MCPROXY_TOKEN={secret}"),
                InvalidToken::Adorned(1, "'NAME='"),
            ),
            (
                format!("export TOKEN={secret}"),
                InvalidToken::Adorned(1, "'NAME='"),
            ),
            (
                format!("{secret} of the laptop"),
                InvalidToken::Character(1),
            ),
            (format!("{secret} x # y"), InvalidToken::Character(1)),
        ] {
            let error = Tokens::parse(&text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
        }
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
