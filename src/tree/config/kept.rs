//! The last text that could be used, kept in the state directory: a machine that reboots after a bad edit
//! starts from it. One file, replaced in one step, 0600 like all state, as it may hold the secrets that the
//! configuration file holds. Its first line says which file it was read from; of another it says nothing.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The name in the state directory.
const NAME: &str = "last-configuration";

/// Where it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    state_dir: Option<PathBuf>,
    first_line: String,
}

impl Kept {
    /// Of the file at `path`; without a state directory nothing is kept.
    pub(super) fn new(state_dir: Option<&Path>, path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // Quoted, so that it is one line whatever is in it.
        let quoted = format!("{:?}", path.to_string_lossy());
        Self {
            state_dir: state_dir.map(Path::to_owned),
            first_line: format!("// {quoted}\n"),
        }
    }

    /// The text, if there is one of this file.
    pub(super) fn text(&self) -> Option<String> {
        let file = self.state_dir.as_ref()?.join(NAME);
        let kept = fs::read_to_string(file).ok()?;
        kept.strip_prefix(&self.first_line).map(str::to_owned)
    }

    /// Keeps this text, if it is another.
    pub(super) fn keep(&self, text: &str) -> io::Result<()> {
        let Some(state_dir) = &self.state_dir else {
            return Ok(());
        };
        if self.text().as_deref() == Some(text) {
            return Ok(());
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(state_dir)?;
        let unfinished = state_dir.join(format!(".{NAME}.unfinished"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(self.first_line.as_bytes())?;
        file.write_all(text.as_bytes())?;
        // The machine may go down at any moment: it is this name that must never lead to half a text.
        file.sync_all()?;
        fs::rename(&unfinished, state_dir.join(NAME))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_kept_for_its_own_file_and_closed_to_others() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        let kept = Kept::new(Some(&state), Path::new("/etc/a.json"));
        assert_eq!(kept.text(), None);
        for text in ["[]", "{\n}", "{\n}"] {
            kept.keep(text).unwrap();
            assert_eq!(kept.text().as_deref(), Some(text));
        }
        let other = Kept::new(Some(&state), Path::new("/etc/b.json"));
        assert_eq!(other.text(), None, "another file's");
        let files: Vec<_> = fs::read_dir(&state).unwrap().flatten().collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let mode = files[0].metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let nowhere = Kept::new(None, Path::new("/etc/a.json"));
        nowhere.keep("[]").unwrap();
        assert_eq!(nowhere.text(), None);
    }
}
