//! One entry: from its fields to a [`ServerSpec`], by a list of small functions that report what is
//! wrong and go on, so that every mistake is found in one go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::error::quoted;
use super::fields::{self, Use};
use super::file::about;
use super::filling::Filling;
use super::filters;
use super::foreign;
use super::mcp;
use super::model::{CALL_TIMEOUT, START_TIMEOUT, Secret, ServerSpec};
use super::name::Named;
use super::notes::{At, Finding, Notes};
use super::protocol;
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
        notes.add(finding.help(r#"write {"command": "…", "args": […]}"#));
        return Checked::Refused;
    };
    let is_enabled = switch::is_enabled(&fields, notes) && !named.is_off;
    if let Some(remote) = not_stdio(&fields) {
        // Switched off, what is meant for another program is nobody's mistake.
        if is_enabled {
            notes.add(remote);
            return Checked::Refused;
        }
        return Checked::Disabled;
    }
    values::repeated(fields.object, &fields.at, notes);
    other_fields(&fields, notes);
    // What a switched-off server would need need not be set.
    let fill = Filling::new(is_enabled.then_some(around.env));
    let spec = spec(&fields, named.name.as_ref(), (around, &fill), notes);
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
    name: Option<&ServerName>,
    (around, fill): (&Surroundings<'_>, &Filling<'_>),
    notes: &mut Notes,
) -> Option<ServerSpec> {
    let command = command(fields, fill, notes);
    let mut env_files = around.env_files.clone().unwrap_or_default();
    env_files.extend(env_file::of_entry(fields, around.directory, fill, notes));
    let late = fill.late(!env_files.is_empty());
    let args = args(fields, &late, notes);
    let env = env(fields, &late, notes);
    let cwd = cwd(fields, fill, notes);
    let start_timeout = seconds(fields, "timeout", notes).unwrap_or(START_TIMEOUT);
    let call_timeout = seconds(fields, "call_timeout", notes).unwrap_or(CALL_TIMEOUT);
    let inherit_env = flag(fields, "inherit_env", notes).unwrap_or(false);
    let prefix = mcp::prefix(fields, notes);
    let isolation = mcp::isolation(fields, notes);
    let roots = mcp::roots(fields, isolation, fill, notes);
    let protocol = protocol::of_entry(fields, notes);
    let idle_timeout = around.starting.of_entry(fields, notes);
    let name = name?;
    Some(ServerSpec {
        name: name.clone(),
        command: command?,
        args,
        env_files,
        env,
        cwd,
        start_timeout,
        call_timeout,
        inherit_env,
        prefix: prefix.unwrap_or_else(|| Prefix::of(name)),
        isolation,
        roots,
        protocol,
        idle_timeout,
    })
}

/// Why the entry is no stdio server, if so: its `type` says it, or it has an address and nothing to
/// run. What is written there is not shown: addresses hold keys.
fn not_stdio(fields: &Fields<'_>) -> Option<Finding> {
    for name in ["type", "transport"] {
        let Some(field) = fields.get(name) else {
            continue;
        };
        let Some(text) = field.value.as_string_lit() else {
            let what = format!(
                "'{name}' must be \"stdio\", not {}",
                values::kind(field.value)
            );
            return Some(Finding::error(field.at, what));
        };
        let kind = text.value.to_ascii_lowercase();
        let is_remote = ["sse", "http", "ws", "websocket", "remote"].contains(&kind.as_str())
            || kind.contains("streamable");
        if is_remote {
            return Some(remote(field.at));
        }
        if !["stdio", "std", "local"].contains(&kind.as_str()) {
            let what = format!("'{name}' is {}, which is not known", quoted(&text.value));
            let help = format!("leave '{name}' out, or write \"stdio\"");
            return Some(Finding::error(field.at, what).help(help));
        }
    }
    if fields.get("command").is_some() {
        return None;
    }
    let address = ["url", "serverUrl", "httpUrl"]
        .into_iter()
        .filter_map(|name| fields.get(name))
        .find(|field| !is_void(field.value))?;
    Some(remote(address.at))
}

fn remote(at: At) -> Finding {
    let what = "this is a remote server; mcproxy runs stdio servers only";
    Finding::error(at, what).help(
        "let a bridge run it: \"command\": \"npx\", \"args\": [\"-y\", \"mcp-remote\", \"<its url>\"], \
         or switch it off with \"enabled\": false",
    )
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
fn is_void(value: &Value<'_>) -> bool {
    match value {
        Value::NullKeyword(_) => true,
        Value::BooleanLit(flag) => !flag.value,
        Value::StringLit(text) => text.value.is_empty(),
        Value::Array(list) => list.elements.is_empty(),
        Value::Object(object) => object.properties.is_empty(),
        Value::NumberLit(_) => false,
    }
}

fn command(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> Option<String> {
    let Some(field) = fields.get("command") else {
        let finding = Finding::error(fields.at.clone(), "'command' is missing");
        let holds_entries = ["mcpServers", "servers", "mcp"]
            .iter()
            .any(|list| fields.get(list).is_some());
        notes.add(finding.help(if holds_entries {
            "this holds servers itself, which are one level too deep: move them up"
        } else {
            r#"name the program to run, such as "command": "npx""#
        }));
        return None;
    };
    if field.value.as_array().is_some() {
        let finding = Finding::error(field.at, "'command' must be a text, not a list");
        notes.add(finding.help("write the program into 'command' and the rest into 'args'"));
        return None;
    }
    if field.value.as_object().is_some() {
        let finding = Finding::error(field.at, "'command' must be a text, not an object");
        notes
            .add(finding.help("write what is in it (a path, 'args', 'env') into the entry itself"));
        return None;
    }
    let text = values::text(&field, "command", notes)?;
    if text.trim().is_empty() {
        notes.add(Finding::error(field.at, "'command' is empty"));
        return None;
    }
    // One advice is enough: what is of Windows has no habits of a shell.
    let filled = if is_of_windows(text, fields, &field.at, notes) {
        fill.fill_script(text, &field.at, notes)
    } else {
        note_shell_habits(text, &field.at, notes);
        fill.fill(text, &field.at, notes)
    };
    if filled.trim().is_empty() {
        notes.add(Finding::error(
            field.at,
            "'command' is empty once its variables are filled in",
        ));
        return None;
    }
    Some(filled)
}

/// What a shell would understand and `exec` does not.
fn note_shell_habits(command: &str, at: &At, notes: &mut Notes) {
    let first = command.split_whitespace().next().unwrap_or_default();
    let is_one_word = !command.contains(char::is_whitespace);
    // A path may well have a space in it, and so may a default inside ${…}.
    if !is_one_word && !first.contains(['/', '$', '~', '\\']) {
        let what = "'command' has spaces in it and is run as it is, without a shell";
        // A variable in front may hold a secret.
        let help = if first.contains('=') {
            "write the program alone into 'command', what is set for it into 'env', the rest into 'args'"
                .to_owned()
        } else {
            format!(
                "write \"command\": \"{}\" and the rest into 'args'",
                first.escape_debug()
            )
        };
        notes.add(Finding::warning(at.clone(), what).help(help));
    }
}

/// Whether it is a program of Windows, which is said then.
fn is_of_windows(command: &str, fields: &Fields<'_>, at: &At, notes: &mut Notes) -> bool {
    let args = fields.get("args");
    let args = args.and_then(|args| args.value.as_array()).into_iter();
    let args = args.flat_map(|args| &args.elements);
    let texts = args.filter_map(|arg| Some(&*arg.as_string_lit()?.value));
    let Some(found) = foreign::windows_program(command, texts) else {
        return false;
    };
    notes.add(Finding::warning(at.clone(), found.what).help(found.help));
    true
}

fn args(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> Vec<Secret> {
    let Some(field) = fields.get("args") else {
        return Vec::new();
    };
    let args = values::list(&field, "args", notes);
    let command = fields.get("command");
    let command = command.and_then(|field| Some(&*field.value.as_string_lit()?.value));
    let first = args.first().map(|arg| arg.value);
    let is_script = command.is_some_and(|command| foreign::is_script(command, first));
    let filled = args.iter().map(|arg| {
        if is_script {
            fill.secret_of_script(arg.value, &arg.at, notes)
        } else {
            fill.secret(arg.value, &arg.at, notes)
        }
    });
    filled.collect()
}

fn env(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> BTreeMap<String, Secret> {
    let Some(field) = fields.get("env") else {
        return BTreeMap::new();
    };
    let variables = values::variables(&field, notes);
    variables
        .into_iter()
        .map(|(name, text)| (name.to_owned(), fill.secret(text.value, &text.at, notes)))
        .collect()
}

/// The working directory. A relative one is relative to the gateway's own.
fn cwd(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> Option<PathBuf> {
    let field = fields.get("cwd")?;
    let text = values::text(&field, "cwd", notes)?;
    let filled = fill.fill(text, &field.at, notes);
    (!filled.is_empty()).then(|| PathBuf::from(filled))
}

fn flag(fields: &Fields<'_>, name: &str, notes: &mut Notes) -> Option<bool> {
    values::flag(&fields.get(name)?, name, notes)
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
