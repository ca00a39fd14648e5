//! Looks for the program of a server where it will be run, and at what it is: a script that Windows
//! has been at is "not found" to the operating system, whatever it means by that.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::model::{Program, Secret, ServerSpec};
use crate::config::{Environment, Origin, Problem, Severity, Written};
use crate::process::{self, Command, SpawnError};

/// What a server needs and the machine does not have.
pub(super) enum Lacking {
    Directory,
    Program {
        help: String,
    },
    Permission {
        at: PathBuf,
    },
    /// It is there, and made for another system.
    Foreign {
        at: PathBuf,
        why: &'static str,
    },
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "NO DIRECTORY",
            Self::Program { .. } => "NOT FOUND",
            Self::Permission { .. } => "NO PERMISSION",
            Self::Foreign { .. } => "NO PROGRAM",
        })
    }
}

impl Lacking {
    pub(super) fn problem(self, origin: &Origin) -> Option<Problem> {
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
            Self::Foreign { at, why } => {
                let (what, help) = why.split_once("; ").unwrap_or((why, ""));
                let what = format!("{} can't be run: {what}", at.display());
                (command?, what, help.to_owned())
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
            help: Some(help).filter(|help| !help.is_empty()),
        })
    }
}

/// Looks for the program of `spec` as its start will: on the PATH that the server gets, a name with a `/` in its
/// working directory.
pub(super) fn find(
    spec: &ServerSpec,
    wanted: &Program,
    env: Environment<'_>,
) -> Result<String, Lacking> {
    let directory = wanted.cwd.clone().unwrap_or_else(|| PathBuf::from("."));
    if wanted.command == "mcproxy" && directory.is_dir() {
        return Ok("built in".to_owned());
    }
    let own = wanted.env.get("PATH").map(Secret::expose).or_else(|| {
        let variables = spec.variables(&mut Vec::new());
        variables.ok()?.remove("PATH")
    });
    let has_own_path = own.is_some();
    let path = own.or_else(|| env("PATH"));
    let command = Command {
        name: spec.name.to_string(),
        program: wanted.command.clone(),
        args: Vec::new(),
        env: path
            .map(|path| ("PATH".into(), path.into()))
            .into_iter()
            .collect(),
        cwd: wanted.cwd.clone(),
    };
    let missing = |path: &str| Lacking::Program {
        help: help(&wanted.command, path, has_own_path),
    };
    let found = command.locate().map_err(|error| match error {
        SpawnError::BadDirectory { .. } => Lacking::Directory,
        SpawnError::PermissionDenied { file, .. } => Lacking::Permission { at: tidied(&file) },
        SpawnError::NotFound { path, .. } => missing(&path),
        SpawnError::NoSuchFile { .. }
        // Said of a start, which there is none.
        | SpawnError::NoInterpreter { .. }
        | SpawnError::NotAProgram { .. }
        | SpawnError::Foreign { .. }
        | SpawnError::TooLong { .. }
        | SpawnError::Unprepared { .. }
        | SpawnError::Ending { .. }
        | SpawnError::Failed { .. } => missing(""),
    })?;
    let script = script(wanted, &directory);
    let mut files = std::iter::once(found.as_path()).chain(script.as_deref());
    let odd = files.find_map(|file| Some((file, process::oddity(file)?)));
    match odd {
        Some((file, why)) => Err(Lacking::Foreign {
            at: tidied(file),
            why,
        }),
        None => Ok(tidied(&found).display().to_string()),
    }
}

/// The script that a shell is given. Other interpreters read the lines of Windows.
fn script(wanted: &Program, directory: &Path) -> Option<PathBuf> {
    let program = wanted.command.rsplit('/').next()?;
    let is_shell = ["sh", "bash", "dash", "zsh", "ksh"].contains(&program);
    let first = wanted
        .args
        .first()
        .map(Secret::expose)
        .filter(|arg| is_shell && !arg.starts_with('-'))?;
    Some(directory.join(first)).filter(|file| file.is_file())
}

/// Without the `.` that joining leaves.
fn tidied(path: &Path) -> PathBuf {
    let path: PathBuf = path.components().collect();
    path.strip_prefix(".")
        .map(Path::to_path_buf)
        .unwrap_or(path)
}

fn help(command: &str, path: &str, has_own_path: bool) -> String {
    if command.contains('\\') || command.get(1..3) == Some(":/") {
        return String::new(); // of Windows, which was said with what to write
    }
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
