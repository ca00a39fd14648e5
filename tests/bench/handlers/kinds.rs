//! Every kind of message that an actor of the gateway takes, as its source has it: what was not seen in a
//! run was not measured.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::stage::Turn;

/// All of them.
///
/// # Errors
/// When the sources are not there.
pub(crate) fn all() -> anyhow::Result<BTreeSet<Turn>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.join("tree"), root.join("http")];
    let mut all = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.components().any(|part| part.as_os_str() == "tests") {
                all.extend(kinds(&fs::read_to_string(path)?));
            }
        }
    }
    Ok(all)
}

/// Those that a source file names: `impl Kind for RegistryMsg`, and in it an arm for each.
fn kinds(text: &str) -> Vec<Turn> {
    let mut kinds = Vec::new();
    for part in text.split("impl Kind for ").skip(1) {
        let Some((actor, rest)) = part.split_once("Msg {") else {
            continue;
        };
        let arms = rest.split("\n}").next().unwrap_or_default();
        for arm in arms.lines() {
            let name = arm
                .split_once("=> \"")
                .and_then(|(_, name)| name.split_once('"'));
            kinds.extend(name.map(|(name, _)| (actor.to_ascii_lowercase(), name.to_owned())));
        }
    }
    kinds
}
