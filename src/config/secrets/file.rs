//! One file that an entry refers to, and why it can't be used.

use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::files;

/// More than a variable of a process can hold, and an argument.
const LARGEST_SECRET: u64 = 128 << 10;
/// More than all variables of a process can be.
const LARGEST_VARIABLES: u64 = 1 << 20;

/// Where systemd puts what `LoadCredential=` names.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// Where containers have their secrets: readable for all who are inside.
const OF_CONTAINERS: &str = "/run/secrets";

/// A file that an entry refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRef {
    /// `${file:/path}`
    Secret(PathBuf),
    /// `${file:NAME}`, of systemd's.
    Credential(String),
    /// `env_file`
    Variables(PathBuf),
}

/// Why a file can't be used. Nothing of what is in it is shown.
#[derive(Debug, thiserror::Error)]
#[error("{what} can't be used: {why}")]
pub struct FileError {
    what: String,
    why: String,
    /// What kind of error it is, for whoever knows more of one.
    pub kind: io::ErrorKind,
}

impl FileError {
    pub(super) fn new(of: &FileRef, why: &dyn fmt::Display, kind: io::ErrorKind) -> Self {
        let what = match of {
            FileRef::Variables(_) => format!("its env_file {of}"),
            FileRef::Secret(_) | FileRef::Credential(_) => of.to_string(),
        };
        let why = why.to_string();
        Self { what, why, kind }
    }
}

impl FileRef {
    /// What is between `${file:` and `}`, if that is an absolute path or the name of a credential.
    pub(in crate::config) fn of_secret(text: &str) -> Option<Self> {
        if text.starts_with('/') && !text.contains('\0') && text.len() < 4096 {
            return Some(Self::Secret(PathBuf::from(text)));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-@:".contains(c);
        let is_name = !text.is_empty() && text.len() < 256 && text.chars().all(is_plain);
        (is_name && text != "." && text != "..").then(|| Self::Credential(text.to_owned()))
    }

    /// Where it is.
    ///
    /// # Errors
    /// If it is a credential, and there are none here.
    pub fn path(&self) -> Result<PathBuf, FileError> {
        match self {
            Self::Secret(path) | Self::Variables(path) => Ok(path.clone()),
            Self::Credential(name) => match std::env::var_os(CREDENTIALS) {
                Some(directory) => Ok(Path::new(&directory).join(name)),
                None => {
                    let why = format!(
                        "{CREDENTIALS} is not set; add LoadCredential={name}:/path to the systemd unit, or \
                         write an absolute path"
                    );
                    Err(FileError::new(self, &why, io::ErrorKind::NotADirectory))
                }
            },
        }
    }

    /// Its text, of a secret without the line end at its end, and whether everybody may read it who
    /// should not.
    ///
    /// # Errors
    /// If it can't be read, or is no text that a process can be given.
    pub fn read(&self) -> Result<(String, bool), FileError> {
        let wrong = |why: &dyn fmt::Display, kind| FileError::new(self, why, kind);
        let path = self.path()?;
        let most = match self {
            Self::Variables(_) => LARGEST_VARIABLES,
            Self::Secret(_) | Self::Credential(_) => LARGEST_SECRET,
        };
        let read = files::read_text(&path, most);
        let (mut text, data) = read.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => wrong(&"there is no such file", error.kind()),
            kind => wrong(&error, kind),
        })?;
        let is_ours = matches!(self, Self::Credential(_)) || path.starts_with(OF_CONTAINERS);
        let is_exposed = data.permissions().mode() & 0o004 != 0 && !is_ours;
        if matches!(self, Self::Variables(_)) {
            return Ok((text, is_exposed));
        }
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        if text.contains('\0') {
            let why = "it holds the character NUL, which no process can be given";
            return Err(wrong(&why, io::ErrorKind::InvalidData));
        }
        Ok((text, is_exposed))
    }
}

/// As the configuration has it.
impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variables(path) => write!(f, "{}", path.display().to_string().escape_debug()),
            Self::Secret(path) => {
                write!(f, "${{file:{}}}", path.display().to_string().escape_debug())
            }
            Self::Credential(name) => write!(f, "${{file:{name}}}"),
        }
    }
}
