//! `mcproxy remove NAME…`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::OK;
use super::file::{ConfigFile, Unusable, complain};
use crate::cli::check::{print_problems, shown_path};
use crate::config::{Environment, Problem};

/// What is removed.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Removal {
    /// The servers, as 'mcproxy check' calls them
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// The configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Removes them from the file, all or none, and says so to `out`; what went wrong is said to `err`. Answers the exit
/// code.
///
/// # Errors
/// If `out` or `err` cannot be written to.
pub fn remove(
    wish: &Removal,
    named: Option<&Path>,
    env: Environment<'_>,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> io::Result<u8> {
    match take(wish, named, env) {
        Ok((path, problems)) => {
            print_problems(&path, &problems, err)?;
            for name in &wish.names {
                writeln!(out, "{path}: '{name}' is removed")?;
            }
            Ok(OK)
        }
        Err(why) => complain(&why, err),
    }
}

fn take(
    wish: &Removal,
    named: Option<&Path>,
    env: Environment<'_>,
) -> Result<(String, Vec<Problem>), Unusable> {
    let file = ConfigFile::open(named, false, env)?;
    let path = shown_path(&file.path);
    let document = file.document()?;
    document.remove_servers(&wish.names).map_err(|name| {
        let servers = file.parsed.config.servers.iter();
        let known: Vec<String> = servers.map(|entry| entry.name().to_string()).collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        let name = name.escape_debug();
        Unusable::Said(format!("{path} has no server '{name}'; it has {known}"))
    })?;
    let parsed = file.replace(&document.text(), env, &|_| true)?;
    Ok((path, file.new_problems(&parsed)))
}
