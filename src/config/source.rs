//! The text of the file: from bytes offsets to lines and columns, and from text to a syntax tree.
//! What the parser finds is worded here for the person who made the typing mistake.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind, parse_to_ast};

use super::error::{Place, Problem};
use super::notes::{At, Finding, Notes};

/// The text without its byte order mark, and where its lines start.
pub(super) struct Source<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // Windows editors put the mark there; JSON does not know it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let after_breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let starts = std::iter::once(0).chain(after_breaks).collect();
        Self { text, starts }
    }

    /// Where a byte offset is for a person.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Place {
            line: line.max(1),
            column: before.chars().count() + 1,
        }
    }

    /// A finding with its place, as everybody else sees it.
    pub(super) fn problem(&self, finding: Finding) -> Problem {
        let Place { line, column } = self.place(finding.at.offset);
        Problem {
            severity: finding.severity,
            line,
            column,
            path: finding.at.path,
            server: finding.server,
            message: finding.message,
            help: finding.help,
        }
    }

    /// The syntax tree; an empty text has none. JSON with comments and trailing commas: whatever
    /// else some programs accept (single quotes, missing commas) others refuse, and the same file
    /// is often read by both.
    pub(super) fn tree(&self, notes: &mut Notes) -> Option<Value<'a>> {
        if let Some(offset) = unclosed_string(self.text) {
            let what = "the string is not closed on its line";
            notes.add(
                Finding::error(At::file(offset), what).help("put the missing '\"' at its end"),
            );
            return None;
        }
        let strict = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        match parse_to_ast(self.text, &CollectOptions::default(), &strict) {
            Ok(tree) => {
                if tree.value.is_none() {
                    let empty = Finding::error(At::file(0), "the file is empty");
                    notes.add(empty.help("write [] if no server is to run"));
                }
                tree.value
            }
            Err(error) => {
                notes.add(self.syntax(&error));
                None
            }
        }
    }

    fn syntax(&self, error: &ParseError) -> Finding {
        let at = At::file(error.range().start().min(self.text.len()));
        match in_words(error.kind()) {
            Some((what, help)) => Finding::error(at, what).help(help),
            None => Finding::error(at, uncapitalised(&error.kind().to_string())),
        }
    }
}

/// The mistakes that people make, in their words, and what to do.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's list grows; what is not in ours is reported in its words"
)]
fn in_words(kind: &ParseErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ParseErrorKind::UnterminatedObject => (
            "the object that starts here is not closed",
            "its '}' is missing",
        ),
        ParseErrorKind::UnterminatedArray => (
            "the list that starts here is not closed",
            "its ']' is missing",
        ),
        ParseErrorKind::UnexpectedTokenInObject => (
            "a field in double quotes or a '}' should be here",
            "perhaps a '}' is missing before this place",
        ),
        ParseErrorKind::UnexpectedCloseBrace => (
            "a '}' where a value should be",
            "perhaps a ']' is missing before this place",
        ),
        ParseErrorKind::UnexpectedComma => ("a comma where a value should be", "remove it"),
        ParseErrorKind::MultipleRootJsonValues => (
            "something follows after the end of the configuration",
            "look for a '}' or ']' too many before this place",
        ),
        ParseErrorKind::ExpectedComma => ("a comma is missing", "put a ',' here"),
        ParseErrorKind::ExpectedColonAfterObjectKey => {
            ("a colon is missing", "write \"field\": value")
        }
        ParseErrorKind::SingleQuotedStringsNotAllowed => {
            ("a text in single quotes", "use double quotes")
        }
        ParseErrorKind::ExpectedStringObjectProperty => {
            ("a field without quotes", "put it into double quotes")
        }
        ParseErrorKind::UnexpectedWord | ParseErrorKind::UnexpectedToken => (
            "this is no value",
            "a value is a text in double quotes, a number, true, false, null, [ … ] or { … }",
        ),
        ParseErrorKind::String(ParseStringErrorKind::InvalidEscape) => (
            "a backslash that stands for nothing",
            "write it as \\\\, and paths with /",
        ),
        ParseErrorKind::NestingDepthExceeded => {
            ("the nesting is too deep", "a configuration has five levels")
        }
        _ => return None,
    })
}

fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// Where a string starts that runs over the end of its line. The parser reads on to the next quote,
/// wherever that is, and complains there; the mistake is here.
fn unclosed_string(text: &str) -> Option<usize> {
    enum State {
        Plain,
        Text(usize),
        LineComment,
        BlockComment,
    }
    let mut state = State::Plain;
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        let next = bytes.peek().map(|(_, byte)| *byte);
        state = match (state, byte, next) {
            (State::Plain, b'"', _) => State::Text(at),
            (State::Plain, b'/', Some(b'/')) => State::LineComment,
            (State::Plain, b'/', Some(b'*')) => {
                bytes.next();
                State::BlockComment
            }
            (State::Text(_), b'"', _) | (State::LineComment, b'\n', _) => State::Plain,
            (State::Text(start), b'\n', _) => return Some(start),
            (State::Text(start), b'\\', Some(escaped)) if escaped != b'\n' => {
                bytes.next();
                State::Text(start)
            }
            (State::BlockComment, b'*', Some(b'/')) => {
                bytes.next();
                State::Plain
            }
            (same, _, _) => same,
        };
    }
    match state {
        State::Text(start) => Some(start),
        State::Plain | State::LineComment | State::BlockComment => None,
    }
}
