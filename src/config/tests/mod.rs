//! Tests of the whole way from text to [`Config`](super::model::Config).

mod dialects;
mod files;
mod limits;
mod mcp;
mod mistakes;
mod names;
mod others;
mod profiles;
mod properties;
mod protocol;
mod remote;
mod start;
mod syntax;
mod views;

use super::model::{Entry, Program, Secret, ServerSpec, View};
use super::{Parsed, parse};

/// Parses with an environment of two variables.
fn load(text: &str) -> Parsed {
    parse(text, &env).unwrap()
}

fn env(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/me".into()),
        "TOKEN" => Some("s3cret-of-the-environment".into()),
        _ => None,
    }
}

/// What became of the entries: `name`, `name (off)`, `name (refused)`.
fn entries(parsed: &Parsed) -> Vec<String> {
    let state = |entry: &Entry| match entry {
        Entry::Run(spec, _) => spec.name.to_string(),
        Entry::Disabled(name) => format!("{name} (off)"),
        Entry::Refused(name) => format!("{name} (refused)"),
    };
    parsed.config.servers.iter().map(state).collect()
}

/// The entry at `index`, which has to be one that runs.
fn spec(parsed: &Parsed, index: usize) -> &ServerSpec {
    match &parsed.config.servers[index] {
        Entry::Run(spec, _) => spec,
        other @ (Entry::Disabled(_) | Entry::Refused(_)) => panic!("{other:?} does not run"),
    }
}

/// What is run for the entry at `index`.
fn program(parsed: &Parsed, index: usize) -> &Program {
    spec(parsed, index).target.program().unwrap()
}

/// What clients see of the entry at `index`, which has to be one that runs.
fn view(parsed: &Parsed, index: usize) -> &View {
    match &parsed.config.servers[index] {
        Entry::Run(_, view) => view,
        other @ (Entry::Disabled(_) | Entry::Refused(_)) => panic!("{other:?} does not run"),
    }
}

/// The problems as they appear in a log.
fn problems(parsed: &Parsed) -> Vec<String> {
    parsed.problems.iter().map(ToString::to_string).collect()
}

/// Its arguments, as far as they are known.
fn args(parsed: &Parsed, index: usize) -> Vec<String> {
    let args = program(parsed, index).args.iter();
    args.map(Secret::expose).collect()
}
