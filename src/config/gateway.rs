//! The `gateway` object of the file: the limits that differ from the defaults. A wrong one is
//! reported, and stays what it was; the others hold.

use jsonc_parser::ast::Value;

use super::amount::Unit;
use super::fields::Use;
use super::file::about;
use super::limits::{Given, Row, TABLE};
use super::notes::{Finding, Notes};
use super::values::{self, Field};
use jsonc_parser::common::Ranged;

/// Where people comment.
const QUIET: [&str; 4] = ["//", "_comment", "comment", "$schema"];

/// What the object says.
pub(super) fn read(object: &Field<'_, Value<'_>>, notes: &mut Notes) -> Given {
    let mut given = Given::default();
    let Some(fields) = values::fields(object) else {
        let what = format!("'gateway' is an object, not {}", values::kind(object.value));
        let finding = Finding::error(object.at.clone(), what);
        notes.add(finding.help(r#"write "gateway": {"max_sessions": 500}"#));
        TABLE.iter().for_each(|row| given.keep(row));
        return given;
    };
    values::repeated(fields.object, &fields.at, notes);
    let ours = TABLE.iter().map(|row| (row.name, Use::Read));
    let others = QUIET.map(|name| (name, Use::Quiet));
    let known: Vec<_> = ours.chain(others).collect();
    for prop in &fields.object.properties {
        let name = prop.name.as_str();
        if let Some(finding) = about(&known, name, fields.at.key(name, prop.name.start())) {
            notes.add(finding);
        }
    }
    for row in TABLE {
        let Some(field) = fields.get(row.name) else {
            continue;
        };
        match amount(row, field.value) {
            Ok(amount) => given.set(row, amount),
            Err(why) => {
                let finding = Finding::error(field.at, format!("'{}': {why}", row.name));
                notes.add(finding.help("until it is mended the limit stays what it is"));
                given.keep(row);
            }
        }
    }
    given
}

fn amount(row: &Row, value: &Value<'_>) -> Result<u64, String> {
    match value {
        Value::NumberLit(number) => row.read(number.value),
        Value::StringLit(text) if row.unit == Unit::Bytes => row.read(&text.value),
        Value::StringLit(_) => row.read("").map_err(|why| format!("{why}, without quotes")),
        Value::BooleanLit(_) | Value::Object(_) | Value::Array(_) | Value::NullKeyword(_) => {
            let why = |why| format!("{why}, not {}", values::kind(value));
            row.read("").map_err(why)
        }
    }
}
