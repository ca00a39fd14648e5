//! The file of variables that holds what was moved.

use std::collections::BTreeMap;

/// The text of a file of variables, one a line: as systemd, Docker and Podman read it, in quotes only
/// where a value has more in it than letters, digits and what is plain everywhere.
pub(in crate::import) fn env_file(variables: &BTreeMap<String, String>) -> String {
    let lines = variables
        .iter()
        .map(|(name, value)| format!("{name}={}\n", written(value)));
    lines.collect()
}

fn written(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,~^".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
