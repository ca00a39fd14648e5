//! What is wrong with the configuration file, for the status, which more people read than the file: what
//! it says of values is left out.

use serde::Serialize;

use crate::config::{ConfigError, Problem, Severity, fields, limits};

/// A mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigurationFault {
    /// `error`: something is not used because of it. `warning`: it is used, perhaps not as it was meant.
    pub severity: &'static str,
    /// Where in the structure: `servers[2].comand`; empty for the file as a whole.
    pub r#where: String,
    /// Its line, from 1; none for what is no matter of the text.
    pub line: Option<usize>,
    /// Its column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// So much of a text is shown, in characters.
const LONGEST: usize = 300;
/// In the place of what the file has.
const HIDDEN: &str = "'…'";

/// The mistakes of a file, errors first, in its order.
pub(super) fn of(problems: &[Problem]) -> Vec<ConfigurationFault> {
    let mut faults: Vec<ConfigurationFault> = problems.iter().map(of_one).collect();
    faults.sort_by_key(|fault| fault.severity);
    faults
}

/// Why there is no configuration that can be used.
pub(super) fn of_error(error: &ConfigError) -> Vec<ConfigurationFault> {
    let (what, hint) = match error {
        ConfigError::Malformed(problems) => return of(problems),
        ConfigError::Missing { .. } => (
            "the configuration file is gone",
            "create it, or name another with --config",
        ),
        ConfigError::Unreadable { .. } => (
            "the configuration file cannot be read",
            "let the gateway's user read it; the log has the system's own words",
        ),
    };
    vec![ConfigurationFault {
        severity: "error",
        r#where: String::new(),
        line: None,
        column: None,
        what: what.to_owned(),
        hint: Some(hint.to_owned()),
    }]
}

fn of_one(problem: &Problem) -> ConfigurationFault {
    let shown = |text: &str| -> String {
        let text = without_values(text, &problem.path);
        text.chars().take(LONGEST).collect()
    };
    ConfigurationFault {
        severity: match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        r#where: shown_path(&problem.path),
        line: Some(problem.line),
        column: Some(problem.column),
        what: shown(&problem.message),
        hint: problem.help.as_deref().map(shown),
    }
}

/// A path with its keys, but for those that are no plain words.
fn shown_path(path: &str) -> String {
    let path = without_values(path, "");
    path.chars().take(LONGEST).collect()
}

/// `text` with what stands in single quotes hidden, unless it is a key on the way to what it is about, or
/// a word of ours. A value may have quotes in it: then all is hidden up to the last one.
fn without_values(text: &str, path: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = opening(rest) {
        let (before, quoted) = rest.split_at(start);
        shown.push_str(before);
        let word = quoted.split('\'').nth(1).unwrap_or_default();
        let end = if is_harmless(word, path) {
            shown.push_str(quoted.get(..word.len() + 2).unwrap_or_default());
            word.len() + 2
        } else {
            shown.push_str(HIDDEN);
            let last = quoted.rfind('\'').filter(|last| *last > 0);
            last.map_or(quoted.len(), |last| last + 1)
        };
        rest = quoted.get(end..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

/// Where the first quote is that is no apostrophe.
fn opening(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('\'').map(|(at, _)| at);
    quotes.find(|at| {
        let before = text.get(..*at).and_then(|before| before.chars().last());
        before.is_none_or(|before| !before.is_alphanumeric())
    })
}

fn is_harmless(word: &str, path: &str) -> bool {
    let is_key = || path.split(['.', '[', ']']).any(|key| key == word);
    let is_field = |table: &[(&str, fields::Use)]| table.iter().any(|(field, _)| *field == word);
    let is_limit = || limits::TABLE.iter().any(|limit| limit.name == word);
    let is_bracket = || ["]", "}", "\""].contains(&word);
    is_field(fields::ENTRY)
        || is_bracket()
        || is_field(fields::FILE)
        || is_limit()
        || word.starts_with("mcproxy ")
        || is_key()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn faults(text: &str) -> Vec<ConfigurationFault> {
        let parsed = config::parse(text, &|_| None);
        parsed.map_or_else(|error| of_error(&error), |parsed| of(&parsed.problems))
    }

    #[test]
    fn a_mistake_has_its_place_and_what_to_do() {
        let found = faults(
            "[{\"name\": \"a\", \"command\": \"x\",\n \"comand\": \"y\"}, {\"name\": \"b\", \"args\": []}]",
        );
        let [error, warning] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!((error.severity, warning.severity), ("error", "warning"));
        assert_eq!((warning.line, warning.column), (Some(2), Some(2)));
        assert!(warning.r#where.ends_with("comand"), "{warning:?}");
        assert!(warning.what.contains("'comand'"), "{warning:?}");
        let hint = warning.hint.as_deref().unwrap();
        assert!(hint.contains("'command'"), "{warning:?}");
        assert_eq!(faults("[{")[0].severity, "error");
    }

    #[test]
    fn no_value_of_the_file_is_shown() {
        let hush = "hush' quoted 'hush";
        for entry in [
            r#""isolation": "HUSH""#,
            r#""type": "HUSH""#,
            r#""protocol": "HUSH""#,
            r#""names": "HUSH""#,
            r#""timeout": "HUSH""#,
            r#""prefix": "HUSH""#,
            r#""enabled": "HUSH""#,
            r#""cwd": 1, "env": "HUSH""#,
            r#""env": {"HUSH": null}"#,
            r#""env": {"A": {"HUSH": 1}}"#,
            r#""env": ["HUSH"]"#,
            r#""args": "HUSH""#,
            r#""args": [{"HUSH": 1}]"#,
            r#""headers": {"Authorization": "HUSH"}, "url": "https://x:HUSH@y""#,
            r#""tools": {"allow": ["HUSH["], "rename": {"HUSH": "HUSH!"}}"#,
            r#""roots": ["HUSH"]"#,
        ] {
            let text = format!(r#"[{{"name": "a", "command": "x", {entry}}}]"#);
            let found = faults(&text.replace("HUSH", hush));
            let said = serde_json::to_string(&found).unwrap();
            assert!(!said.contains("hush"), "{said}");
        }
        let broken = faults(r#"{"servers": [{"name": "a", "args": ["hush"]"#);
        assert!(!serde_json::to_string(&broken).unwrap().contains("hush"));
    }

    #[test]
    fn quotes_hide_what_is_not_ours() {
        let of = |text| without_values(text, "servers[0].env.TOKEN");
        assert_eq!(
            of("the server's 'env' is 'x' y"),
            "the server's 'env' is '…' y"
        );
        assert_eq!(of("'TOKEN' is 'a' b'"), "'TOKEN' is '…'");
        assert_eq!(of("run 'mcproxy check FILE'"), "run 'mcproxy check FILE'");
        assert_eq!(of("its ']' is missing"), "its ']' is missing");
        assert_eq!(of("it's nothing"), "it's nothing");
        assert_eq!(of("cut 'off"), "cut '…'");
    }
}
