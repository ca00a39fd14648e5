//! The file of variables that secrets are moved to, as the configuration names it.

use std::path::Path;

use serde_json::{Map, Value};

/// Its path, and the folder of the configuration.
pub(super) struct EnvFile<'p> {
    path: &'p str,
    folder: &'p Path,
}

impl<'p> EnvFile<'p> {
    pub(super) fn of(path: &'p str, folder: Option<&'p Path>) -> Self {
        let folder = folder.unwrap_or(Path::new(""));
        Self { path, folder }
    }

    /// Names it in the members of an object, if no file is named there. Answers whether it is.
    pub(super) fn is_named_in(&self, members: &mut Map<String, Value>) -> bool {
        let named = ["env_file", "envFile"].map(|name| members.get(name));
        let named: Vec<&Value> = named.into_iter().flatten().collect();
        if !named.is_empty() {
            return named.iter().any(|named| self.is_it(named));
        }
        members.insert("env_file".to_owned(), self.path.into());
        true
    }

    pub(super) fn is_it(&self, named: &Value) -> bool {
        let named = named.as_str().map(|named| self.folder.join(named));
        named.is_some_and(|named| named == self.folder.join(self.path))
    }
}
