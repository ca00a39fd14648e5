//! Why a child could not be started, each with what to do about it. Shown to the operator in the
//! log and in the answers of calls, so no argument and no value of a variable is in it.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::command::Command;
use super::script;

/// Why a child could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// No directory of the child's `PATH` has it.
    #[error(
        "command '{program}' not found on the server's PATH; install it, write its absolute \
         path, or set PATH in the server's \"env\""
    )]
    NotFound {
        /// As configured.
        program: String,
        /// What was searched.
        path: String,
    },
    /// A path was configured and nothing is there.
    #[error("command '{program}' not found: there is no file {}", file.display())]
    NoSuchFile {
        /// As configured.
        program: String,
        /// Where that is.
        file: PathBuf,
    },
    /// It is there, and not executable for us (EACCES).
    #[error(
        "command '{program}' cannot be run: permission denied for {}; it must be a file with \
         the right to execute, on a file system that allows it", file.display()
    )]
    PermissionDenied {
        /// As configured.
        program: String,
        /// What was found.
        file: PathBuf,
    },
    /// It is executable, but what it names as its interpreter or loader is missing (ENOENT).
    #[error(
        "command '{program}' cannot be run: the interpreter of {} is missing (see its first \
         line, '#!…', or its dynamic loader)", file.display()
    )]
    NoInterpreter {
        /// As configured.
        program: String,
        /// What was found.
        file: PathBuf,
    },
    /// It is executable, but neither a program for this machine nor a script (ENOEXEC).
    #[error(
        "command '{program}' cannot be run: {} is neither a program for this machine nor a \
         script that begins with '#!'", file.display()
    )]
    NotAProgram {
        /// As configured.
        program: String,
        /// What was found.
        file: PathBuf,
    },
    /// It is executable, but made for another system.
    #[error("command '{program}' cannot be run: {}: {why}", file.display())]
    Foreign {
        /// As configured.
        program: String,
        /// What was found.
        file: PathBuf,
        /// What it is, and what to do.
        why: &'static str,
    },
    /// The working directory cannot be entered.
    #[error(
        "command '{program}' cannot be run: its working directory {} cannot be used: {source}",
        directory.display()
    )]
    BadDirectory {
        /// As configured.
        program: String,
        /// The directory, as configured.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// More arguments and variables than the system takes (E2BIG).
    #[error(
        "command '{program}' cannot be run: its arguments and environment are too long \
         ({bytes} bytes together)"
    )]
    TooLong {
        /// As configured.
        program: String,
        /// What was asked for.
        bytes: usize,
    },
    /// What it is to be given can't be had.
    #[error("command '{program}' is not started: {why}")]
    Unprepared {
        /// As configured.
        program: String,
        /// What, and why.
        why: String,
    },
    /// [`Groups::kill_all`](super::Groups::kill_all) was called: nothing is started any more.
    #[error("command '{program}' is not started: the gateway is ending")]
    Ending {
        /// As configured.
        program: String,
    },
    /// Anything else: no process or descriptor left, a NUL byte in an argument.
    #[error("command '{program}' ({}) cannot be started: {source}", file.display())]
    Failed {
        /// As configured.
        program: String,
        /// What was to be run.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SpawnError {
    /// The `PATH` that was searched in vain: too long to be said each time.
    #[must_use]
    pub fn searched(&self) -> Option<&str> {
        let Self::NotFound { path, .. } = self else {
            return None;
        };
        Some(path)
    }

    /// Names what the system said about running `file`, which was found executable just before.
    pub(super) fn of(command: &Command, file: &Path, source: io::Error) -> Self {
        let program = command.program.clone();
        let file = file.to_owned();
        let error = source.raw_os_error().map(Errno::from_raw);
        if let Some(Errno::ENOENT | Errno::ENOEXEC) = error
            && let Some(why) = script::oddity(&file)
        {
            return Self::Foreign { program, file, why };
        }
        match error {
            Some(Errno::ENOENT) => Self::NoInterpreter { program, file },
            Some(Errno::EACCES | Errno::EPERM) => Self::PermissionDenied { program, file },
            Some(Errno::ENOEXEC) => Self::NotAProgram { program, file },
            Some(Errno::E2BIG) => Self::TooLong {
                program,
                bytes: command.size(),
            },
            Some(_) | None => Self::Failed {
                program,
                file,
                source,
            },
        }
    }
}
