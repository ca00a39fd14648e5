//! The text of the file: from bytes offsets to lines and columns, and from text to a syntax tree.
//! What the parser finds is worded here for the person who made the typing mistake.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind, parse_to_ast};

use super::elsewhere;
use super::error::{Place, Problem};
use super::notes::{At, Finding, Notes};

/// The text without its byte order mark, and what was counted in it at each of its blocks: a place is
/// found by counting in one of them, however long the text and its lines are.
pub(crate) struct Source<'a> {
    text: &'a str,
    blocks: Vec<Counted>,
}

/// The bytes of a block.
const BLOCK: usize = 4096;

/// JSON with comments and trailing commas, and nothing else that some programs accept.
pub(crate) const STRICT: ParseOptions = ParseOptions {
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

/// What is before a byte of the text.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    lines: usize,
    characters: usize,
    /// The characters before the line that this byte is in.
    characters_before_line: usize,
}

impl Counted {
    fn and(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            // The bytes of a character after its first are no characters.
            self.characters += usize::from(byte & 0b1100_0000 != 0b1000_0000);
            if *byte == b'\n' {
                self.lines += 1;
                self.characters_before_line = self.characters;
            }
        }
        self
    }
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        // Windows editors put the mark there; JSON does not know it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut counted = Counted::default();
        let mut blocks = Vec::with_capacity(text.len() / BLOCK + 1);
        for block in text.as_bytes().chunks(BLOCK) {
            blocks.push(counted);
            counted = counted.and(block);
        }
        Self { text, blocks }
    }

    /// Where a byte offset is for a person.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let block = (offset / BLOCK).min(self.blocks.len().saturating_sub(1));
        let before = self.blocks.get(block).copied().unwrap_or_default();
        let bytes = self.text.as_bytes().get(block * BLOCK..offset);
        let here = before.and(bytes.unwrap_or_default());
        Place {
            line: here.lines + 1,
            column: here.characters - here.characters_before_line + 1,
        }
    }

    /// A finding with its place, as everybody else sees it.
    pub(crate) fn problem(&self, finding: Finding) -> Problem {
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
    pub(crate) fn tree(&self, notes: &mut Notes) -> Option<Value<'a>> {
        let mut found = Notes::default();
        let tree = self.parsed(&mut found);
        match elsewhere::format(self.text)
            .filter(|_| tree.is_none() && !self.text.trim().is_empty())
        {
            Some(other) => notes.add(other),
            None => notes.adopt(found, None),
        }
        tree
    }

    fn parsed(&self, notes: &mut Notes) -> Option<Value<'a>> {
        if let Some(offset) = unclosed_string(self.text) {
            let what = "the string is not closed on its line";
            notes.add(
                Finding::error(At::file(offset), what).help("put the missing '\"' at its end"),
            );
            return None;
        }
        match parse_to_ast(self.text, &CollectOptions::default(), &STRICT) {
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
        let there = self
            .text
            .get(at.offset..)
            .and_then(|rest| rest.chars().next());
        if let Some((what, help)) = there.and_then(of_a_word_processor) {
            return Finding::error(at, what).help(help);
        }
        match in_words(error.kind()) {
            Some((what, help)) => Finding::error(at, what).help(help),
            None => Finding::error(at, uncapitalised(&error.kind().to_string())),
        }
    }
}

/// What web pages and word processors make of JSON.
fn of_a_word_processor(c: char) -> Option<(&'static str, &'static str)> {
    match c {
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201b}' => Some((
            "a quotation mark as word processors have it",
            "write a plain \"",
        )),
        '\u{a0}' | '\u{2000}'..='\u{200d}' | '\u{202f}' | '\u{feff}' => Some((
            "a character that only looks like a space",
            "remove it, or write a plain space",
        )),
        _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_as_by_counting_from_the_start() {
        let unit = "é{\"a\": 1},\r\n\tü";
        for text in ["", "\n", "x", &unit.repeat(2000), &"ü".repeat(9000)] {
            let source = Source::new(text);
            let step = (text.len() / 500).max(1);
            let ends = text.char_indices().map(|(at, _)| at).step_by(step);
            for offset in ends.chain([text.len()]) {
                let before = &text[..offset];
                let line = before.rsplit('\n').next().unwrap_or_default();
                let Place { line: at, column } = source.place(offset);
                assert_eq!(at, before.matches('\n').count() + 1, "{offset}");
                assert_eq!(column, line.chars().count() + 1, "{offset}");
            }
            assert!(source.blocks.len() <= text.len() / BLOCK + 1);
        }
    }
}
