//! What a shell and `man` have of the command line, made from its definition.

#![expect(
    clippy::disallowed_methods,
    reason = "verbs of their own, without workers"
)]

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::{Command, ValueEnum};
use clap_complete::generate;
use clap_complete::shells::{Bash, Fish, Zsh};

use super::limits;
use super::reading::with_variables;

const NAME: &str = "mcproxy";

/// A shell that completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

/// Writes the completions of a shell to `out`. Answers the exit code.
///
/// # Errors
/// If `out` cannot be written to.
pub fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<u8> {
    // Those that --help has in a table of its own are hidden from clap alone.
    let mut command = with_variables(&|arg| {
        let is_offered = limits::is_offered(arg.get_id().as_str());
        if is_offered { arg.hide(false) } else { arg }
    });
    // Made first: the generator takes a pipe that is closed for a mistake of the program.
    let mut script = Vec::new();
    match shell {
        Shell::Bash => generate(Bash, &mut without_hidden(&command), NAME, &mut script),
        Shell::Zsh => generate(Zsh, &mut command, NAME, &mut script),
        Shell::Fish => generate(Fish, &mut command, NAME, &mut script),
    }
    match out.write_all(&script) {
        // Whoever reads it has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        written => written.map(|()| 0),
    }
}

/// The names of commands and options that are not hidden, which is all that bash is told. Its generator does not ask
/// whether they are.
fn without_hidden(command: &Command) -> Command {
    let name = command.get_name().to_owned();
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let commands = command.get_subcommands().filter(|it| !it.is_hide_set());
    Command::new(name)
        .args(args.cloned())
        .subcommands(commands.map(without_hidden))
}

/// Writes a page for each command, `mcproxy.1`, `mcproxy-add.1`, … into a directory, which is made. Answers the exit
/// code.
///
/// # Errors
/// If they cannot be written, or `err` cannot.
pub fn man(directory: &Path, err: &mut dyn Write) -> io::Result<u8> {
    let command = with_variables(&|arg| arg).disable_help_subcommand(true);
    let written =
        fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(command, directory));
    if let Err(error) = written {
        writeln!(
            err,
            "error: cannot write to {}: {error}",
            directory.display()
        )?;
        return Ok(CANNOT_CREATE);
    }
    Ok(0)
}

/// `EX_CANTCREAT` of `sysexits.h`.
const CANNOT_CREATE: u8 = 73;
