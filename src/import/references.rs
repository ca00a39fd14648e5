//! What other programs fill in in texts, in the words of this gateway's `${VAR}`.

use super::means::References;

/// `text` with each reference in our form. Those that nobody but that program can fill in stay, and are
/// said by the check of what was written.
pub(super) fn translated(text: &str, references: References) -> String {
    match references {
        References::Ours => text.to_owned(),
        References::None => text.replace("${", "$${"),
        References::Dollar => dollar(text),
        References::Braces => braces(text),
        References::VsCode => vscode(text),
    }
}

/// `$NAME` outside of braces.
fn dollar(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        out.push('$');
        let length = after
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(after.len());
        let (name, tail) = after.split_at(length);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if is_name {
            out.extend(["{", name, "}"]);
            rest = tail;
        } else {
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// `{env:NAME}` and `{file:path}`.
fn braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let is_theirs = !before.ends_with('$');
        let is_reference = after.starts_with("env:") || after.starts_with("file:");
        if is_theirs && is_reference {
            out.push('$');
        }
        out.push('{');
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `${input:id}`: its user is asked for it there; here it is a variable.
fn vscode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = text.replace("${userHome}", "${HOME}");
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once("${input:") {
        out.push_str(before);
        let Some((id, tail)) = after.split_once('}') else {
            out.push_str("${input:");
            out.push_str(after);
            return out;
        };
        out.extend(["${", &variable(id), "}"]);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The name of a variable that looks like `text`.
pub(super) fn variable(text: &str) -> String {
    let letters = text.chars().take(100).map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    });
    let name: String = letters.collect();
    let name = name.trim_matches('_');
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("V_{name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_put_in_our_form() {
        use References::{Braces, Dollar, None, Ours, VsCode};
        for (of, text, expected) in [
            (Ours, "${A} $B", "${A} $B"),
            (None, "${A}", "$${A}"),
            (Dollar, "$A ${B} $1 a$C-d$", "${A} ${B} $1 a${C}-d$"),
            (
                Braces,
                "{env:A} ${B} {file:./x} {c}",
                "${env:A} ${B} ${file:./x} {c}",
            ),
            (
                VsCode,
                "${input:api-key}/${userHome}/${env:X}",
                "${API_KEY}/${HOME}/${env:X}",
            ),
            (VsCode, "${input:open", "${input:open"),
        ] {
            assert_eq!(translated(text, of), expected, "{text}");
        }
        assert_eq!(variable("my-key.2"), "MY_KEY_2");
        assert_eq!(variable("2x"), "V_2X");
    }

    #[test]
    fn a_long_text_takes_no_longer_than_its_length() {
        let text = "${input:a}".repeat(2000);
        assert_eq!(vscode(&text), "${A}".repeat(2000));
    }
}
