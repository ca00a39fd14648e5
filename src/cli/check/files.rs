//! Looks at the files that servers have secrets from, as their starts will: whether they can be read, by
//! whom else, and whether they set what is asked of them.

use std::collections::BTreeSet;
use std::io;

use crate::config::model::Entry;
use crate::config::{Parsed, Problem, Reference, Referred, Severity};

/// What is to be said about all of them.
pub(super) fn problems(parsed: &Parsed) -> Vec<Problem> {
    let mut problems: Vec<Problem> = parsed
        .files
        .iter()
        .filter_map(|of| file(of, None))
        .collect();
    for (entry, origin) in parsed.config.servers.iter().zip(&parsed.origins) {
        let server = origin.server.as_str();
        let variables = match entry {
            Entry::Run(spec, _) => spec.variables(&mut Vec::new()).ok(),
            Entry::Disabled(_) | Entry::Refused(_) => continue,
        };
        let mut said = BTreeSet::new();
        for of in &origin.files {
            match &of.what {
                Reference::File(_) if said.insert(&of.written.text) => {
                    problems.extend(file(of, Some(server)));
                }
                Reference::Variable(name) => {
                    // Where a file can't be read, that is said instead.
                    let is_missing = variables
                        .as_ref()
                        .is_some_and(|set| !set.contains_key(name));
                    problems
                        .extend((is_missing && said.insert(name)).then(|| unset(of, name, server)));
                }
                Reference::File(_) => {}
            }
        }
    }
    problems
}

fn file(of: &Referred, server: Option<&str>) -> Option<Problem> {
    let Reference::File(file) = &of.what else {
        return None;
    };
    let (severity, message, help) = match file.look() {
        Ok(false) => return None,
        Ok(true) => (
            Severity::Warning,
            format!("every user of this machine may read the secrets in {file}"),
            "chmod 640 the file",
        ),
        Err(error) => {
            // Whoever checks may be another user than the one that runs the gateway, and has no
            // credentials of its unit.
            let is_ours = matches!(
                error.kind,
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory
            );
            let severity = if is_ours {
                Severity::Warning
            } else {
                Severity::Error
            };
            (
                severity,
                error.to_string(),
                "it is read at each start of the server, which fails without it",
            )
        }
    };
    Some(problem(of, server, (severity, message), help.to_owned()))
}

fn unset(of: &Referred, name: &str, server: &str) -> Problem {
    let what = format!(
        "the variable {name} is set neither by the 'env_file' nor for the gateway; the reference stays as written"
    );
    let help = format!("set it, or write ${{{name}:-default}}");
    problem(of, Some(server), (Severity::Warning, what), help)
}

fn problem(
    of: &Referred,
    server: Option<&str>,
    (severity, message): (Severity, String),
    help: String,
) -> Problem {
    Problem {
        severity,
        line: of.written.place.line,
        column: of.written.place.column,
        path: of.written.path.clone(),
        server: server.map(str::to_owned),
        message,
        help: Some(help),
    }
}
