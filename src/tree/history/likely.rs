//! The probable cause of a failure, and what to do about it, from how a server ended and what it said
//! last: a table of what servers, `npm`, `pip`, `uv` and the system say. The words are the gateway's own,
//! whatever the server said: everybody may read them.

mod table;
#[cfg(test)]
mod tests;

use serde::Serialize;

use self::table::TABLE;

/// A cause that is known, and its remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Likely {
    /// Why it failed.
    pub cause: &'static str,
    /// What helps.
    pub remedy: &'static str,
}

/// What is known of a failure.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence<'e> {
    /// Why, in the words of the system or of a library.
    pub(super) cause: Option<&'e str>,
    /// The last lines of stderr, oldest first.
    pub(super) said: &'e [String],
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
}

/// What a failure is known by.
enum Sign {
    /// One line has all of these, in whatever case.
    Words(&'static [&'static str]),
    /// It ended by this signal, or a shell says that its child did.
    Signal(i32),
}

/// What is known by any of these signs.
type Row = (&'static [Sign], Likely);

/// The first row that fits is meant.
pub(super) fn of(evidence: &Evidence<'_>) -> Option<Likely> {
    let lines: Vec<String> = evidence
        .cause
        .into_iter()
        .chain(evidence.said.iter().map(String::as_str))
        .map(str::to_lowercase)
        .collect();
    let is_seen = |sign: &Sign| match sign {
        Sign::Words(words) => lines
            .iter()
            .any(|line| words.iter().all(|word| line.contains(word))),
        Sign::Signal(number) => {
            evidence.signal == Some(*number) || evidence.code == Some(128 + *number)
        }
    };
    let mut rows = TABLE.iter();
    let row = rows.find(|(signs, _)| signs.iter().any(is_seen));
    row.map(|(_, likely)| *likely)
}
