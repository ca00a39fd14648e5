//! One entry of another program, read by its row of the table.

use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged as _;
use serde_json::Number;

use super::find::Found;
use super::means::{Elsewhere, Filter, Means};
use super::remote::{self, Remote};
use super::row::{COMMON, Program};
use super::server::Server;
use super::texts::Texts;
use super::tools;
use crate::config::fields::{self, Use};
use crate::config::filters;
use crate::config::notes::{Finding, Notes};
use crate::config::quoted;
use crate::config::switch;
use crate::config::values::{self, Field, Fields, kind};

/// What an entry is, once it is read.
pub(super) enum Read {
    Taken(Box<Draft>),
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
    /// Whether something had to be left out that changes what it offers or how it runs.
    pub(super) is_lossy: bool,
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
        texts: Texts {
            references: program.references,
            notes,
        },
        draft: Draft::default(),
        kinds: Vec::new(),
        hides_more: false,
    };
    name.clone_into(&mut reading.draft.server.name);
    for prop in &fields.object.properties {
        reading.take(prop, "", &fields);
    }
    let is_on = reading.is_on(&fields) && !found.is_off && !reading.hides_more;
    let Reading {
        mut draft, kinds, ..
    } = reading;
    let is_built_in = |kind: &String| program.built_in.contains(&&**kind);
    if kinds.iter().any(is_built_in) && draft.server.command.is_empty() {
        return Read::LeftOut(format!("it is a part of {}", program.name));
    }
    if draft.server.set_from_command() {
        let what = "what was set in front of its command is in its 'env'";
        draft.changes.push(what.to_owned());
    }
    draft.server.enabled = (!is_on).then_some(false);
    if draft.remote.url.is_some() && draft.server.command.is_empty() {
        draft.remote.transport = match remote::transport(&kinds) {
            Ok(transport) => transport,
            Err(why) => return Read::LeftOut(why.to_owned()),
        };
        let remote = std::mem::take(&mut draft.remote);
        remote.settle(&mut draft.server, &mut draft.changes);
    } else if draft.server.command.is_empty() {
        let what = "it says neither what to run nor where the server is";
        notes.add(Finding::error(found.body.at.clone(), what));
        return Read::LeftOut(what.to_owned());
    }
    Read::Taken(Box::new(draft))
}

struct Reading<'r> {
    program: &'r Program,
    texts: Texts<'r>,
    draft: Draft,
    /// What it says of its kind.
    kinds: Vec<String>,
    /// Whether a filter of its program is not understood.
    hides_more: bool,
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
            None if filters::is_filter(prop) => self.filter(prop, &field),
            None => {}
        }
    }

    /// What seems to keep something from clients: a list under a word that is known but for its
    /// letters, or it is not guessed at. To offer what was kept back is worse than not to run.
    fn filter(&mut self, prop: &ObjectProp<'_>, field: &Field<'_, Value<'_>>) {
        let name = prop.name.as_str();
        let plain = fields::plain(name);
        let is_list = field.value.as_array().is_some();
        let known = COMMON.iter().find(|(word, means)| {
            let names = matches!(means, Means::Filter(Filter::Allow | Filter::Deny, _));
            names && is_list && fields::plain(word) == plain
        });
        if let Some((_, means)) = known {
            self.understand(*means, name, field);
        } else if filters::asks_for_something(&plain, field.value) {
            self.hides_more = true;
            self.draft.is_lossy = true;
            self.draft.changes.push(format!(
                "switched off: {} limits what it offers in a way that is not understood; write it as \
                 \"tools\": {{\"deny\": […]}} or {{\"allow\": […]}}, then switch it on",
                quoted(name)
            ));
        } else if matches!(field.value, Value::BooleanLit(_) | Value::NumberLit(_)) {
            self.lost(name, "it is not known here");
        }
    }

    /// A field that is in no row: one of ours, a word for off, a decoration, or nobody's.
    fn unknown(&mut self, prop: &ObjectProp<'_>, field: &Field<'_, Value<'_>>) {
        let name = prop.name.as_str();
        let is_void = matches!(prop.value, Value::NullKeyword(_));
        match fields::find(fields::ENTRY, name) {
            _ if is_void || name == "name" || switch::is_known(prop) => {}
            Some(Use::Read) => {
                let ours = &mut self.draft.server.ours;
                ours.insert(name.to_owned(), json(field.value));
            }
            Some(Use::Quiet) => {}
            Some(Use::NoEffect(why)) => self.lost(name, why),
            None if filters::is_filter(prop) => self.filter(prop, field),
            None if filters::is_options(prop) => self.options(field),
            None => self.lost(name, "it is not known here"),
        }
    }

    /// Another program's object with a filter in it.
    fn options(&mut self, field: &Field<'_, Value<'_>>) {
        let inner = values::fields(field);
        for prop in inner.iter().flat_map(|inner| &inner.object.properties) {
            let name = prop.name.as_str();
            let field = Field::new(field.at.key(name, prop.value.start()), &prop.value);
            match self.means(name) {
                Some(means @ Means::Filter(..)) => self.understand(means, name, &field),
                _ if filters::is_filter(prop) => self.filter(prop, &field),
                _ => {}
            }
        }
    }

    fn lost(&mut self, name: &str, why: &str) {
        self.draft.is_lossy = true;
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
                let args = self.texts.all(field);
                self.draft.server.args.extend(args);
            }
            Means::Env => self.env(field, false),
            Means::EnvOrInherited => self.env(field, true),
            Means::EnvNames => {
                for name in self.texts.all(field) {
                    let value = of_variable(&name);
                    self.draft.server.env.insert(name, value);
                }
            }
            Means::EnvFile => self.env_file(name, field),
            Means::Cwd => self.draft.server.cwd = self.texts.one(field),
            Means::Kind => {
                let kind = self.texts.one(field).unwrap_or_default();
                self.kinds.push(kind.to_ascii_lowercase());
            }
            Means::Description => {
                let text = field
                    .value
                    .as_string_lit()
                    .map(|text| text.value.to_string());
                self.draft.server.description = text.filter(|text| !text.is_empty());
            }
            Means::Elsewhere(means) => self.elsewhere(means, field),
            Means::StartTimeout(unit) => {
                let (time, said) = self.texts.time(unit, field);
                self.draft.is_lossy |= time.is_none();
                self.draft.server.timeout = time;
                self.draft.changes.extend(said);
            }
            Means::CallTimeout(unit) => {
                let (time, said) = self.texts.time(unit, field);
                self.draft.is_lossy |= time.is_none();
                self.draft.server.call_timeout = time;
                self.draft.changes.extend(said);
            }
            Means::Filter(filter, thing) => {
                tools::read(
                    filter,
                    thing,
                    field,
                    &mut self.draft.server,
                    self.texts.notes,
                );
            }
            Means::Ours => {
                let ours = &mut self.draft.server.ours;
                ours.insert(name.to_owned(), json(field.value));
            }
            Means::Nothing => {}
            Means::Lost(why) => self.lost(name, why),
        }
    }

    /// A file of variables, but for one in the folder that an editor has open.
    fn env_file(&mut self, name: &str, field: &Field<'_, Value<'_>>) {
        let path = self.texts.one(field).filter(|path| !path.is_empty());
        match path.filter(|path| !path.contains("${workspace")) {
            Some(path) => {
                let ours = &mut self.draft.server.ours;
                ours.insert("env_file".to_owned(), path.into());
            }
            None => self.lost(
                name,
                "it is in an editor's folder; write its path as 'env_file'",
            ),
        }
    }

    /// A text, a list with the arguments in it, or an object as Zed had it.
    fn command(&mut self, field: &Field<'_, Value<'_>>) {
        match field.value {
            Value::Array(_) => {
                let mut words = self.texts.all(field).into_iter();
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
                self.draft.server.command = self.texts.one(field).unwrap_or_default();
            }
        }
    }

    fn env(&mut self, field: &Field<'_, Value<'_>>, is_inherited: bool) {
        if field.value.as_array().is_some() {
            // mcpproxy-go's kin: "NAME=value".
            for text in self.texts.all(field) {
                if let Some((name, value)) = text.split_once('=') {
                    self.draft
                        .server
                        .env
                        .insert(name.to_owned(), value.to_owned());
                }
            }
            return;
        }
        for (name, value) in self.texts.members(field) {
            let value = match value {
                Some(value) if !(is_inherited && value.is_empty()) => value,
                Some(_) | None if is_inherited => of_variable(&name),
                Some(_) | None => continue,
            };
            self.draft.server.env.insert(name, value);
        }
    }

    fn elsewhere(&mut self, means: Elsewhere, field: &Field<'_, Value<'_>>) {
        match means {
            Elsewhere::Url => {
                let url = self.texts.one(field).filter(|url| !url.is_empty());
                self.draft.remote.url = self.draft.remote.url.take().or(url);
            }
            Elsewhere::Headers => {
                let headers = self.texts.members(field).into_iter();
                let headers = headers.filter_map(|(name, value)| Some((name, value?)));
                self.draft.remote.headers.extend(headers);
            }
            Elsewhere::HeaderVariables => {
                let headers = self.texts.members(field).into_iter();
                let headers =
                    headers.filter_map(|(name, value)| Some((name, of_variable(&value?))));
                self.draft.remote.headers.extend(headers);
            }
            Elsewhere::Bearer => {
                let token = self.texts.one(field).filter(|token| !token.is_empty());
                if let Some(token) = token {
                    self.draft.remote.bearer(&token);
                }
            }
            Elsewhere::BearerVariable => {
                if let Some(name) = self.texts.one(field) {
                    self.draft.remote.bearer(&of_variable(&name));
                }
            }
            Elsewhere::SignIn => {
                let is_asked_for = field.value.as_boolean_lit().is_none_or(|flag| flag.value);
                self.draft.remote.signs_in |= is_asked_for;
            }
        }
    }

    /// Whether the server is on, by every word for it in the entry.
    fn is_on(&mut self, fields: &Fields<'_>) -> bool {
        let mut is_on = switch::is_enabled(fields, self.texts.notes);
        for inner in self.program.switches_in {
            if let Some(inner) = fields.get(inner)
                && let Some(inner) = values::fields(&inner)
            {
                is_on &= switch::is_enabled(&inner, self.texts.notes);
            }
        }
        is_on
    }
}

fn of_variable(name: &str) -> String {
    format!("${{{name}}}")
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
