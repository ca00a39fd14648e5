//! `env_file`, of an entry and of the gateway: which files of variables there are. What is in them is read
//! at each start of a server ([`secrets`](super::secrets)).

use std::path::{Path, PathBuf};

use super::filling::Filling;
use super::notes::{Finding, Notes};
use super::values::{self, Fields};

/// Ours, and VS Code's word for it.
pub(super) const NAMES: [&str; 2] = ["env_file", "envFile"];

/// Those of an entry. A relative path starts where the configuration is.
pub(super) fn of_entry(
    fields: &Fields<'_>,
    directory: &Path,
    fill: &Filling<'_>,
    notes: &mut Notes,
) -> Vec<PathBuf> {
    let named = NAMES.into_iter().filter_map(|name| {
        let field = fields.get(name)?;
        let text = values::text(&field, name, notes)?;
        let path = fill.fill(text, &field.at, notes);
        if path.is_empty() && name == "env_file" {
            let help = "name a file, or leave 'env_file' out";
            notes.add(Finding::error(field.at, "'env_file' is empty").help(help));
        }
        (!path.is_empty()).then(|| directory.join(path))
    });
    named.collect()
}

/// Those for all servers. `None` if what is said of them can't be used.
pub(super) fn of_gateway(
    fields: &Fields<'_>,
    directory: &Path,
    fill: &Filling<'_>,
    notes: &mut Notes,
) -> Option<Vec<PathBuf>> {
    let mut found = Notes::default();
    let files = of_entry(fields, directory, fill, &mut found);
    let is_usable = !found.has_errors();
    notes.adopt(found, None);
    is_usable.then_some(files)
}
