//! The last text that could be used, kept in the state directory: a machine that reboots after a bad edit
//! starts from it. It may hold the secrets that the configuration file holds. Its first line says
//! for people which file it was read from; each file has its own.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::state_dir::{Configuration, StateDir, StateFile};

/// Where it is kept.
#[derive(Debug)]
pub(super) struct LastConfiguration {
    state_dir: Option<StateDir>,
    of: Configuration,
    first_line: String,
    /// Why nothing could be kept last time.
    failure: Mutex<Option<String>>,
}

impl LastConfiguration {
    /// Of the file at `path`; without a state directory nothing is kept.
    pub(super) fn new(state_dir: Option<StateDir>, path: &Path) -> Self {
        let of = Configuration::at(path);
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // Quoted, so that it is one line whatever is in it.
        let quoted = format!("{:?}", path.to_string_lossy());
        Self {
            state_dir,
            of,
            first_line: format!("// {quoted}\n"),
            failure: Mutex::default(),
        }
    }

    /// The text, if there is one of this file.
    pub(super) fn text(&self) -> io::Result<Option<String>> {
        let Some(state_dir) = &self.state_dir else {
            return Ok(None);
        };
        let kept = state_dir.read(&StateFile::LastConfiguration(&self.of))?;
        let text = kept.and_then(|kept| String::from_utf8(kept).ok());
        Ok(text.and_then(|text| text.strip_prefix(&self.first_line).map(str::to_owned)))
    }

    /// Keeps this text, if it is another. Gives why it can't, unless that was the reason before: a
    /// disk stays full over many reloads.
    pub(super) fn keep(&self, text: &str) -> Option<String> {
        let failure = self.try_keep(text).err().map(|error| error.to_string());
        let mut before = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *before != failure;
        before.clone_from(&failure);
        failure.filter(|_| is_news)
    }

    fn try_keep(&self, text: &str) -> io::Result<()> {
        let Some(state_dir) = &self.state_dir else {
            return Ok(());
        };
        if self.text().is_ok_and(|kept| kept.as_deref() == Some(text)) {
            // It is in use: by its age it is seen what is not.
            return state_dir.touch(&StateFile::LastConfiguration(&self.of));
        }
        let bytes = [&self.first_line, text].concat();
        state_dir.replace(&StateFile::LastConfiguration(&self.of), bytes.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_for_its_own_file() {
        let home = tempfile::tempdir().unwrap();
        let state = StateDir::new(home.path());
        let kept = LastConfiguration::new(Some(state.clone()), Path::new("/etc/a.json"));
        assert_eq!(kept.text().unwrap(), None);
        for text in ["[]", "{\n}", "{\n}"] {
            assert_eq!(kept.keep(text), None);
            assert_eq!(kept.text().unwrap().as_deref(), Some(text));
        }
        let other = LastConfiguration::new(Some(state), Path::new("/etc/b.json"));
        assert_eq!(other.text().unwrap(), None, "another file's");
        assert_eq!(other.keep("[1]"), None);
        assert_eq!(kept.text().unwrap().as_deref(), Some("{\n}"));
        let nowhere = LastConfiguration::new(None, Path::new("/etc/a.json"));
        assert_eq!(nowhere.keep("[]"), None);
        assert_eq!(nowhere.text().unwrap(), None);
    }

    #[test]
    fn a_failure_is_told_once() {
        let home = tempfile::tempdir().unwrap();
        let blocked = home.path().join("configurations");
        std::fs::write(&blocked, "").unwrap();
        let kept = LastConfiguration::new(Some(StateDir::new(home.path())), Path::new("/a"));
        assert!(kept.keep("[]").is_some());
        assert_eq!(kept.keep("[1]"), None, "the same reason");
        std::fs::remove_file(&blocked).unwrap();
        assert_eq!(kept.keep("[]"), None);
        std::fs::remove_dir_all(&blocked).unwrap();
        std::fs::write(&blocked, "").unwrap();
        assert!(kept.keep("[1]").is_some(), "it was well meanwhile");
    }
}
