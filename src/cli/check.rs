//! `mcproxy check [FILE]`: what the gateway would make of a configuration, without starting
//! anything. Validates the file, looks for every command where its server will be run, prints the
//! mistakes as compilers do and a table of the servers.
//!
//! No line of the file is ever shown: the one with the mistake may be the one with the secret.

#![expect(
    clippy::disallowed_methods,
    reason = "a verb of its own, without workers"
)]

mod costs;
mod files;
mod needs;
mod profiles;
mod program;
mod started;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

pub use self::costs::{CostRow, Costs, LastSeen};
use self::started::Started;
pub use self::started::{Start, Trial, Tried};
use super::table;
use crate::config::model::{
    Config, Entry, Given, Isolation, Nameless, Offer, Protocol, ServerSpec,
};
use crate::config::{self, ConfigError, Environment, Origin, Parsed, Problem, Severity};
use crate::ids::Prefix;
use program::find;

/// Exit code for a configuration that can be used as it is; warnings do not matter.
const OK: u8 = 0;
/// `EX_CONFIG` of `sysexits.h`: something is wrong in the configuration.
const CONFIG: u8 = 78;
/// What a shell says of a command that a SIGINT ended.
const INTERRUPTED: u8 = 130;

/// What is known beside the file, and what may be done.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The gateway's environment.
    pub env: Environment<'a>,
    /// What is kept of its servers.
    pub last_seen: LastSeen<'a>,
    /// Starts the servers, where that is asked for.
    pub start: Option<Start<'a>>,
}

/// Checks the file at `path`, else the one that the gateway would take, and writes what it found to
/// `out`. `command_line` is what is said there about limits. Answers the exit code: 0, or 78 if there is an error.
///
/// # Errors
/// If `out` cannot be written to.
pub fn run(
    path: Option<&Path>,
    known: Around<'_>,
    command_line: &Given,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let loaded = config::locate(path).and_then(|path| {
        let text = config::read(&path)?;
        Ok((path, text))
    });
    let (path, text) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return unusable(&error, path, out),
    };
    match config::parse_under(&text, known.env, config::directory(&path), command_line) {
        Ok(parsed) => report(&path, &parsed, known, out),
        Err(error) => unusable(&error, Some(&path), out),
    }
}

/// What is to be said of the program of the server `name`, if it cannot be run here.
pub(super) fn missing_program(
    parsed: &Parsed,
    name: &str,
    env: Environment<'_>,
) -> Option<Problem> {
    let mut entries = parsed.config.servers.iter().zip(&parsed.origins);
    let (spec, origin) = entries.find_map(|(entry, origin)| match entry {
        Entry::Run(spec, _) if spec.name.as_str() == name => Some((spec, origin)),
        Entry::Run(..) | Entry::Disabled(_) | Entry::Refused(_) => None,
    })?;
    let program = spec.target.program()?;
    find(spec, program, env).err()?.problem(origin)
}

/// A file of which nothing can be used.
fn unusable(error: &ConfigError, path: Option<&Path>, out: &mut dyn Write) -> io::Result<u8> {
    let problems = error.problems();
    if problems.is_empty() {
        writeln!(out, "error: {error}")?;
        return Ok(CONFIG);
    }
    let file = shown_path(path.unwrap_or(Path::new("")));
    print_problems(&file, problems, out)?;
    writeln!(
        out,
        "{file}: cannot be used; a running gateway keeps what it has"
    )?;
    Ok(CONFIG)
}

fn report(
    path: &Path,
    parsed: &Parsed,
    Around {
        env,
        last_seen,
        start,
    }: Around<'_>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let mut problems = parsed.problems.clone();
    problems.extend(config::exposure(path, parsed));
    problems.extend(files::problems(parsed));
    let mut rows = Vec::with_capacity(parsed.origins.len());
    for (entry, origin) in parsed.config.servers.iter().zip(&parsed.origins) {
        rows.push(row(entry, origin, env, &mut problems));
    }
    rows.extend(parsed.config.nameless.iter().map(nameless));
    let mut try_all = |start| Started::try_all(start, path, parsed, &mut problems);
    let started = start.map(&mut try_all).transpose()?;
    problems.sort_by_key(|problem| (problem.line, problem.column));

    let file = shown_path(path);
    print_problems(&file, &problems, out)?;
    if !rows.is_empty() {
        print_table(&rows, out)?;
    }
    let is_interrupted = started
        .as_ref()
        .is_some_and(|started| started.is_interrupted);
    if let Some(started) = started {
        started.print(out)?;
    }
    profiles::print(&parsed.config.profiles, out)?;
    costs::print(&last_seen(path, &parsed.config), out)?;
    if let Some(offered) = offered(&parsed.config) {
        writeln!(out, "{offered}\n")?;
    }
    writeln!(out, "{file}: {}", summary(&rows, &problems))?;
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    Ok(if is_interrupted {
        INTERRUPTED
    } else if problems.iter().any(is_error) {
        CONFIG
    } else {
        OK
    })
}

pub(super) fn print_problems(
    file: &str,
    problems: &[Problem],
    out: &mut dyn Write,
) -> io::Result<()> {
    for problem in problems {
        let Problem {
            severity,
            line,
            column,
            message,
            ..
        } = problem;
        write!(out, "{file}:{line}:{column}: {severity}: {message}")?;
        let subject = problem.subject();
        if !subject.is_empty() {
            write!(out, " ({subject})")?;
        }
        writeln!(out)?;
        if let Some(help) = &problem.help {
            writeln!(out, "    help: {help}")?;
        }
    }
    if !problems.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// One server in the table.
struct Row {
    name: String,
    state: &'static str,
    /// Empty for the default: the server's name.
    prefix: String,
    /// Empty for the default: shared.
    isolation: &'static str,
    /// Empty for the default: it is found out.
    protocol: &'static str,
    command: String,
    found: String,
}

fn row(entry: &Entry, origin: &Origin, env: Environment<'_>, problems: &mut Vec<Problem>) -> Row {
    let (state, found) = match entry {
        Entry::Disabled(_) => ("off", "-".to_owned()),
        Entry::Refused(_) => ("refused", format!("see line {}", origin.place.line)),
        Entry::Run(spec, _) => {
            let found = target::found(spec, origin, env, problems);
            ("run", found)
        }
    };
    let (prefix, isolation, protocol) = match entry {
        Entry::Run(spec, _) => differing(spec),
        Entry::Disabled(_) | Entry::Refused(_) => Default::default(),
    };
    Row {
        name: entry.name().to_string(),
        state,
        prefix,
        isolation,
        protocol,
        command: target::shown(entry, origin),
        found,
    }
}

fn nameless(entry: &Nameless) -> Row {
    Row {
        name: entry.shown.clone(),
        state: "refused",
        prefix: String::new(),
        isolation: "",
        protocol: "",
        command: "-".to_owned(),
        found: format!("see line {}", entry.line),
    }
}

/// The prefix, the isolation and the protocol of `spec` where they are not the default.
fn differing(spec: &ServerSpec) -> (String, &'static str, &'static str) {
    let prefix = match &spec.prefix {
        prefix if *prefix == Prefix::of(&spec.name) => String::new(),
        prefix if prefix.is_bare() => r#""""#.to_owned(),
        prefix => prefix.to_string(),
    };
    let isolation = match spec.isolation {
        Isolation::Shared => "",
        Isolation::Session => "session",
    };
    let protocol = match spec.protocol {
        Protocol::Auto => "",
        protocol @ (Protocol::Legacy | Protocol::Modern) => protocol.as_str(),
    };
    (prefix, isolation, protocol)
}

/// What clients are not offered, and why.
fn offered(config: &Config) -> Option<String> {
    let isolated = config.servers.iter().find_map(|entry| match entry {
        Entry::Run(spec, _) => (spec.isolation == Isolation::Session).then_some(&spec.name),
        Entry::Disabled(_) | Entry::Refused(_) => None,
    });
    let serving = config.offer?.serving(isolated);
    (serving != Offer::Both.serving(None)).then(|| serving.said(isolated).to_string())
}

/// What a row has in a column.
type Cell = fn(&Row) -> &str;

/// The columns of the table. One that has nothing to say is left out.
const COLUMNS: [(&str, Cell); 7] = [
    ("SERVER", |row| &row.name),
    ("STATE", |row| row.state),
    ("PREFIX", |row| &row.prefix),
    ("ISOLATION", |row| row.isolation),
    ("PROTOCOL", |row| row.protocol),
    ("COMMAND", |row| &row.command),
    ("FOUND", |row| &row.found),
];

fn print_table(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let mut lines = vec![Vec::new(); rows.len() + 1];
    for (title, cell) in COLUMNS {
        if rows.iter().all(|row| cell(row).is_empty()) {
            continue;
        }
        let cells = std::iter::once(title).chain(rows.iter().map(cell));
        for (line, cell) in lines.iter_mut().zip(cells) {
            line.push(cell);
        }
    }
    table::print(&lines, out)
}

fn summary(rows: &[Row], problems: &[Problem]) -> String {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *states.entry(row.state).or_default() += 1;
    }
    let state = |name: &str| states.get(name).copied().unwrap_or_default();
    let of = |severity| {
        problems
            .iter()
            .filter(move |p| p.severity == severity)
            .count()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let mut parts = vec![count(state("run"), "server") + " to run"];
    if state("off") > 0 {
        parts.push(format!("{} off", state("off")));
    }
    if state("refused") > 0 {
        parts.push(format!("{} refused", state("refused")));
    }
    if errors > 0 {
        parts.push(count(errors, "error"));
    }
    if warnings > 0 {
        parts.push(count(warnings, "warning"));
    }
    parts.join(", ")
}

pub(super) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// The path as one would type it here.
pub(super) fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    plain(&path.strip_prefix(here).unwrap_or(path).to_string_lossy())
}

/// A text with nothing that a terminal obeys.
fn plain(text: &str) -> String {
    let shown = text.chars().map(|c| {
        if c.is_control() {
            c.escape_debug().to_string()
        } else {
            c.to_string()
        }
    });
    shown.collect()
}
