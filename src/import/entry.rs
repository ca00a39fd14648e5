//! One entry of another program, read by its row of the table.

use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged as _;
use serde_json::Number;

use super::find::Found;
use super::means::{Means, Time};
use super::programs::{COMMON, Program};
use super::references::translated;
use super::remote::Remote;
use super::server::Server;
use super::tools;
use crate::config::fields::{self, Use};
use crate::config::notes::{At, Finding, Notes};
use crate::config::quoted;
use crate::config::switch;
use crate::config::values::{self, Field, Fields, kind};

/// What an entry is, once it is read.
pub(super) enum Read {
    Taken(Draft),
    /// It is no server to run here.
    LeftOut(String),
}

/// A server before its secrets are moved.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) server: Server,
    pub(super) remote: Remote,
    /// What is no longer as it was, in words that hold no value.
    pub(super) changes: Vec<String>,
}

/// Reads the entry `found` of a server that will be called `name`. Mistakes are added to `notes`.
pub(super) fn read(found: &Found<'_>, name: &str, program: &Program, notes: &mut Notes) -> Read {
    let Some(fields) = values::fields(&found.body) else {
        let what = format!("an entry is an object, not {}", kind(found.body.value));
        notes.add(Finding::error(found.body.at.clone(), what));
        return Read::LeftOut("it is no object".to_owned());
    };
    values::repeated(fields.object, &fields.at, notes);
    let mut reading = Reading {
        program,
        notes,
        draft: Draft::default(),
        kinds: Vec::new(),
    };
    reading.draft.server.name = name.to_owned();
    for prop in &fields.object.properties {
        reading.take(prop, "", &fields);
    }
    let is_on = reading.is_on(&fields) && !found.is_off;
    let Reading {
        mut draft, kinds, ..
    } = reading;
    let is_built_in = |kind: &String| program.built_in.contains(&&**kind);
    if kinds.iter().any(is_built_in) && draft.server.command.is_empty() {
        return Read::LeftOut(format!("it is a part of {}", program.name));
    }
    draft.server.enabled = (!is_on).then_some(false);
    draft.remote.is_sse = kinds.iter().any(|kind| kind == "sse");
    if draft.remote.url.is_some() && draft.server.command.is_empty() {
        draft.remote.settle(&mut draft.server, &mut draft.changes);
    } else if draft.server.command.is_empty() {
        let what = "it says neither what to run nor where the server is";
        notes.add(Finding::error(found.body.at.clone(), what));
        return Read::LeftOut(what.to_owned());
    }
    Read::Taken(draft)
}

struct Reading<'r> {
    program: &'r Program,
    notes: &'r mut Notes,
    draft: Draft,
    /// What it says of its kind.
    kinds: Vec<String>,
}

impl Reading<'_> {
    /// What a field means; `path` is before its name where it is in an object of the entry.
    fn means(&self, path: &str) -> Option<Means> {
        let of_program = self.program.fields.iter().find(|(name, _)| *name == path);
        let common = || COMMON.iter().find(|(name, _)| *name == path);
        of_program.or_else(common).map(|(_, means)| *means)
    }

    fn take(&mut self, prop: &ObjectProp<'_>, before: &str, fields: &Fields<'_>) {
        let name = prop.name.as_str();
        let path = format!("{before}{name}");
        let at = fields.at.key(name, prop.value.start());
        let field = Field::new(at, &prop.value);
        let inner = format!("{path}.");
        let goes_deeper = self
            .program
            .fields
            .iter()
            .any(|(name, _)| name.starts_with(&inner));
        if goes_deeper && let Some(fields) = values::fields(&field) {
            for prop in &fields.object.properties {
                self.take(prop, &inner, &fields);
            }
            return;
        }
        match self.means(&path) {
            Some(means) => self.understand(means, name, &field),
            None if before.is_empty() => self.unknown(prop, &field),
            None => {}
        }
    }

    /// A field that is in no row: one of ours, a word for off, a decoration, or nobody's.
    fn unknown(&mut self, prop: &ObjectProp<'_>, field: &Field<'_, Value<'_>>) {
        let name = prop.name.as_str();
        let is_void = matches!(prop.value, Value::NullKeyword(_));
        match fields::find(fields::ENTRY, name) {
            _ if is_void || name == "name" || switch::is_known(prop) => {}
            Some(Use::Read | Use::Later) => {
                let ours = &mut self.draft.server.ours;
                ours.insert(name.to_owned(), json(field.value));
            }
            Some(Use::Quiet) => {}
            Some(Use::NoEffect(why)) => self.lost(name, why),
            None => self.lost(name, "it is not known here"),
        }
    }

    fn lost(&mut self, name: &str, why: &str) {
        self.draft
            .changes
            .push(format!("{} left out: {why}", quoted(name)));
    }

    fn understand(&mut self, means: Means, name: &str, field: &Field<'_, Value<'_>>) {
        if matches!(field.value, Value::NullKeyword(_)) {
            return;
        }
        match means {
            Means::Command => self.command(field),
            Means::Args => {
                let args = self.texts(field);
                self.draft.server.args.extend(args);
            }
            Means::Env => self.env(field, false),
            Means::EnvOrInherited => self.env(field, true),
            Means::EnvNames => {
                for name in self.texts(field) {
                    self.draft
                        .server
                        .env
                        .insert(name.clone(), format!("${{{name}}}"));
                }
            }
            Means::EnvFile => self.lost(
                name,
                "put its variables into 'env', or into the gateway's environment",
            ),
            Means::Cwd => self.draft.server.cwd = self.text(field),
            Means::Kind => {
                let kind = self.text(field).unwrap_or_default();
                self.kinds.push(kind.to_ascii_lowercase());
            }
            Means::Description => {
                let text = field
                    .value
                    .as_string_lit()
                    .map(|text| text.value.to_string());
                self.draft.server.description = text.filter(|text| !text.is_empty());
            }
            Means::Url
            | Means::Headers
            | Means::HeaderVariables
            | Means::Bearer
            | Means::BearerVariable
            | Means::SignIn => self.remote(means, field),
            Means::StartTimeout(unit) => self.draft.server.timeout = self.time(unit, field),
            Means::CallTimeout(unit) => self.draft.server.call_timeout = self.time(unit, field),
            Means::Filter(filter, thing) => {
                tools::read(filter, thing, field, &mut self.draft.server, self.notes);
            }
            Means::Ours => {
                let ours = &mut self.draft.server.ours;
                ours.insert(name.to_owned(), json(field.value));
            }
            Means::Nothing => {}
            Means::Lost(why) => self.lost(name, why),
        }
    }

    /// A text, a list with the arguments in it, or an object as Zed had it.
    fn command(&mut self, field: &Field<'_, Value<'_>>) {
        match field.value {
            Value::Array(_) => {
                let mut words = self.texts(field).into_iter();
                self.draft.server.command = words.next().unwrap_or_default();
                let rest: Vec<String> = words.collect();
                self.draft.server.args.splice(0..0, rest);
            }
            Value::Object(object) => {
                for prop in &object.properties {
                    let name = prop.name.as_str();
                    let inner = Field::new(field.at.key(name, prop.value.start()), &prop.value);
                    match name {
                        "path" => self.command(&inner),
                        "args" => self.understand(Means::Args, name, &inner),
                        "env" => self.understand(Means::Env, name, &inner),
                        _ => {}
                    }
                }
            }
            Value::StringLit(_)
            | Value::NumberLit(_)
            | Value::BooleanLit(_)
            | Value::NullKeyword(_) => {
                self.draft.server.command = self.text(field).unwrap_or_default();
            }
        }
    }

    fn env(&mut self, field: &Field<'_, Value<'_>>, is_inherited: bool) {
        if field.value.as_array().is_some() {
            // mcpproxy-go's kin: "NAME=value".
            for text in self.texts(field) {
                if let Some((name, value)) = text.split_once('=') {
                    self.draft
                        .server
                        .env
                        .insert(name.to_owned(), value.to_owned());
                }
            }
            return;
        }
        for (name, value) in self.members(field) {
            let value = match value {
                Some(value) if !(is_inherited && value.is_empty()) => value,
                Some(_) | None if is_inherited => format!("${{{name}}}"),
                Some(_) | None => continue,
            };
            self.draft.server.env.insert(name, value);
        }
    }

    fn remote(&mut self, means: Means, field: &Field<'_, Value<'_>>) {
        match means {
            Means::Url => {
                let url = self.text(field).filter(|url| !url.is_empty());
                self.draft.remote.url = self.draft.remote.url.take().or(url);
            }
            Means::Headers | Means::HeaderVariables => {
                for (name, value) in self.members(field) {
                    let value = value.unwrap_or_default();
                    let value = match means {
                        Means::HeaderVariables => format!("${{{value}}}"),
                        _ => value,
                    };
                    self.draft.remote.headers.push((name, value));
                }
            }
            _ => {
                let Some(text) = self.text_if_any(field) else {
                    self.draft.remote.signs_in = true;
                    return;
                };
                let token = if means == Means::BearerVariable {
                    format!("${{{text}}}")
                } else {
                    text
                };
                if means != Means::SignIn && !token.is_empty() {
                    self.draft.remote.bearer(&token);
                }
            }
        }
    }

    fn text_if_any(&self, field: &Field<'_, Value<'_>>) -> Option<String> {
        let text = field.value.as_string_lit()?;
        Some(translated(&text.value, self.program.references))
    }

    /// A text, or a number as one.
    fn text(&mut self, field: &Field<'_, Value<'_>>) -> Option<String> {
        let text = match field.value {
            Value::StringLit(text) => translated(&text.value, self.program.references),
            Value::NumberLit(number) => number.value.to_owned(),
            Value::BooleanLit(flag) => flag.value.to_string(),
            Value::Object(_) | Value::Array(_) | Value::NullKeyword(_) => {
                let what = format!("a text should be here, not {}", kind(field.value));
                self.notes.add(Finding::error(field.at.clone(), what));
                return None;
            }
        };
        if text.contains('\0') {
            let what = "it holds the character NUL, which no process can be given";
            self.notes.add(Finding::error(field.at.clone(), what));
            return None;
        }
        Some(text)
    }

    fn texts(&mut self, field: &Field<'_, Value<'_>>) -> Vec<String> {
        let Some(list) = field.value.as_array() else {
            return self.text(field).into_iter().collect();
        };
        let elements = list.elements.iter().enumerate();
        let texts = elements.filter_map(|(index, value)| {
            let at = field.at.index(index, value.start());
            // Codex: {"name": "X", "source": "local"}.
            let named = value.as_object().and_then(|object| object.get("name"));
            let value = named.map_or(value, |prop| &prop.value);
            self.text(&Field::new(at, value))
        });
        texts.collect()
    }

    /// The members of an object, as texts; `None` for one that is null.
    fn members(&mut self, field: &Field<'_, Value<'_>>) -> Vec<(String, Option<String>)> {
        let Some(object) = field.value.as_object() else {
            let what = format!("an object should be here, not {}", kind(field.value));
            self.notes.add(Finding::error(field.at.clone(), what));
            return Vec::new();
        };
        let members = object.properties.iter().map(|prop| {
            let name = prop.name.as_str();
            let is_null = matches!(prop.value, Value::NullKeyword(_));
            let at: At = field.at.key(name, prop.value.start());
            let value = (!is_null).then(|| self.text(&Field::new(at, &prop.value)));
            (name.to_owned(), value.flatten())
        });
        members.collect()
    }

    /// In seconds, as we have them. One that cannot be meant is left out.
    fn time(&mut self, unit: Time, field: &Field<'_, Value<'_>>) -> Option<Number> {
        let number = field.value.as_number_lit();
        let Some(number) = number.and_then(|number| number.value.parse::<f64>().ok()) else {
            let what = format!("a number should be here, not {}", kind(field.value));
            self.notes.add(Finding::error(field.at.clone(), what));
            return None;
        };
        let is_milliseconds = match unit {
            Time::Seconds => false,
            Time::Milliseconds => true,
            Time::Either => number >= 1000.0,
        };
        let seconds = if is_milliseconds {
            number / 1000.0
        } else {
            number
        };
        if !(0.001..=86_400.0).contains(&seconds) {
            self.draft
                .changes
                .push("a time that is no time left out".to_owned());
            return None;
        }
        if is_milliseconds {
            let what = format!("{number} milliseconds are written as {seconds} seconds");
            self.draft.changes.push(what);
        }
        let whole = format!("{seconds}").parse::<u64>().ok().map(Number::from);
        whole.or_else(|| Number::from_f64(seconds))
    }

    /// Whether the server is on, by every word for it in the entry.
    fn is_on(&mut self, fields: &Fields<'_>) -> bool {
        let mut is_on = switch::is_enabled(fields, self.notes);
        for inner in self.program.switches_in {
            if let Some(inner) = fields.get(inner)
                && let Some(inner) = values::fields(&inner)
            {
                is_on &= switch::is_enabled(&inner, self.notes);
            }
        }
        is_on
    }
}

/// A value as it is.
pub(super) fn json(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::StringLit(text) => text.value.to_string().into(),
        Value::NumberLit(number) => {
            let parsed = serde_json::from_str::<Number>(number.value);
            parsed.map_or_else(|_| number.value.into(), serde_json::Value::Number)
        }
        Value::BooleanLit(flag) => flag.value.into(),
        Value::NullKeyword(_) => serde_json::Value::Null,
        Value::Array(list) => list.elements.iter().map(json).collect(),
        Value::Object(object) => {
            let members = object.properties.iter();
            let members = members.map(|prop| (prop.name.as_str().to_owned(), json(&prop.value)));
            serde_json::Value::Object(members.collect())
        }
    }
}
