//! What must hold of whatever a file of another program has in it: checked by the fuzz target and by the
//! tests that replay what it found.

use std::path::PathBuf;

use super::{Fate, Hiding, Imported, Input, Plan, import};
use crate::config;

/// The first line names the file, which says whose it is; the rest is in it. What is made of it is a
/// configuration with each server that is said to be in it, and what is moved can be read again.
pub(crate) fn file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (path, text) = text.split_once('\n').unwrap_or(("a.json", text));
    for hiding in [Hiding::No, Hiding::InFile("s.env".to_owned())] {
        let input = Input {
            path: PathBuf::from(path),
            text: text.to_owned(),
        };
        let plan = Plan {
            hiding,
            ..Plan::default()
        };
        holds(&import(&[input], &plan));
    }
}

fn holds(imported: &Imported) {
    let is_silent = imported.problems.is_empty();
    assert!(!imported.is_unusable() || !is_silent, "it says nothing");
    let made: serde_json::Value = serde_json::from_str(&imported.text).unwrap_or_default();
    let servers = made.get("servers").and_then(serde_json::Value::as_array);
    let rows = imported.rows.iter();
    let there = rows.filter(|row| matches!(row.fate, Fate::On | Fate::Off));
    assert_eq!(servers.map(Vec::len), Some(there.count()));
    assert_eq!(
        config::variables(&imported.env_file()).as_ref(),
        Ok(&imported.secrets)
    );
    let parsed = config::parse(&imported.text, &|_| None);
    assert!(parsed.is_ok(), "{}", imported.text);
}
