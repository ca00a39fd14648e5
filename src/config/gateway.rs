//! The `gateway` object of the file: the limits that differ from the defaults, which eras clients are
//! offered, and how names are written. What is wrong is reported, and stays what it was; the rest holds.

use jsonc_parser::ast::Value;

use super::amount::{Amount, Unit, time_with_unit};
use super::fields::Use;
use super::file::about;
use super::limits::{Given, INSTRUCTIONS_BUDGET, Limits, Row, TABLE};
use super::model::{Config, Naming};
use super::notes::{Finding, Notes};
use super::protocol;
use super::start;
use super::values::{self, Field, Fields};
use super::view;
use jsonc_parser::common::Ranged;

/// Where people comment.
const QUIET: [&str; 4] = ["//", "_comment", "comment", "$schema"];

/// The second of two is meant to be the first at least; what holds where it is less.
const PAIRS: [(&str, &str, &str); 2] = [
    (
        "restart_delay",
        "max_restart_delay",
        "a restart waits for the longer of the two",
    ),
    (
        "max_body_bytes",
        "max_bodies_in_flight_bytes",
        "a body has the smaller of the two",
    ),
];

/// Puts what the object says into `config`. The command line stands above its limits.
pub(super) fn read(
    object: &Field<'_, Value<'_>>,
    command_line: &Given,
    config: &mut Config,
    notes: &mut Notes,
) {
    let given = &mut config.limits;
    let Some(fields) = values::fields(object) else {
        let what = format!("'gateway' is an object, not {}", values::kind(object.value));
        let finding = Finding::error(object.at.clone(), what);
        notes.add(finding.help(r#"write "gateway": {"max_sessions": 500}"#));
        for row in TABLE {
            given.keep(row);
        }
        return;
    };
    values::repeated(fields.object, &fields.at, notes);
    let ours = TABLE.iter().map(|row| (row.name, Use::Read));
    let others_of_ours = ["protocol", "names", "env_file", INSTRUCTIONS_BUDGET.name];
    let others_of_ours = others_of_ours.into_iter().chain(start::NAMES);
    let ours = ours.chain(others_of_ours.map(|name| (name, Use::Read)));
    let others = QUIET.map(|name| (name, Use::Quiet));
    let known: Vec<_> = ours.chain(others).collect();
    for prop in &fields.object.properties {
        let name = prop.name.as_str();
        about(&known, name, fields.at.key(name, prop.name.start()), notes);
    }
    for row in TABLE {
        if let Some(field) = fields.get(row.name) {
            match of_row(row, &field, notes) {
                Some(amount) => given.set(row, amount),
                None => given.keep(row),
            }
        }
    }
    let budget = match fields.get(INSTRUCTIONS_BUDGET.name) {
        Some(field) => of_row(&INSTRUCTIONS_BUDGET, &field, notes),
        None => Some(INSTRUCTIONS_BUDGET.default),
    };
    config.instructions_budget = budget.map(Amount::of);
    compare(&fields, given, command_line, notes);
    config.offer = protocol::of_gateway(&fields, notes);
    let is_said = fields.get("names").is_some();
    config.names = view::naming(&fields, notes).or((!is_said).then(Naming::default));
}

/// What `field` says of `row`, if that can be used.
fn of_row(row: &Row, field: &Field<'_, Value<'_>>, notes: &mut Notes) -> Option<u64> {
    let amount = amount(row, field.value).map_err(|why| {
        let finding = Finding::error(field.at.clone(), format!("'{}': {why}", row.name));
        notes.add(finding.help(meanwhile(row)));
    });
    amount.ok()
}

/// What holds until a wrong limit is mended.
fn meanwhile(row: &Row) -> String {
    let stays = "until it is mended the limit stays what it is";
    match row.name {
        // Judged before anybody is asked what it was.
        "max_servers" => {
            let default = row.unit.show(row.default);
            format!("{stays}, and this file is read with the default, {default}")
        }
        _ => stays.to_owned(),
    }
}

/// Limits that contradict each other, at the one that the file has.
fn compare(fields: &Fields<'_>, given: &Given, command_line: &Given, notes: &mut Notes) {
    let default = Limits::default();
    let limits = default.with(given, &default).with(command_line, &default);
    let shown = |name| {
        let row = TABLE.iter().find(|row| row.name == name)?;
        let amount = limits.amount(name)?;
        Some((amount, row.unit.show(amount)))
    };
    for (low, high, holds) in PAIRS {
        let (Some((least, least_shown)), Some((most, most_shown))) = (shown(low), shown(high))
        else {
            continue;
        };
        if let Some(field) = fields.get(high).or_else(|| fields.get(low))
            && most < least
        {
            let what = format!("'{high}' ({most_shown}) is less than '{low}' ({least_shown})");
            let finding = Finding::warning(field.at, what);
            notes.add(finding.help(holds));
        }
    }
}

fn amount(row: &Row, value: &Value<'_>) -> Result<u64, String> {
    match value {
        Value::NumberLit(number) => row.read(number.value),
        Value::StringLit(text) if row.unit == Unit::Bytes => row.read(&text.value),
        Value::StringLit(text) if row.unit == Unit::Seconds => match time_with_unit(&text.value) {
            Some(_) => row.read(&text.value),
            None => row
                .read("")
                .map_err(|why| format!("{why}, without quotes or with a unit such as \"30s\"")),
        },
        Value::StringLit(_) => row.read("").map_err(|why| format!("{why}, without quotes")),
        Value::BooleanLit(_) | Value::Object(_) | Value::Array(_) | Value::NullKeyword(_) => {
            let why = |why| format!("{why}, not {}", values::kind(value));
            row.read("").map_err(why)
        }
    }
}
