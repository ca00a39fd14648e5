//! What a server is, for the table: its program, and where that is; or its host, and how it is asked.

use super::needs;
use super::program::find;
use crate::config::model::{AddressError, Entry, ServerSpec, Target, shown_url};
use crate::config::{Environment, Origin, Problem, Severity};

/// What there is of its program on this machine, or what speaks with it.
pub(super) fn found(
    spec: &ServerSpec,
    origin: &Origin,
    env: Environment<'_>,
    problems: &mut Vec<Problem>,
) -> String {
    match &spec.target {
        Target::Program(program) => {
            problems.extend(needs::left_out(spec, program, origin, env));
            find(spec, program, env).unwrap_or_else(|lacking| {
                let found = lacking.to_string();
                problems.extend(lacking.problem(origin));
                found
            })
        }
        Target::Remote(remote) => {
            // What is wrong with the files is said of them.
            if let Err(AddressError::Wrong(why)) = remote.fill(&spec.env_files) {
                problems.push(of_address(origin, why));
            }
            format!("remote, {}", remote.transport.as_str())
        }
    }
}

/// A mistake that is seen once all files are read.
fn of_address(origin: &Origin, message: String) -> Problem {
    let place = origin.url.as_ref().map_or(origin.place, |url| url.place);
    Problem {
        severity: Severity::Error,
        line: place.line,
        column: place.column,
        path: origin
            .url
            .as_ref()
            .map_or_else(String::new, |url| url.path.clone()),
        server: Some(origin.server.to_string()),
        message,
        help: None,
    }
}

/// The command as the file has it, without its arguments, which may hold keys; or the host of a remote server.
pub(super) fn shown(entry: &Entry, origin: &Origin) -> String {
    const LONGEST: usize = 40;
    if let Entry::Run(spec, _) = entry
        && let Target::Remote(remote) = &spec.target
    {
        return remote.shown();
    }
    let Some(written) = &origin.command else {
        let url = origin.url.as_ref().map(|url| shown_url(&url.text));
        return url.unwrap_or_else(|| "-".to_owned());
    };
    let mut shown: String = written.text.escape_debug().take(LONGEST).collect();
    if written.text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}
