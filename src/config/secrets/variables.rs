//! The text of a file of variables, as systemd's `EnvironmentFile=` and dotenv know it: `NAME=value` a
//! line. Pure, and in one pass. Nothing is filled in in a value: `$` is a character of passwords.
//!
//! | | |
//! |---|---|
//! | `NAME=value`, `export NAME=value` | spaces around both are no part of them; a ` #` in it ends it |
//! | `NAME='value'` | as it stands, may have line ends in it |
//! | `NAME="value"` | the same with `\n`, `\r`, `\t`, `\"`, `\\`, `\$` and `` \` `` |
//! | `#` or `;` at the start | a comment |
//!
//! Of a name that is there twice the last counts. What is wrong is said by its line, never by its text.

use std::collections::BTreeMap;

/// The variables in `text`; an error says in which line what is wrong.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut variables = BTreeMap::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut next_line = 1;
    while !rest.is_empty() {
        let line = next_line;
        next_line += 1;
        let start = rest.trim_start_matches([' ', '\t']);
        let (first, after) = start.split_once('\n').unwrap_or((start, ""));
        if first.trim().is_empty() || first.starts_with(['#', ';']) {
            rest = after;
            continue;
        }
        let wrong = |why: &str| format!("line {line}: {why}");
        let (name, value) = first
            .split_once('=')
            .ok_or_else(|| wrong("NAME=value is expected"))?;
        let name = name.trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        if !is_name(name) {
            return Err(wrong("a name is letters, digits and '_' before the '='"));
        }
        let value = value.trim_start_matches([' ', '\t']);
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                // From the quote on it may go over more lines than this.
                let from = start.get(first.len() - value.len() + 1..).unwrap_or("");
                let (value, used) = quoted(from, quote).map_err(wrong)?;
                let after = from.get(used..).unwrap_or("");
                let (end, next) = after.split_once('\n').unwrap_or((after, ""));
                if !(end.trim().is_empty() || end.trim_start().starts_with('#')) {
                    return Err(wrong("there is something after the closing quote"));
                }
                next_line += from.get(..used).unwrap_or("").matches('\n').count();
                rest = next;
                value
            }
            Some(_) | None => {
                rest = after;
                plain(value).to_owned()
            }
        };
        if value.contains('\0') {
            return Err(wrong("a value holds the character NUL"));
        }
        variables.insert(name.to_owned(), value);
    }
    Ok(variables)
}

fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// A value without quotes, up to a comment.
fn plain(value: &str) -> &str {
    let comment = value
        .match_indices('#')
        .map(|(at, _)| value.split_at(at).0)
        .find(|before| before.is_empty() || before.ends_with([' ', '\t']));
    comment.unwrap_or(value).trim_end()
}

/// The value up to the closing `quote`, and how many bytes it takes with that.
fn quoted(text: &str, quote: char) -> Result<(String, usize), &'static str> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((value, at + c.len_utf8()));
        }
        if c != '\\' || quote == '\'' {
            value.push(c);
            continue;
        }
        match chars.next().map(|(_, escaped)| escaped) {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some(escaped @ ('"' | '\\' | '$' | '`')) => value.push(escaped),
            Some(other) => value.extend(['\\', other]),
            None => break,
        }
    }
    Err("the quote that begins here is never closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().collect()
    }

    #[test]
    fn every_form_is_read() {
        for (line, expected) in [
            ("A=b", "b"),
            ("  export A = b c  ", "b c"),
            ("\u{feff}A=b\r", "b"),
            ("A=", ""),
            ("A=b # why", "b"),
            ("A= # why", ""),
            ("A=b#c", "b#c"),
            ("A=p$w${X}\\n`x`", "p$w${X}\\n`x`"),
            ("A=a=b==", "a=b=="),
            ("A='b # c\\n$x'", "b # c\\n$x"),
            (r#"A="b # c\n\t\"\\\$\q" # why"#, "b # c\n\t\"\\$\\q"),
            ("A=\"one\ntwo\"\r", "one\ntwo"),
            ("A='ü'", "ü"),
            ("A=a'b'", "a'b'"),
            ("A=old\nA=b", "b"),
            ("# A=x\n\n; A=y\n  # z\nA=b", "b"),
        ] {
            let expected = vec![("A".to_owned(), expected.to_owned())];
            assert_eq!(shown(line), expected, "{line:?}");
            assert_eq!(shown(&format!("{line}\n")), expected, "{line:?}");
        }
        assert_eq!(shown("A='x\ny'\nB=z").len(), 2);
        assert_eq!(shown(""), []);
    }

    #[test]
    fn what_is_wrong_is_said_by_its_line_alone() {
        for (text, expected) in [
            ("A=b\ns3cret", "line 2: NAME=value is expected"),
            ("A='x\ny'\n\n=s3cret", "line 4: a name is letters"),
            ("s3-cret=x", "line 1: a name is letters"),
            ("\nA=\"s3cret\nB=c", "line 2: the quote that begins here"),
            ("A='x' s3cret", "line 1: there is something after"),
            ("A=\"s3cret\\", "line 1: the quote"),
            ("A=s3cret\0", "line 1: a value holds"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.starts_with(expected), "{text:?}: {said}");
            assert!(!said.contains("cret"), "{said}");
        }
    }

    #[test]
    fn a_hostile_file_costs_one_pass() {
        for text in ["A='\n", "A=# ", "A=\"\\", "A=b #\n", "\n", "A"] {
            drop(parse(&text.repeat(200_000)));
        }
    }
}
