//! One entry: from its fields to a [`ServerSpec`], by a list of small functions that report what is
//! wrong and go on, so that every mistake is found in one go.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::fields::{self, Use};
use super::file::about;
use super::filling::Filling;
use super::filters;
use super::mcp;
use super::model::{CALL_TIMEOUT, START_TIMEOUT, ServerSpec, Target};
use super::name::Named;
use super::notes::{Finding, Notes};
use super::program;
use super::protocol;
use super::remote::{self, Way};
use super::start::Starting;
use super::switch;
use super::values::{self, Field, Fields};
use super::view::{self, View};
use super::{Environment, env_file};
use crate::ids::{Prefix, ServerName};

/// What an entry is, once it is read.
pub(super) enum Checked {
    Run(Box<ServerSpec>, Box<View>),
    Disabled,
    Refused,
}

/// What is around the entries.
pub(super) struct Surroundings<'e> {
    /// The gateway's own environment.
    pub(super) env: Environment<'e>,
    /// Where the file is.
    pub(super) directory: &'e Path,
    /// Files of variables for all of them; none if what is said of them can't be used.
    pub(super) env_files: Option<Vec<PathBuf>>,
    /// When they run, if they do not say it.
    pub(super) starting: Starting,
}

/// Reads the entry `body` of the server that is called `named`; without a good name it is read all
/// the same, for its mistakes.
pub(super) fn check(
    body: &Field<'_, Value<'_>>,
    named: &Named<'_>,
    around: &Surroundings<'_>,
    notes: &mut Notes,
) -> Checked {
    let Some(fields) = values::fields(body) else {
        let what = format!("an entry is an object, not {}", values::kind(body.value));
        let finding = Finding::error(body.at.clone(), what);
        notes.add(finding.help(r#"write {"command": "…", "args": […]}, or {"url": "https://…"}"#));
        return Checked::Refused;
    };
    let is_enabled = switch::is_enabled(&fields, notes) && !named.is_off;
    let way = match remote::way(&fields) {
        Ok(way) => way,
        // Switched off, what is meant for another program is nobody's mistake.
        Err(_) if !is_enabled => return Checked::Disabled,
        Err(unknown) => {
            notes.add(unknown);
            return Checked::Refused;
        }
    };
    values::repeated(fields.object, &fields.at, notes);
    other_fields(&fields, notes);
    remote::unused(&fields, way, notes);
    // What a switched-off server would need need not be set.
    let fill = Filling::new(is_enabled.then_some(around.env));
    let spec = spec(&fields, (named.name.as_ref(), way), (around, &fill), notes);
    let view = view::read(&fields, notes);
    if !is_enabled {
        notes.soften();
        return Checked::Disabled;
    }
    match spec {
        // Without the variables that are meant for it, it would not be what was meant.
        Some(_) if around.env_files.is_none() => Checked::Refused,
        Some(spec) if !notes.has_errors() => Checked::Run(Box::new(spec), Box::new(view)),
        Some(_) | None => Checked::Refused,
    }
}

fn spec(
    fields: &Fields<'_>,
    (name, way): (Option<&ServerName>, Way),
    (around, fill): (&Surroundings<'_>, &Filling<'_>),
    notes: &mut Notes,
) -> Option<ServerSpec> {
    let mut env_files = around.env_files.clone().unwrap_or_default();
    env_files.extend(env_file::of_entry(fields, around.directory, fill, notes));
    let late = fill.late(!env_files.is_empty());
    let target = match way {
        Way::Run => program::read(fields, (fill, &late), notes).map(Target::Program),
        Way::Ask(transport) => remote::read(fields, transport, &late, notes).map(Target::Remote),
    };
    let start_timeout = seconds(fields, "timeout", notes).unwrap_or(START_TIMEOUT);
    let call_timeout = seconds(fields, "call_timeout", notes).unwrap_or(CALL_TIMEOUT);
    let prefix = mcp::prefix(fields, notes);
    let isolation = mcp::isolation(fields, notes);
    let roots = mcp::roots(fields, isolation, fill, notes);
    let protocol = protocol::of_entry(fields, notes);
    let start = around.starting.of_entry(fields, notes);
    let name = name?;
    Some(ServerSpec {
        name: name.clone(),
        target: target?,
        env_files,
        start_timeout,
        call_timeout,
        prefix: prefix.unwrap_or_else(|| Prefix::of(name)),
        isolation,
        roots,
        protocol,
        idle_timeout: start.idle_timeout,
        is_start_unclear: start.is_unclear,
    })
}

/// What is to be said about fields that are not read.
fn other_fields(fields: &Fields<'_>, notes: &mut Notes) {
    for prop in &fields.object.properties {
        let name = prop.name.as_str();
        let has_no_effect = matches!(fields::find(fields::ENTRY, name), Some(Use::NoEffect(_)));
        if has_no_effect && is_void(&prop.value) {
            continue;
        }
        let at = fields.at.key(name, prop.name.start());
        let options = prop.value.as_object().filter(|_| filters::is_options(prop));
        for inner in switch::section(prop)
            .or(options)
            .into_iter()
            .flat_map(|section| &section.properties)
        {
            if filters::is_filter(inner) {
                let at = at.key(inner.name.as_str(), inner.name.start());
                notes.extend(filters::refusal(inner, at));
            }
        }
        if filters::is_filter(prop) {
            notes.extend(filters::refusal(prop, at));
        } else if fields::find(fields::ENTRY, name).is_some()
            || !(switch::is_known(prop) || options.is_some())
        {
            about(fields::ENTRY, name, at, notes);
        }
    }
}

/// A value that asks for nothing, as exporters write it for settings that were never made.
pub(super) fn is_void(value: &Value<'_>) -> bool {
    match value {
        Value::NullKeyword(_) => true,
        Value::BooleanLit(flag) => !flag.value,
        Value::StringLit(text) => text.value.is_empty(),
        Value::Array(list) => list.elements.is_empty(),
        Value::Object(object) => object.properties.is_empty(),
        Value::NumberLit(_) => false,
    }
}

fn seconds(fields: &Fields<'_>, name: &str, notes: &mut Notes) -> Option<Duration> {
    let field = fields.get(name)?;
    let time = values::seconds(&field, name, notes)?;
    // `call_timeout` is ours alone; `timeout` is milliseconds in some programs.
    if name == "timeout"
        && field.value.as_number_lit().is_some()
        && let Some(help) = values::in_milliseconds(time.as_secs_f64())
    {
        let what = format!("'timeout' is in seconds: {} minutes", time.as_secs() / 60);
        notes.add(Finding::warning(field.at, what).help(help));
    }
    Some(time)
}
