//! Who may import whom: every path that starts with `crate::` is held against the table.

use super::{File, sources, split_name};

/// Which rooms a room may use, itself apart. `main.rs` may use all, and nobody but `program` `http` or `cli`.
const IMPORTS: [(&str, &[&str]); 24] = [
    ("files", &[]),
    ("state_dir", &["files"]),
    ("ids", &[]),
    ("throttle", &[]),
    ("turn", &[]),
    (
        "fuzzing",
        &["config", "http", "import", "process", "protocol", "tree"],
    ),
    // Of tests, which are no part of the program.
    (
        "sim",
        &[
            "config",
            "ids",
            "process",
            "protocol",
            "supervise",
            "telemetry",
            "tree",
            "turn",
        ],
    ),
    (
        "testing",
        &[
            "config",
            "ids",
            "protocol",
            "supervise",
            "telemetry",
            "tree",
        ],
    ),
    ("client", &["files", "protocol"]),
    (
        "remote",
        &["client", "config::model", "process", "protocol", "turn"],
    ),
    ("control", &[]),
    ("operate", &["client", "config", "control", "protocol"]),
    ("edit", &["config", "ids"]),
    ("import", &["config", "files", "ids"]),
    ("supervise", &["ids", "turn"]),
    ("config", &["files", "ids"]),
    ("protocol", &["ids"]),
    (
        "process",
        &["files", "ids", "state_dir", "throttle", "turn"],
    ),
    ("telemetry", &["files", "ids", "throttle", "turn"]),
    (
        "tree",
        &[
            "supervise",
            "protocol",
            "process",
            "remote",
            "ids",
            "config",
            "files",
            "state_dir",
            "telemetry",
            "turn",
        ],
    ),
    (
        "http",
        &[
            "files",
            "tree",
            "protocol",
            "remote::via",
            "ids",
            "config::model",
            "telemetry",
            "turn",
        ],
    ),
    ("service", &["tree", "ids", "telemetry"]),
    (
        "program",
        &[
            "cli",
            "config",
            "control",
            "files",
            "http",
            "process",
            "service",
            "state_dir",
            "supervise",
            "telemetry",
            "tree",
            "turn",
        ],
    ),
    (
        "cli",
        &[
            "client",
            "config",
            "edit",
            "files",
            "import",
            "operate",
            "protocol",
            "ids",
            "telemetry",
            "process",
        ],
    ),
];

/// The room a source file belongs to: `src/http/sse.rs` and `src/http.rs` are both of `http`.
fn room(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let first = inside.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first))
}

pub(crate) fn complaints(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in sources(files) {
        let Some(room) = room(&file.path).filter(|room| !["main", "lib"].contains(room)) else {
            continue;
        };
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == room) else {
            complaints.push(format!(
                "{}: no rule says what '{room}' may import",
                file.path
            ));
            continue;
        };
        for used in crate_paths(&file.text) {
            let under = |prefix: &str| used == prefix || used.starts_with(&format!("{prefix}::"));
            // Only tests have it.
            if under("testing") {
                continue;
            }
            if !under(room) && !allowed.iter().any(|prefix| under(prefix)) {
                complaints.push(format!(
                    "{}: '{room}' must not use crate::{used}",
                    file.path
                ));
            }
        }
    }
    complaints
}

/// Every path that starts with `crate::` in the code, its groups opened, two segments deep.
fn crate_paths(text: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join(" ");
    let mut paths = Vec::new();
    for rest in code.split("crate::").skip(1) {
        for first in heads(rest) {
            let (name, rest) = split_name(first);
            match rest.strip_prefix("::") {
                Some(deeper) => paths.extend(
                    heads(deeper)
                        .into_iter()
                        .map(|second| format!("{name}::{}", split_name(second).0)),
                ),
                None => paths.push(name.to_owned()),
            }
        }
    }
    paths
}

/// The members of a group `{a, b::{c, d}}`, or the one path that `text` starts with.
fn heads(text: &str) -> Vec<&str> {
    let Some(group) = text.strip_prefix('{') else {
        return vec![text];
    };
    let (mut depth, mut start, mut members) = (0_usize, 0, Vec::new());
    for (at, character) in group.char_indices() {
        let ends = depth == 0 && matches!(character, ',' | '}');
        if ends {
            members.extend(group.get(start..at).map(str::trim));
            start = at + 1;
        }
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(path: &str, text: &str) -> usize {
        complaints(&[File {
            path: path.to_owned(),
            text: text.to_owned(),
        }])
        .len()
    }

    #[test]
    fn forbidden_imports_are_seen() {
        assert_eq!(used("src/protocol/a.rs", "use crate::tree::Root;"), 1);
        assert_eq!(
            used("src/protocol/a.rs", "use crate::{ids, http::Routes};"),
            1
        );
        assert_eq!(
            used("src/tree/a/b.rs", "fn f() { crate::http::serve() }"),
            1
        );
        assert_eq!(
            used(
                "src/http/a.rs",
                "use crate::config::{model::Config, parse};"
            ),
            1
        );
        assert_eq!(used("src/http/a.rs", "use crate::process;"), 1);
        assert_eq!(used("src/kitchen/a.rs", ""), 1);
    }

    #[test]
    fn allowed_imports_are_not() {
        assert_eq!(
            used("src/http/a.rs", "use crate::config::model::Config;"),
            0
        );
        assert_eq!(
            used(
                "src/http/a.rs",
                "use crate::{http::sse, tree::{a, b}, ids::X};"
            ),
            0
        );
        assert_eq!(
            used(
                "src/tree/a.rs",
                "// crate::http is not for us\nuse crate::config::parse;"
            ),
            0
        );
        assert_eq!(used("src/main.rs", "use crate::anything;"), 0);
        assert_eq!(used("src/ids.rs", "use std::fmt;"), 0);
    }
}
