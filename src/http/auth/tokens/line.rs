//! One line of a list of tokens: the token, and the words after it.

use super::{InvalidToken, SHORTEST};
use crate::ids::ProfileName;

/// As long as a token's name may be.
const LONGEST_NAME: usize = 64;

/// What a line says.
pub(super) struct Line<'t> {
    pub(super) token: &'t str,
    pub(super) name: Option<&'t str>,
    pub(super) profiles: Vec<ProfileName>,
}

impl<'t> Line<'t> {
    /// Reads line `number`; `None` if it says nothing.
    pub(super) fn read(text: &'t str, number: usize) -> Result<Option<Self>, InvalidToken> {
        let meant = without_comment(text);
        let mut words = meant.split_whitespace();
        let Some(token) = words.next() else {
            return Ok(None);
        };
        if let Some(what) = adornment(meant, token) {
            return Err(InvalidToken::Adorned(number, what));
        }
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidToken::Character(number));
        }
        if token.len() < SHORTEST {
            return Err(InvalidToken::Short(number));
        }
        let mut line = Line {
            token,
            name: None,
            profiles: Vec::new(),
        };
        for word in words {
            line.take(word, (number, column(text, word)))?;
        }
        Ok(Some(line))
    }

    fn take(&mut self, word: &'t str, (line, column): (usize, usize)) -> Result<(), InvalidToken> {
        match word.split_once('=') {
            Some(("name", name)) if self.name.is_none() && is_name(name) => {
                self.name = Some(name);
            }
            Some(("name", _)) => return Err(InvalidToken::Name { line, column }),
            Some(("profile", name)) => {
                let wrong = |why| InvalidToken::Profile { line, column, why };
                let name = ProfileName::new(name).map_err(wrong)?;
                if !self.profiles.contains(&name) {
                    self.profiles.push(name);
                }
            }
            Some(_) | None => return Err(InvalidToken::Word { line, column }),
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(is_plain)
}

/// Where `word`, a part of `text`, begins: in characters, from 1.
fn column(text: &str, word: &str) -> usize {
    let offset = word.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let before = text.get(..offset).unwrap_or_default();
    before.chars().count() + 1
}

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    let mut marks = line.match_indices('#').map(|(at, _)| line.split_at(at).0);
    let is_apart = |before: &&str| before.is_empty() || before.ends_with(char::is_whitespace);
    marks.find(is_apart).unwrap_or(line).trim_end()
}

/// What files of other kinds, and people, put around the token that a line begins with.
fn adornment(line: &str, token: &str) -> Option<&'static str> {
    let is_quote = |c| matches!(c, '"' | '\'' | '`');
    if token.starts_with(is_quote) && (line.ends_with(is_quote) || token.ends_with(is_quote)) {
        return Some("quotes");
    }
    if token.eq_ignore_ascii_case("bearer") && token.len() < line.len() {
        return Some("'Bearer'");
    }
    // Base64 ends with '=', and has none inside.
    let assignment = line.strip_prefix("export ").unwrap_or(token);
    let (name, value) = assignment.split_once('=')?;
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let has_value = !value.trim_start_matches('=').is_empty();
    (!name.is_empty() && name.chars().all(is_name) && has_value).then_some("'NAME='")
}
