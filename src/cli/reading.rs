//! From the arguments and the environment to [`Cli`]. A word of another program gets a line that says what it is
//! here.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Command, CommandFactory, FromArgMatches};

use super::{Cli, Run};

/// Words that other gateways have, or that one would guess, and what to write.
const OTHERS: [(&str, &str); 7] = [
    ("--port", "mcproxy --listen PORT"),
    ("-p", "mcproxy --listen PORT"),
    ("--host", "mcproxy --listen ADDRESS:PORT"),
    ("--bind", "mcproxy --listen ADDRESS:PORT"),
    ("serve", "mcproxy run"),
    ("start", "mcproxy run"),
    ("validate", "mcproxy check"),
];

impl Cli {
    /// Reads the arguments and the environment of this process. Ends the process after `--help`
    /// and `--version` (exit code 0) and after a mistake (exit code 2, the message on stderr).
    #[must_use]
    pub fn from_environment() -> Self {
        Self::try_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// The same with given arguments, the program's name first.
    ///
    /// # Errors
    /// A mistake, or the text of `--help` or `--version`.
    pub fn try_from(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        read(&command(), &arguments.into_iter().collect::<Vec<_>>())
    }
}

/// The command as clap knows it, for parsing, completions and the man page. A variable that is
/// set to nothing counts as not set: that is how a unit or a compose file switches one off.
#[must_use]
pub fn command() -> Command {
    let is_blank = |arg: &clap::Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    with_variables(&|arg| {
        if is_blank(&arg) {
            arg.env(None::<&'static str>)
        } else {
            arg
        }
    })
}

/// The definition, with each setting of the gateway treated by `variable`. `run` has the settings too.
pub(super) fn with_variables(variable: &dyn Fn(clap::Arg) -> clap::Arg) -> Command {
    let run = |run: Command| {
        let about = run.get_about().cloned().unwrap_or_default();
        Run::augment_args(run).about(about).mut_args(variable)
    };
    Cli::command().mut_args(variable).mut_subcommand("run", run)
}

pub(super) fn read(command: &Command, arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let understood = |arguments: &[OsString]| command.clone().try_get_matches_from(arguments);
    let mut matches = understood(arguments).map_err(|error| explained(command, error))?;
    if matches.subcommand_name() == Some("run") {
        matches = understood(&without_run(arguments, &understood))?;
    }
    Cli::from_arg_matches_mut(&mut matches)
}

type Understood<'a> = &'a dyn Fn(&[OsString]) -> Result<clap::ArgMatches, clap::Error>;

/// `run` says what is done anyway: the same without the word. An option's value may be called so too.
fn without_run(arguments: &[OsString], understood: Understood<'_>) -> Vec<OsString> {
    let mut rest = arguments.to_vec();
    for (place, _) in arguments
        .iter()
        .enumerate()
        .filter(|(_, word)| *word == "run")
    {
        rest = arguments.to_vec();
        rest.remove(place);
        if understood(&rest).is_ok_and(|matches| matches.subcommand_name().is_none()) {
            break;
        }
    }
    rest
}

/// Another program's word is answered with ours.
fn explained(command: &Command, error: clap::Error) -> clap::Error {
    let context = if error.kind() == ErrorKind::UnknownArgument {
        ContextKind::InvalidArg
    } else {
        ContextKind::InvalidSubcommand
    };
    let Some(ContextValue::String(word)) = error.get(context) else {
        return error;
    };
    let Some((word, ours)) = OTHERS.iter().find(|(other, _)| other == word) else {
        return error;
    };
    let text = format!("there is no '{word}' here: write '{ours}'");
    command.clone().error(error.kind(), text)
}
