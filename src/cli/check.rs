//! `mcproxy check [FILE]`: what the gateway would make of a configuration, without starting
//! anything. Validates the file, looks for every command where its server will be run, prints the
//! mistakes as compilers do and a table of the servers.
//!
//! No line of the file is ever shown: the one with the mistake may be the one with the secret.

#![expect(
    clippy::disallowed_methods,
    reason = "a verb of its own, without workers"
)]

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::config::model::{Entry, Given, Isolation, ServerSpec};
use crate::config::{self, ConfigError, Environment, Origin, Parsed, Problem, Severity, Written};
use crate::ids::Prefix;

/// Exit code for a configuration that can be used as it is; warnings do not matter.
const OK: u8 = 0;
/// `EX_CONFIG` of `sysexits.h`: something is wrong in the configuration.
const CONFIG: u8 = 78;
/// What `execvp` takes where there is no PATH.
const FALLBACK_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Checks the file at `path`, else the one that the gateway would take, and writes what it found to
/// `out`. `env` is the gateway's environment, `command_line` what is said there about limits. Answers the exit code: 0, or 78 if there is an error.
///
/// # Errors
/// If `out` cannot be written to.
pub fn run(
    path: Option<&Path>,
    env: Environment<'_>,
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
    match config::parse_under(&text, env, command_line) {
        Ok(parsed) => report(&path, &parsed, env, out),
        Err(error) => unusable(&error, Some(&path), out),
    }
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
    env: Environment<'_>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let mut problems = parsed.problems.clone();
    problems.extend(config::exposure(path, parsed));
    let mut rows = Vec::with_capacity(parsed.origins.len());
    for (entry, origin) in parsed.config.servers.iter().zip(&parsed.origins) {
        rows.push(row(entry, origin, env, &mut problems));
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));

    let file = shown_path(path);
    print_problems(&file, &problems, out)?;
    if !rows.is_empty() {
        print_table(&rows, out)?;
    }
    writeln!(out, "{file}: {}", summary(&rows, &problems))?;
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    Ok(if problems.iter().any(is_error) {
        CONFIG
    } else {
        OK
    })
}

fn print_problems(file: &str, problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
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
    command: String,
    found: String,
}

fn row(entry: &Entry, origin: &Origin, env: Environment<'_>, problems: &mut Vec<Problem>) -> Row {
    let (state, found) = match entry {
        Entry::Disabled(_) => ("off", "-".to_owned()),
        Entry::Refused(_) => ("refused", format!("see line {}", origin.place.line)),
        Entry::Run(spec) => match find(spec, env) {
            Ok(found) => ("run", found),
            Err(lacking) => {
                let found = lacking.to_string();
                problems.extend(lacking.problem(origin));
                ("run", found)
            }
        },
    };
    let (prefix, isolation) = match entry {
        Entry::Run(spec) => differing(spec),
        Entry::Disabled(_) | Entry::Refused(_) => Default::default(),
    };
    Row {
        name: entry.name().to_string(),
        state,
        prefix,
        isolation,
        command: command_shown(origin),
        found,
    }
}

/// The prefix and the isolation of `spec` where they are not the default.
fn differing(spec: &ServerSpec) -> (String, &'static str) {
    let prefix = match &spec.prefix {
        prefix if *prefix == Prefix::of(&spec.name) => String::new(),
        prefix if prefix.is_bare() => r#""""#.to_owned(),
        prefix => prefix.to_string(),
    };
    let isolation = match spec.isolation {
        Isolation::Shared => "",
        Isolation::Session => "session",
    };
    (prefix, isolation)
}

/// The command as the file has it, without its arguments, which may hold keys.
fn command_shown(origin: &Origin) -> String {
    const LONGEST: usize = 40;
    let Some(written) = &origin.command else {
        return "-".to_owned();
    };
    let mut shown: String = written.text.escape_debug().take(LONGEST).collect();
    if written.text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

/// What a server needs and the machine does not have.
enum Lacking {
    Directory,
    Program { help: String },
    Permission { at: PathBuf },
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "NO DIRECTORY",
            Self::Program { .. } => "NOT FOUND",
            Self::Permission { .. } => "NO PERMISSION",
        })
    }
}

impl Lacking {
    fn problem(self, origin: &Origin) -> Option<Problem> {
        let command = origin.command.as_ref();
        let (written, message, help): (&Written, _, _) = match self {
            Self::Directory => (
                origin.cwd.as_ref()?,
                "the directory does not exist".to_owned(),
                "create it, or leave 'cwd' out".to_owned(),
            ),
            Self::Program { help } => {
                let command = command?;
                let program = command.text.escape_debug();
                (
                    command,
                    format!("the program '{program}' was not found"),
                    help,
                )
            }
            Self::Permission { at } => (
                command?,
                format!("{} may not be executed", at.display()),
                format!("chmod +x {}", at.display()),
            ),
        };
        Some(Problem {
            severity: Severity::Error,
            line: written.place.line,
            column: written.place.column,
            path: written.path.clone(),
            server: Some(origin.server.to_string()),
            message,
            help: Some(help),
        })
    }
}

/// Looks for the program of `spec` as the operating system will: on the PATH that the server gets,
/// a name with a `/` in its working directory.
fn find(spec: &ServerSpec, env: Environment<'_>) -> Result<String, Lacking> {
    let directory = spec.cwd.clone().unwrap_or_else(|| PathBuf::from("."));
    if !directory.is_dir() {
        return Err(Lacking::Directory);
    }
    if spec.command == "mcproxy" {
        return Ok("built in".to_owned());
    }
    let own = spec.env.get("PATH").map(|path| path.expose().to_owned());
    let has_own_path = own.is_some();
    let path = own
        .or_else(|| env("PATH"))
        .unwrap_or_else(|| FALLBACK_PATH.to_owned());
    let candidates: Vec<_> = if spec.command.contains('/') {
        vec![directory.join(&spec.command)]
    } else {
        let directories = std::env::split_paths(&path);
        directories
            .map(|on_path| directory.join(on_path).join(&spec.command))
            .collect()
    };
    let is_file = |path: &&PathBuf| path.is_file();
    let is_program = |path: &&PathBuf| path.is_file() && access(*path, AccessFlags::X_OK).is_ok();
    if let Some(found) = candidates.iter().find(is_program) {
        return Ok(tidied(found).display().to_string());
    }
    Err(match candidates.iter().find(is_file) {
        Some(at) => Lacking::Permission { at: tidied(at) },
        None => Lacking::Program {
            help: help(&spec.command, &path, has_own_path),
        },
    })
}

/// Without the `.` that joining leaves.
fn tidied(path: &Path) -> PathBuf {
    let path: PathBuf = path.components().collect();
    path.strip_prefix(".")
        .map(Path::to_path_buf)
        .unwrap_or(path)
}

fn help(command: &str, path: &str, has_own_path: bool) -> String {
    if command.starts_with('/') {
        return "it has to be on the machine, or in the container, that runs the gateway"
            .to_owned();
    }
    if command.contains('/') {
        return "a relative path starts at the server's 'cwd', else where the gateway runs"
            .to_owned();
    }
    let source = match command {
        "npx" | "npm" | "node" => "install Node.js (package nodejs, or https://nodejs.org); ",
        "uvx" | "uv" => "install uv (https://docs.astral.sh/uv); ",
        "python" | "python3" | "pip" | "pipx" => "install Python (package python3); ",
        "bun" | "bunx" => "install Bun (https://bun.sh); ",
        "deno" => "install Deno (https://deno.com); ",
        "docker" => "install Docker (https://docs.docker.com/engine/install); ",
        "podman" => "install Podman (package podman); ",
        _ => "",
    };
    // The entry's own PATH is a value of `env`, and those are not shown.
    let searched = if has_own_path {
        "looked on the PATH in its 'env'".to_owned()
    } else {
        format!("looked on the PATH {path}")
    };
    format!("{source}{searched}")
}

/// What a row has in a column.
type Cell = fn(&Row) -> &str;

/// The columns of the table. One that has nothing to say is left out.
const COLUMNS: [(&str, Cell); 6] = [
    ("SERVER", |row| &row.name),
    ("STATE", |row| row.state),
    ("PREFIX", |row| &row.prefix),
    ("ISOLATION", |row| row.isolation),
    ("COMMAND", |row| &row.command),
    ("FOUND", |row| &row.found),
];

fn print_table(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let mut lines = vec![Vec::new(); rows.len() + 1];
    for (title, cell) in COLUMNS {
        if rows.iter().all(|row| cell(row).is_empty()) {
            continue;
        }
        let cells = || std::iter::once(title).chain(rows.iter().map(cell));
        let width = cells().map(|cell| cell.chars().count()).max();
        let width = width.unwrap_or_default();
        for (line, cell) in lines.iter_mut().zip(cells()) {
            line.push(format!("{cell:width$}"));
        }
    }
    for line in lines {
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    writeln!(out)
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

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// The path as one would type it here.
fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}
