//! What to run, and where it is: the program is looked up here, on the child's own `PATH` and
//! relative to the child's own directory, so that the answer does not depend on how the standard
//! library happens to spawn, and so that a failure can say where was looked.

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: before there are workers, or beside them"
)]

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::error::SpawnError;

/// Where to look when the child has no `PATH`: what execvp(3) uses, and `/usr/local/bin`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A program with all that it is started with. No shell is involved.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// What it is called in the log.
    pub name: String,
    /// The executable: a name to look up, or a path (relative to `cwd`).
    pub program: String,
    /// Its arguments, without the program itself.
    pub args: Vec<String>,
    /// The child's environment; only the marker of its origin is added to it.
    pub env: Vec<(OsString, OsString)>,
    /// Its working directory; the gateway's own if there is none.
    pub cwd: Option<PathBuf>,
}

impl Command {
    /// The file that would be run, as an absolute path.
    ///
    /// # Errors
    /// If the directory cannot be used, or no executable file is found on the child's `PATH`.
    pub fn locate(&self) -> Result<PathBuf, SpawnError> {
        let directory = self.directory()?;
        if self.program.contains('/') {
            return self.at_path(directory.join(&self.program));
        }
        let path = self.path();
        let found = std::env::split_paths(&path)
            .map(|entry| directory.join(entry).join(&self.program))
            .filter(|file| !self.program.is_empty() && file.is_file());
        let mut refused = None;
        for file in found {
            if is_executable(&file) {
                return Ok(file);
            }
            refused.get_or_insert(file);
        }
        Err(match refused {
            Some(file) => SpawnError::PermissionDenied {
                program: self.program.clone(),
                file,
            },
            None => SpawnError::NotFound {
                program: self.program.clone(),
                path: path.to_string_lossy().into_owned(),
            },
        })
    }

    /// How many bytes the arguments and the environment take, for a message about too many.
    pub(super) fn size(&self) -> usize {
        let args: usize = self.args.iter().map(|arg| arg.len() + 1).sum();
        let pairs = self.env.iter();
        let env: usize = pairs
            .map(|(name, value)| name.len() + value.len() + 2)
            .sum();
        args + env
    }

    fn path(&self) -> OsString {
        let mut entries = self.env.iter();
        let path = entries.find(|(name, _)| name == "PATH");
        path.map_or_else(|| DEFAULT_PATH.into(), |(_, value)| value.clone())
    }

    fn directory(&self) -> Result<PathBuf, SpawnError> {
        let bad = |directory: &Path, source| SpawnError::BadDirectory {
            program: self.program.clone(),
            directory: directory.to_owned(),
            source,
        };
        let own = std::env::current_dir().map_err(|error| bad(Path::new("."), error))?;
        let Some(wanted) = &self.cwd else {
            return Ok(own);
        };
        // Looking up "." inside needs the right to enter it, which is what chdir(2) needs.
        let directory = own.join(wanted);
        match std::fs::metadata(directory.join(".")) {
            Ok(_) => Ok(directory),
            Err(error) => Err(bad(wanted, error)),
        }
    }

    fn at_path(&self, file: PathBuf) -> Result<PathBuf, SpawnError> {
        let program = self.program.clone();
        match std::fs::metadata(&file) {
            Ok(metadata) if metadata.is_file() && is_executable(&file) => Ok(file),
            Ok(_) => Err(SpawnError::PermissionDenied { program, file }),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(SpawnError::PermissionDenied { program, file })
            }
            Err(_) => Err(SpawnError::NoSuchFile { program, file }),
        }
    }
}

fn is_executable(file: &Path) -> bool {
    access(file, AccessFlags::X_OK).is_ok()
}

/// Arguments and values may be secrets: only their number and the names of variables are shown.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&OsStr> = self.env.iter().map(|(name, _)| name.as_os_str()).collect();
        f.debug_struct("Command")
            .field("name", &self.name)
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &names)
            .field("cwd", &self.cwd)
            .finish()
    }
}
