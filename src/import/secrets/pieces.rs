//! A text in what is written out in it and what is filled in by the gateway.

use std::collections::BTreeMap;

use super::looks::{is_part_secret, is_secret};

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// As the configuration has it, and what it stands for.
    Literal { own: String, meant: String },
    /// `${…}`, and its default.
    Reference { whole: String, default: String },
}

/// The pieces of `text`: `$${` stands for `${`, and what is no reference is a part of the text.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut own, mut meant) = (String::new(), String::new());
    let mut rest = text;
    let mut is_open = false;
    while let Some((before, after)) = rest.split_once("${") {
        own.push_str(before);
        if let Some(before) = before.strip_suffix('$') {
            meant.push_str(before);
            own.push_str("${");
            meant.push_str("${");
            rest = after;
            continue;
        }
        meant.push_str(before);
        // Of one that is never closed so are all after it.
        let inside = (!is_open).then(|| after.split_once('}')).flatten();
        is_open |= inside.is_none();
        let Some((inside, after)) = inside else {
            own.push_str("${");
            meant.push_str("${");
            rest = after;
            continue;
        };
        let whole = format!("${{{inside}}}");
        if is_reference(inside) {
            push(&mut pieces, &mut own, &mut meant);
            let default = inside.split_once(":-").map_or("", |(_, default)| default);
            let default = default.to_owned();
            pieces.push(Piece::Reference { whole, default });
        } else {
            own.push_str(&whole);
            meant.push_str(&whole);
        }
        rest = after;
    }
    own.push_str(rest);
    meant.push_str(rest);
    push(&mut pieces, &mut own, &mut meant);
    pieces
}

/// What `text` stands for where `variables` are set. A reference to another cannot be taken for a text.
pub(in crate::import) fn filled_in(text: &str, variables: &BTreeMap<String, String>) -> String {
    let filled = pieces(text).into_iter().map(|piece| match piece {
        Piece::Literal { meant, .. } => meant,
        Piece::Reference { whole, .. } => {
            let inside = whole.trim_start_matches("${").trim_end_matches('}');
            let name = inside.strip_prefix("env:").unwrap_or(inside);
            let name = name.split_once(":-").map_or(name, |(name, _)| name);
            let value = variables.get(name).cloned();
            value.unwrap_or_else(|| format!("\0{whole}"))
        }
    });
    filled.collect()
}

fn push(pieces: &mut Vec<Piece>, own: &mut String, meant: &mut String) {
    if !own.is_empty() {
        let (own, meant) = (std::mem::take(own), std::mem::take(meant));
        pieces.push(Piece::Literal { own, meant });
    }
}

fn is_reference(inside: &str) -> bool {
    let name = inside.strip_prefix("env:").unwrap_or(inside);
    let name = name.split_once(":-").map_or(name, |(name, _)| name);
    is_name(name) || inside.starts_with("file:") || inside.starts_with("input:")
}

fn is_name(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(is_letter) && text.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// Whether something is to be hidden in what is written out: beside references (`is_mixed`) only what
/// is more than punctuation and, in a setting whose name does not say so, looks like a secret.
pub(super) fn hides(meant: &str, is_mixed: bool, is_named: bool) -> bool {
    let bare = without_placeholders(&without_placeholders(meant, "${", "}"), "{{", "}}");
    if !is_mixed {
        return !bare.trim().is_empty();
    }
    let letters = bare.chars().filter(char::is_ascii_alphanumeric).count();
    if is_named {
        letters > 2
    } else {
        is_secret(&bare) || is_part_secret(&bare)
    }
}

/// Without the names that somebody else fills in.
fn without_placeholders(text: &str, open: &str, close: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        out.push_str(before);
        let Some((inside, later)) = after.split_once(close) else {
            out.push_str(open);
            out.push_str(after);
            return out;
        };
        if !is_name(inside.trim()) {
            out.extend([open, inside, close]);
        }
        rest = later;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let pieces = pieces(text).into_iter();
        let pieces = pieces.map(|piece| match piece {
            Piece::Literal { meant, .. } => meant,
            Piece::Reference { whole, .. } => format!("ref {whole}"),
        });
        pieces.collect()
    }

    #[test]
    fn references_are_told_from_what_only_looks_so() {
        assert_eq!(shown("a${B}c"), ["a", "ref ${B}", "c"]);
        assert_eq!(shown("${env:B}${C:-d}"), ["ref ${env:B}", "ref ${C:-d}"]);
        assert_eq!(shown("SECRET${x"), ["SECRET${x"]);
        assert_eq!(shown("p$${B}q"), ["p${B}q"]);
        assert_eq!(shown("p${1}q"), ["p${1}q"]);
        assert_eq!(shown(""), [""; 0]);
        pieces(&("${".repeat(100_000) + "}"));
        without_placeholders(&"${} ".repeat(50_000), "${", "}");
    }

    #[test]
    fn what_others_fill_in_is_nothing_to_hide() {
        for text in ["${TOKEN}", "{{USER}}", "{{ USER }}"] {
            assert!(!hides(text, false, true), "{text}");
        }
        for text in ["a{{b", "p${B}q", "$$", "${a ${B}"] {
            assert!(hides(text, false, true), "{text}");
        }
        assert!(!hides(": ", true, true));
        assert!(!hides("/sorted-by-name/", true, false));
        assert!(hides("/sk-0123456789abcdef/mcp", true, false));
    }
}
