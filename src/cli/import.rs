//! `mcproxy import FILE…`: a configuration of what other programs have. Says in a table what became of
//! each entry; writes nothing but the files that the options name, and over none that is there.
//!
//! No value of a file is ever shown. Without `--output` the configuration goes to stdout, with
//! references in the place of secrets.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::check::{count, print_problems, shown_path};
use super::table;
use crate::config::{self, Environment, Problem, Severity};
use crate::import::{Fate, Hiding, Imported, Input, files, import};

const OK: u8 = 0;
/// Something is missing from what was written.
const INCOMPLETE: u8 = 1;
/// `EX_CONFIG` of `sysexits.h`: a file cannot be used.
const CONFIG: u8 = 78;

/// What to import, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Wish {
    /// Files of other programs
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the configuration to this file [default: print it, without secrets]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Move secrets out of it into this file of variables, readable for its owner alone
    #[arg(long, value_name = "FILE")]
    secrets_to: Option<PathBuf>,
    /// Write MetaMCP's API keys to this file, for --token-file
    #[arg(long, value_name = "FILE")]
    tokens_to: Option<PathBuf>,
    /// Write nothing: show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
}

/// Imports, and says to `out` what was done, or to `err` where the configuration itself goes to `out`.
/// `env` is the gateway's environment. Answers the exit code.
///
/// # Errors
/// If `out` or `err` cannot be written to.
pub fn run(
    wish: &Wish,
    env: Environment<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let Some(inputs) = read(&wish.files, err)? else {
        return Ok(CONFIG);
    };
    let imported = import(&inputs, &hiding(wish));
    let is_printed = wish.output.is_none() && !wish.dry_run;
    let said: &mut dyn Write = if is_printed { err } else { &mut *out };
    report(&imported, said)?;
    if imported.is_unusable() {
        writeln!(said, "nothing was written")?;
        return Ok(CONFIG);
    }
    let is_sound = check(wish, &imported, env, said)?;
    if let Some(in_the_way) = in_the_way(wish) {
        let file = shown_path(in_the_way);
        writeln!(said, "error: {file} is there already; nothing was written")?;
        let help =
            "name another file, or replace it with --force; to keep what is in it, import it too";
        writeln!(said, "    help: {help}")?;
        return Ok(CONFIG);
    }
    if !wish.dry_run && !write(wish, &imported, said)? {
        return Ok(CONFIG);
    }
    summary(wish, &imported, said)?;
    if is_printed {
        write!(out, "{}", imported.text)?;
    }
    let is_complete = imported.is_complete() && is_sound;
    Ok(if is_complete { OK } else { INCOMPLETE })
}

/// What is printed has no secret in it, wherever it goes.
fn hiding(wish: &Wish) -> Hiding {
    match (&wish.output, &wish.secrets_to) {
        (Some(output), Some(secrets)) => Hiding::InFile(beside(output, secrets)),
        (None, _) => Hiding::ByVariables,
        (Some(_), None) => Hiding::No,
    }
}

/// The path of `file` as the configuration at `output` has it: its name where it is beside it.
fn beside(output: &Path, file: &Path) -> String {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    let name = file
        .file_name()
        .filter(|_| file.parent() == output.parent());
    let path = name.map_or(file.as_path(), Path::new);
    path.display().to_string()
}

fn read(paths: &[PathBuf], err: &mut dyn Write) -> io::Result<Option<Vec<Input>>> {
    let mut inputs = Vec::with_capacity(paths.len());
    let mut is_missing = false;
    for path in paths {
        match files::read(path) {
            Ok(input) => inputs.push(input),
            Err(error) => {
                is_missing = true;
                writeln!(err, "error: cannot read {}: {error}", shown_path(path))?;
            }
        }
    }
    Ok((!is_missing).then_some(inputs))
}

/// What became of everything, as tables.
fn report(imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    for (path, program) in &imported.programs {
        let found = program.unwrap_or("not used");
        writeln!(out, "{}: {found}", shown_path(path))?;
    }
    writeln!(out)?;
    for (path, _) in &imported.programs {
        let of_file = imported.problems.iter().filter(|(of, _)| of == path);
        let problems: Vec<Problem> = of_file.map(|(_, problem)| problem.clone()).collect();
        print_problems(&shown_path(path), &problems, out)?;
    }
    if !imported.rows.is_empty() {
        table::print(&servers(imported), out)?;
    }
    if !imported.profiles.is_empty() {
        table::print(&profiles(imported), out)?;
    }
    for note in &imported.notes {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}

/// A line for each change, the first of a server beside its name.
fn servers(imported: &Imported) -> Vec<Vec<String>> {
    let titles = ["SERVER", "STATE", "FROM", "CHANGES"];
    let mut lines = vec![titles.map(str::to_owned).to_vec()];
    for row in &imported.rows {
        let state = match row.fate {
            Fate::On => "on",
            Fate::Off => "off",
            Fate::Same => "same",
            Fate::LeftOut => "left out",
            Fate::NotOurs => "not needed",
        };
        let start = [row.name.clone(), state.to_owned(), row.from.clone()];
        let mut changes = row.changes.iter().cloned();
        let mut first = start.to_vec();
        first.extend(changes.next());
        lines.push(first);
        let blank = || vec![String::new(); start.len()];
        lines.extend(changes.map(|change| [blank(), vec![change]].concat()));
    }
    lines
}

fn profiles(imported: &Imported) -> Vec<Vec<String>> {
    let titles = ["PROFILE", "FROM", "SERVERS", "HIDDEN"];
    let mut lines = vec![titles.map(str::to_owned).to_vec()];
    lines.extend(imported.profiles.iter().map(|profile| {
        vec![
            profile.name.clone(),
            profile.from.clone(),
            listed(&profile.servers),
            listed(&profile.hidden),
        ]
    }));
    lines
}

/// The first few, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut shown: Vec<String> = names.iter().take(SHOWN).cloned().collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

/// Says what the gateway would say of the configuration that was made. Answers whether it has no error.
fn check(
    wish: &Wish,
    imported: &Imported,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let known = |name: &str| imported.secrets.get(name).cloned().or_else(|| env(name));
    let problems = match config::parse(&imported.text, &known) {
        Ok(parsed) => parsed.problems,
        Err(error) => error.problems().to_vec(),
    };
    let name = wish
        .output
        .as_deref()
        .map_or("configuration".to_owned(), shown_path);
    print_problems(&name, &problems, out)?;
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    Ok(!problems.iter().any(is_error))
}

/// The files that are to be written.
fn targets(wish: &Wish) -> impl Iterator<Item = &Path> {
    let targets = [&wish.output, &wish.secrets_to, &wish.tokens_to];
    targets.into_iter().flatten().map(PathBuf::as_path)
}

fn in_the_way(wish: &Wish) -> Option<&Path> {
    let mut targets = targets(wish);
    targets.find(|path| !wish.force && files::is_there(path))
}

/// The secrets first: the configuration is of no use without them.
fn write(wish: &Wish, imported: &Imported, out: &mut dyn Write) -> io::Result<bool> {
    let secrets = imported.env_file();
    let texts = [
        (&wish.secrets_to, &secrets),
        (&wish.tokens_to, &imported.token_file),
        (&wish.output, &imported.text),
    ];
    for (path, text) in texts {
        let Some(path) = path else {
            continue;
        };
        if let Err(error) = files::write(path, text) {
            writeln!(out, "error: cannot write {}: {error}", shown_path(path))?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// What there is now, and what is left to do.
fn summary(wish: &Wish, imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    let of = |fate| imported.rows.iter().filter(|row| row.fate == fate).count();
    let mut parts = vec![count(of(Fate::On), "server") + " to run"];
    if of(Fate::Off) > 0 {
        parts.push(format!("{} off", of(Fate::Off)));
    }
    if imported.left_out() > 0 {
        parts.push(format!("{} left out", imported.left_out()));
    }
    if !imported.profiles.is_empty() {
        parts.push(count(imported.profiles.len(), "profile"));
    }
    let name = wish
        .output
        .as_deref()
        .map_or("configuration".to_owned(), shown_path);
    writeln!(out, "{name}: {}", parts.join(", "))?;
    secrets(wish, imported, out)?;
    match (&wish.tokens_to, imported.tokens) {
        (_, 0) => {}
        (Some(path), tokens) => {
            let path = shown_path(path);
            let tokens = count(tokens, "API key");
            writeln!(
                out,
                "{path}: {tokens}; run the gateway with --token-file {path}"
            )?;
        }
        (None, tokens) => {
            let tokens = count(tokens, "API key");
            writeln!(
                out,
                "{tokens} left out: --tokens-to FILE writes them, for --token-file"
            )?;
        }
    }
    if wish.dry_run {
        writeln!(out, "nothing was written, as --dry-run says")?;
    }
    Ok(())
}

fn secrets(wish: &Wish, imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    let moved = imported.secrets.len();
    match &wish.secrets_to {
        Some(path) => {
            let (path, moved) = (shown_path(path), count(moved, "variable"));
            writeln!(
                out,
                "{path}: {moved}; the gateway needs them in its environment"
            )
        }
        None if moved > 0 => {
            let names: Vec<&str> = imported.secrets.keys().map(String::as_str).collect();
            let names = names.join(", ");
            writeln!(
                out,
                "secrets are not shown: set {names}, or have them written with --secrets-to FILE"
            )
        }
        None if imported.written_out > 0 => {
            let secrets = count(imported.written_out, "secret");
            writeln!(
                out,
                "{secrets} written out in it; --secrets-to FILE moves them"
            )
        }
        None => Ok(()),
    }
}
