//! What entries have from files: secrets (`${file:…}`) and files of variables (`env_file`). They are read
//! at each start of a server, so that the next one has what has been replaced meanwhile; here is what an
//! entry refers to, and the reading. Reading may block for as long as a file system hangs.

mod file;
mod names;
mod secret;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use hyper::header::HeaderMap;

use super::address;
use super::model::{Address, AddressError, Program, Remote, ServerSpec};
pub use file::{FileError, FileRef};
pub(crate) use names::is_named_secret;
pub(super) use secret::Piece;
pub use secret::Secret;

/// Variables that files set.
pub(super) type Variables = BTreeMap<String, String>;

/// What a server is started with, its files read.
pub struct Filled {
    /// The arguments.
    pub args: Vec<String>,
    /// What is added to its environment.
    pub env: Variables,
    /// The files that every user of the machine may read.
    pub exposed: Vec<PathBuf>,
}

impl ServerSpec {
    /// What its files of variables say; of two that name the same, the last.
    ///
    /// # Errors
    /// The first that can't be used.
    pub fn variables(&self, exposed: &mut Vec<PathBuf>) -> Result<Variables, FileError> {
        read(&self.env_files, exposed)
    }
}

impl Program {
    /// What the program is started with: what the files of variables say, and above that its `env`.
    ///
    /// # Errors
    /// The first file that can't be used.
    pub fn fill(&self, env_files: &[PathBuf]) -> Result<Filled, FileError> {
        let mut exposed = Vec::new();
        let mut env = read(env_files, &mut exposed)?;
        let args = self.args.iter();
        let args = args
            .map(|arg| arg.fill(&env, &mut exposed))
            .collect::<Result<_, _>>()?;
        let own = self.env.iter();
        let own: Vec<_> = own
            .map(|(name, value)| Ok((name.clone(), value.fill(&env, &mut exposed)?)))
            .collect::<Result<_, FileError>>()?;
        env.extend(own);
        Ok(Filled { args, env, exposed })
    }
}

impl Remote {
    /// Where the server is, and what it is sent.
    ///
    /// # Errors
    /// The first file that can't be used, or what is wrong once all is filled in: where and what, never the value.
    pub fn fill(&self, env_files: &[PathBuf]) -> Result<Address, AddressError> {
        let wrong = |of: &str, wrong| AddressError::Wrong(format!("its {of} {wrong}"));
        let mut exposed = Vec::new();
        let variables = read(env_files, &mut exposed)?;
        let url = address::url(&self.url.fill(&variables, &mut exposed)?);
        let url = url.map_err(|why| wrong("'url'", why))?;
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let value = address::header_value(&value.fill(&variables, &mut exposed)?);
            let wrong = |why| wrong(&format!("header '{name}'"), why);
            let named = address::header_name(name).map_err(wrong)?;
            headers.insert(named, value.map_err(wrong)?);
        }
        Ok(Address {
            url,
            headers,
            exposed,
        })
    }
}

fn read(files: &[PathBuf], exposed: &mut Vec<PathBuf>) -> Result<Variables, FileError> {
    let mut variables = Variables::new();
    for file in files {
        let file = FileRef::Variables(file.clone());
        let (text, is_exposed) = file.read()?;
        variables.extend(parse(&file, &text)?);
        exposed.extend(file.path().ok().filter(|_| is_exposed));
    }
    Ok(variables)
}

impl FileRef {
    /// Whether everybody may read the file who should not.
    ///
    /// # Errors
    /// If a server could not be started with it.
    pub fn look(&self) -> Result<bool, FileError> {
        let (text, is_exposed) = self.read()?;
        if matches!(self, Self::Variables(_)) {
            parse(self, &text)?;
        }
        Ok(is_exposed)
    }
}

/// The variables in the text of a file of variables.
///
/// # Errors
/// In which line what is wrong.
pub fn variables(text: &str) -> Result<BTreeMap<String, String>, String> {
    variables::parse(text)
}

fn parse(file: &FileRef, text: &str) -> Result<Variables, FileError> {
    let wrong = |why: String| FileError::new(file, &why, io::ErrorKind::InvalidData);
    variables::parse(text).map_err(wrong)
}
