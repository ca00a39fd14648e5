//! What is switched off, and how sure that is: what cannot be known counts as off.

use std::collections::HashMap;

use jsonc_parser::ast::{Object, Value};

use super::{Beside, text};
use crate::config::quoted;

/// What a mapping says of what it maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Active,
    Inactive,
    /// No word for either.
    Unknown,
}

/// The status of a mapping; a fork has the mode of a tool's exposure in its place.
pub(super) fn of(mapping: &Object<'_>) -> Status {
    let mode = text(mapping, "exposure_mode").map(str::to_ascii_uppercase);
    if mode.as_deref() == Some("HIDDEN") {
        return Status::Inactive;
    }
    let status = text(mapping, "status").map(str::to_ascii_uppercase);
    match (status.as_deref(), mode) {
        (Some("ACTIVE"), _) | (None, Some(_)) => Status::Active,
        (Some("INACTIVE"), _) => Status::Inactive,
        (Some(_) | None, _) => Status::Unknown,
    }
}

/// Whether a mapping is not surely active; a status that nobody knows is said.
pub(super) fn is_off(mapping: &Object<'_>, beside: &mut Beside) -> bool {
    let status = of(mapping);
    if status == Status::Unknown {
        let status = text(mapping, "status").map_or("none".to_owned(), quoted);
        let what = format!("a mapping has the status {status}, taken for INACTIVE");
        if beside.statuses.insert(what.clone()) {
            beside.lost(what);
        }
    }
    status != Status::Active
}

/// Why a dump cannot be used: without these tables nobody knows what is switched off.
pub(in crate::import) fn missing(root: &Value<'_>) -> Option<String> {
    let root = root.as_object()?;
    root.get("mcp_servers")?;
    let has = |table: &&str| {
        root.get(table)
            .is_some_and(|prop| !matches!(prop.value, Value::NullKeyword(_)))
    };
    ["endpoints", "namespaces"]
        .iter()
        .find(|table| has(table))?;
    let is_table = |table: &&str| match root.get(table).map(|prop| &prop.value) {
        // As an empty one is written.
        Some(Value::NullKeyword(_)) => true,
        Some(Value::Array(rows)) => rows.elements.iter().all(|row| row.as_object().is_some()),
        Some(
            Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_) | Value::Object(_),
        )
        | None => false,
    };
    let mut tables = ["namespace_server_mappings", "namespace_tool_mappings"].iter();
    let table = tables.find(|table| !is_table(table))?;
    Some(format!(
        "the table '{table}' is missing, or it is none: what is switched off is not known"
    ))
}

/// The servers that a mapping of a tool is about which is not known: the one that it names, or, where
/// it names none, all of them.
pub(super) fn closed_by(mapping: &Object<'_>, places: &HashMap<&str, usize>) -> Vec<usize> {
    match text(mapping, "mcp_server_uuid") {
        Some(uuid) => places.get(uuid).copied().into_iter().collect(),
        None => places.values().copied().collect(),
    }
}
