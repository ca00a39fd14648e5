//! Patterns of schemas, which are JavaScript's regular expressions (JSON Schema, "Regular
//! Expressions"; ECMA-262, with the flag `u`). Python's and Perl's have words of their own. Told is only
//! what is wrong for certain.

use super::Fault;
use super::schema::wrong;

/// What may stand behind a backslash: classes, controls, escapes of characters, and what is escaped to
/// stand for itself.
const ESCAPED: &str = "dDsSwWbBfnrtvcxupPk0123456789^$\\.*+?()[]{}|/";

pub(super) fn check(pattern: &str) -> Result<(), Fault> {
    is_plausible(pattern)
        .then_some(())
        .ok_or_else(|| wrong("is no regular expression of JavaScript"))
}

fn is_plausible(pattern: &str) -> bool {
    let (mut in_class, mut groups) = (false, 0usize);
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let mut length = first.len_utf8();
        match first {
            '\\' => {
                let Some(escaped) = after.chars().next() else {
                    return false;
                };
                let is_known = ESCAPED.contains(escaped) || (in_class && escaped == '-');
                if !is_known {
                    return false;
                }
                length += escaped.len_utf8();
                // `\p{L}`, `\u{1F600}`
                if matches!(escaped, 'p' | 'P' | 'u') && after.get(1..2) == Some("{") {
                    length += after.find('}').unwrap_or_default();
                }
            }
            ']' if in_class => in_class = false,
            _ if in_class => {}
            '[' => in_class = true,
            '(' if !is_group(after) => return false,
            '(' => groups += 1,
            ')' if groups == 0 => return false,
            ')' => groups -= 1,
            '{' => match quantifier(after) {
                Some(inside) => length += inside,
                None => return false,
            },
            '}' | ']' => return false,
            _ => {}
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    !in_class && groups == 0
}

/// Whether a group may begin so. Modifiers (`(?i:`) are new, and taken for right.
fn is_group(after: &str) -> bool {
    let Some(special) = after.strip_prefix('?') else {
        return true;
    };
    let modifiers = special.trim_start_matches(['i', 'm', 's', '-']);
    match special.chars().next() {
        Some(':' | '=' | '!' | '<') => true,
        _ => modifiers.starts_with(':'),
    }
}

/// How long the rest of `{n}`, `{n,}` or `{n,m}` is.
fn quantifier(after: &str) -> Option<usize> {
    let (inside, _) = after.split_once('}')?;
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (!least.is_empty() && is_number(least) && is_number(most)).then_some(inside.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_javascript_takes_is_right() {
        for pattern in [
            "",
            "^[a-z]+$",
            r"^\d{4}-\d{2}-\d{2}T",
            r"(?<year>\d+)|(?:a)(?=b)(?!c)(?<=d)(?<!e)\k<year>",
            r"[\w\-.]{1,}@[^\]]{2,3}\.\p{L}\u{1F600}\x41\cA\0\1",
            r"\/\^\$\.\*\+\?\(\)\[\]\{\}\|\\",
            "(?i:a)",
            "[(){}?*]",
            "é|日本",
        ] {
            assert!(is_plausible(pattern), "{pattern}");
        }
    }

    #[test]
    fn what_only_others_take_is_seen() {
        for pattern in [
            "(?P<x>a)",
            "(?i)abc",
            "(?>a)",
            "(?#note)",
            r"\Aabc\Z",
            r"a\-b",
            r"\_",
            "[[:alpha:]]",
            "a{,3}",
            "{a}",
            "a}",
            "(a",
            "a)",
            "[a",
            "a\\",
        ] {
            assert!(!is_plausible(pattern), "{pattern}");
        }
    }
}
