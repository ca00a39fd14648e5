//! `${VAR}` in `command`, `args`, `env` values and `cwd`. Pure: the environment is a function, and what is
//! in files is left to whoever reads them.
//! What is not understood or not set stays as written, and the caller is told, because a value
//! that arrives half empty is harder to find than one that arrives as `${TOKEN}`.
//!
//! The forms: `${VAR}` and `${env:VAR}`; `${VAR:-default}` (the default also if VAR is empty, as in
//! a shell); `${file:/path}` and `${file:CREDENTIAL}`; `$${` for a literal `${`. A value is not searched again, and a default holds no `${`.

use super::notes::MOST;
use super::secrets::{FileRef, Piece, Secret};

/// Why a `${…}` stays as it is. None of them holds more of the text than a variable's name: the
/// rest may be part of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unresolved<'t> {
    /// The variable is not set and has no default.
    Unset(&'t str),
    /// `${input:id}`: VS Code asks its user for it, and there is nobody to ask here.
    Input(&'t str),
    /// A variable of an editor, such as `${workspaceFolder}`.
    Editor(&'t str),
    /// `${file:…}` with something that is neither an absolute path nor a name.
    NoFile,
    /// None of the forms, or never closed.
    NotUnderstood,
}

/// What an editor knows and a gateway does not.
const EDITOR_VARIABLES: [&str; 6] = [
    "workspaceFolder",
    "workspaceFolderBasename",
    "workspaceRoot",
    "userHome",
    "pathSeparator",
    "/",
];

/// `text` with its variables filled in, and what could not be. `is_late`: files may set variables too,
/// which are not known before these are read.
pub(super) fn interpolate<'t>(
    text: &'t str,
    env: &dyn Fn(&str) -> Option<String>,
    is_late: bool,
) -> (Secret, Vec<Unresolved<'t>>) {
    let mut secret = Secret::default();
    let mut filled = String::with_capacity(text.len());
    let mut unresolved = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = after;
            continue;
        }
        filled.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            // Nothing is closed from here on: looking again at each of a million would take hours.
            unresolved.push(Unresolved::NotUnderstood);
            filled.push_str("${");
            filled.push_str(&after.replace("$${", "${"));
            secret.push(Piece::Text(filled));
            return (secret, unresolved);
        };
        match resolve(inside, env, is_late) {
            Ok(Piece::Text(value)) => filled.push_str(&value),
            Ok(piece) => {
                secret.push(Piece::Text(std::mem::take(&mut filled)));
                secret.push(piece);
            }
            Err(why) => {
                // One that only warns is not worth a place in the memory when there are so many.
                if unresolved.len() <= MOST
                    || matches!(why, Unresolved::Input(_) | Unresolved::NoFile)
                {
                    unresolved.push(why);
                }
                filled.extend(["${", inside, "}"]);
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    secret.push(Piece::Text(filled));
    (secret, unresolved)
}

fn resolve<'t>(
    inside: &'t str,
    env: &dyn Fn(&str) -> Option<String>,
    is_late: bool,
) -> Result<Piece, Unresolved<'t>> {
    if EDITOR_VARIABLES.contains(&inside) {
        return Err(Unresolved::Editor(inside));
    }
    if let Some(id) = inside.strip_prefix("input:").filter(|id| is_name(id, "-.")) {
        return Err(Unresolved::Input(id));
    }
    if let Some(file) = inside.strip_prefix("file:") {
        let file = FileRef::of_secret(file);
        return file.map(Piece::File).ok_or(Unresolved::NoFile);
    }
    let reference = inside.strip_prefix("env:").unwrap_or(inside);
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name, "") || default.is_some_and(|text| text.contains("${")) {
        return Err(Unresolved::NotUnderstood);
    }
    let own = env(name).filter(|value| default.is_none() || !value.is_empty());
    let value = own.or_else(|| default.map(str::to_owned));
    match value {
        value if is_late => Ok(Piece::Variable {
            name: name.to_owned(),
            is_unset: value.is_none(),
            otherwise: value.unwrap_or_else(|| format!("${{{inside}}}")),
            has_default: default.is_some(),
        }),
        Some(value) => Ok(Piece::Text(value)),
        None => Err(Unresolved::Unset(name)),
    }
}

fn is_name(text: &str, also: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || also.contains(c);
    starts_well && text.len() <= 128 && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> (String, Vec<Unresolved<'_>>) {
        let env = |name: &str| match name {
            "HOME" => Some("/home/me".into()),
            "EMPTY" => Some(String::new()),
            "TRICKY" => Some("${HOME}".into()),
            _ => None,
        };
        let (secret, unresolved) = interpolate(text, &env, false);
        (secret.expose(), unresolved)
    }

    #[test]
    fn every_form_is_filled_in() {
        for (text, expected) in [
            ("", ""),
            ("plain $HOME {HOME}", "plain $HOME {HOME}"),
            ("${HOME}", "/home/me"),
            ("a${env:HOME}b${HOME}", "a/home/meb/home/me"),
            ("${HOME:-x}", "/home/me"),
            ("${NOPE:-x y}", "x y"),
            ("${env:NOPE:-}", ""),
            ("${EMPTY}", ""),
            ("${EMPTY:-x}", "x"),
            ("${TRICKY}", "${HOME}"),
            ("$${HOME}", "${HOME}"),
            ("$$${NOPE:-x}", "$${NOPE:-x}"),
            ("ü${HOME}ü", "ü/home/meü"),
            ("a ${file:/x y} ${file:NAME}", "a ${file:/x y} ${file:NAME}"),
        ] {
            assert_eq!(fill(text), (expected.to_owned(), vec![]), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_stays_as_written() {
        for (text, why) in [
            ("a ${NOPE} b", Unresolved::Unset("NOPE")),
            ("${env:NOPE}", Unresolved::Unset("NOPE")),
            ("${input:api-key}", Unresolved::Input("api-key")),
            (
                "${workspaceFolder}/x",
                Unresolved::Editor("workspaceFolder"),
            ),
            ("${}", Unresolved::NotUnderstood),
            ("${HOME", Unresolved::NotUnderstood),
            ("${1X}", Unresolved::NotUnderstood),
            ("${command:pick}", Unresolved::NotUnderstood),
            ("${file:}", Unresolved::NoFile),
            ("${file:..}", Unresolved::NoFile),
            ("${file:./x}", Unresolved::NoFile),
            ("${file:~/x}", Unresolved::NoFile),
            ("${A:-${HOME}", Unresolved::NotUnderstood),
        ] {
            assert_eq!(fill(text), (text.to_owned(), vec![why]), "{text}");
        }
    }

    #[test]
    fn what_is_never_closed_is_said_once_and_stays() {
        let text = "${".repeat(100_000);
        assert_eq!(fill(&text), (text.clone(), vec![Unresolved::NotUnderstood]));
        let text = "${A:-".repeat(100_000);
        assert_eq!(fill(&text), (text.clone(), vec![Unresolved::NotUnderstood]));
        assert_eq!(fill("${HOME} ${ $${x").0, "/home/me ${ ${x");
        let text = "${}".repeat(100_000);
        let (text, unresolved) = fill(&text);
        assert_eq!((text.len(), unresolved.len()), (300_000, MOST + 1));
    }

    #[test]
    fn reading_goes_on_after_what_cannot_be_filled_in() {
        let (text, unresolved) = fill("${A} ${HOME} ${b c} ${HOME}");
        assert_eq!(text, "${A} /home/me ${b c} /home/me");
        assert_eq!(
            unresolved,
            [Unresolved::Unset("A"), Unresolved::NotUnderstood]
        );
    }
}
