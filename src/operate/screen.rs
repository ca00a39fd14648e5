//! Text, colours and tables for people. What others say is shown without what a terminal obeys.

use std::io::{self, Write};

/// Where a command prints.
pub struct Screen<'s> {
    pub(super) out: &'s mut (dyn Write + Send),
    pub(super) err: &'s mut (dyn Write + Send),
    pub(super) is_terminal: bool,
    /// Whether what comes and goes can be shown, beside what is printed.
    pub(super) has_status_line: bool,
    is_coloured: bool,
}

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tint {
    #[default]
    Plain,
    Good,
    Middling,
    Bad,
    Title,
    Aside,
}

impl Tint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "\u{1b}[32m",
            Self::Middling => "\u{1b}[33m",
            Self::Bad => "\u{1b}[31m",
            Self::Title => "\u{1b}[1m",
            Self::Aside => "\u{1b}[2m",
        }
    }
}

/// A text of a table, without what a terminal obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    text: String,
    tint: Tint,
}

impl Cell {
    pub(super) fn tinted(text: &str, tint: Tint) -> Self {
        let text = shown(text);
        Self { text, tint }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::tinted(text.as_ref(), Tint::Plain)
    }
}

impl<'s> Screen<'s> {
    /// Whether `out` and `err` are terminals is `are_terminals`. Colours are for terminals, and `NO_COLOR`
    /// switches them off.
    pub fn new(
        out: &'s mut (dyn Write + Send),
        err: &'s mut (dyn Write + Send),
        are_terminals: [bool; 2],
    ) -> Self {
        let [is_terminal, has_status_line] = are_terminals;
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            out,
            err,
            is_terminal,
            has_status_line,
            is_coloured: is_terminal && !is_unwanted,
        }
    }

    /// One like it, that prints to `out`; errors go nowhere.
    pub(super) fn like<'a>(
        &self,
        out: &'a mut (dyn Write + Send),
        err: &'a mut io::Sink,
    ) -> Screen<'a> {
        Screen {
            out,
            err,
            is_terminal: self.is_terminal,
            has_status_line: false,
            is_coloured: self.is_coloured,
        }
    }

    /// The text in its colour.
    pub(super) fn paint(&self, text: &str, tint: Tint) -> String {
        if self.is_coloured && tint != Tint::Plain {
            format!("{}{text}\u{1b}[0m", tint.code())
        } else {
            text.to_owned()
        }
    }

    /// A line, as it is but for what a terminal obeys.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", shown(text))
    }

    /// JSON on one line, which is still the same JSON.
    pub(super) fn json_line(&mut self, json: &str) -> io::Result<()> {
        let mut line = String::with_capacity(json.len());
        for c in json.chars() {
            match c {
                // Between values only: in a text JSON has them escaped.
                '\t' | '\n' | '\r' => line.push(' '),
                c if acts(c) => {
                    let mut units = [0; 2];
                    let units = c.encode_utf16(&mut units).iter();
                    line.extend(units.map(|unit| format!("\\u{unit:04x}")));
                }
                c => line.push(c),
            }
        }
        writeln!(self.out, "{line}")
    }

    /// What a server made for whoever reads it: byte for byte in a pipe.
    pub(super) fn passage(&mut self, text: &str) -> io::Result<()> {
        if !self.is_terminal {
            return writeln!(self.out, "{text}");
        }
        for line in text.split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            writeln!(self.out, "{}", shown(line))?;
        }
        Ok(())
    }

    /// Columns as wide as what is in them, the titles first.
    pub(super) fn table(&mut self, titles: &[&str], rows: &[Vec<Cell>]) -> io::Result<()> {
        let title = |text: &&str| Cell::tinted(text, Tint::Title);
        let titles: Vec<Cell> = titles.iter().map(title).collect();
        let mut widths: Vec<usize> = vec![0; titles.len()];
        for row in std::iter::once(&titles).chain(rows) {
            for (cell, width) in row.iter().zip(&mut widths) {
                *width = cell.text.chars().count().max(*width);
            }
        }
        for row in std::iter::once(&titles).chain(rows) {
            let mut line = String::new();
            let last = row.iter().rposition(|cell| !cell.text.is_empty());
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if Some(at) > last {
                    break;
                }
                line.push_str(&self.paint(&cell.text, cell.tint));
                if Some(at) < last {
                    let filled = width - cell.text.chars().count() + 2;
                    line.extend(std::iter::repeat_n(' ', filled));
                }
            }
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}

/// One line, in which nothing acts on a terminal or on the direction of the text.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => shown.push(' '),
            c if acts(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

fn acts(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
}

/// So much of a text as fits into a table.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut chars = text.chars();
    let mut cut: String = chars.by_ref().take(most).collect();
    if chars.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}
