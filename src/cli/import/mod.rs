//! `mcproxy import FILE…`: a configuration of what other programs have. Says in a table what became of
//! each entry; writes nothing but the files that the options name, and over none that is there.
//!
//! No value of a file is ever shown. Without `--output` the configuration goes to stdout, with
//! references in the place of secrets.

mod report;
mod targets;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use self::targets::{Kept, Written};
use super::check::{print_problems, shown_path};
use crate::config::model::Entry;
use crate::config::{self, Environment, Problem, Severity};
use crate::import::{Hiding, Imported, Input, Plan, files, import};

const OK: u8 = 0;
/// Something is missing from what was written.
const INCOMPLETE: u8 = 1;
/// As after other wrong arguments.
const USAGE: u8 = 2;
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
    /// Replace files that are there already; what is in files of variables and tokens stays
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
    if let Some(what) = targets::confused(wish) {
        writeln!(err, "error: {what}")?;
        return Ok(USAGE);
    }
    let Some(inputs) = read(&wish.files, err)? else {
        return Ok(CONFIG);
    };
    let Some(kept) = Kept::read(wish, err)? else {
        return Ok(CONFIG);
    };
    let plan = Plan {
        hiding: hiding(wish),
        folder: wish.output.as_deref().and_then(folder),
        variables: kept.variables.clone(),
        tokens: kept.tokens.clone(),
    };
    let imported = import(&inputs, &plan);
    let is_printed = wish.output.is_none() && !wish.dry_run;
    let said: &mut dyn Write = if is_printed { err } else { &mut *out };
    report::tables(&imported, said)?;
    if imported.is_unusable() {
        writeln!(said, "nothing was written")?;
        return Ok(CONFIG);
    }
    let known = |name: &str| {
        let known = imported.secrets.get(name).or(plan.variables.get(name));
        known.cloned().or_else(|| env(name))
    };
    let (is_sound, refused) = check(wish, &imported, &known, said)?;
    if let Some(what) = targets::refused(wish, &imported) {
        writeln!(said, "{what}")?;
        return Ok(CONFIG);
    }
    let written = if wish.dry_run {
        Written::All
    } else {
        targets::write(wish, &imported, &kept, said)?
    };
    if matches!(written, Written::Nothing) {
        return Ok(CONFIG);
    }
    report::summary(wish, &imported, refused, said)?;
    if is_printed {
        write!(out, "{}", imported.text)?;
    }
    let leaves_keys = imported.tokens > 0 && wish.tokens_to.is_none();
    let is_complete = imported.is_complete() && is_sound && !leaves_keys;
    let is_complete = is_complete && matches!(written, Written::All);
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
    let name = file
        .file_name()
        .filter(|_| file.parent() == folder(output).as_deref());
    let path = name.map_or(file.as_path(), Path::new);
    path.display().to_string()
}

/// Where a file is.
fn folder(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    file.parent().map(Path::to_owned)
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

/// Says what the gateway would say of the configuration that was made. Answers whether it has no error, and how many
/// entries cannot be used.
fn check(
    wish: &Wish,
    imported: &Imported,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> io::Result<(bool, usize)> {
    let (problems, refused) = match config::parse(&imported.text, env) {
        Ok(parsed) => {
            let entries = parsed.config.servers.iter();
            let refused = entries.filter(|entry| matches!(entry, Entry::Refused(_)));
            (parsed.problems, refused.count())
        }
        Err(error) => (error.problems().to_vec(), 0),
    };
    let name = wish
        .output
        .as_deref()
        .map_or("configuration".to_owned(), shown_path);
    print_problems(&name, &problems, out)?;
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    Ok((!problems.iter().any(is_error), refused))
}
