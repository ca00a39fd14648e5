//! Where in the file an entry stands, and what of it can be wrong outside of the text: its program, its
//! directory, the files it refers to.

use std::path::PathBuf;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::entry::Checked;
use super::env_file;
use super::file::RawEntry;
use super::model::{FileRef, Secret, ServerSpec, Target};
use super::notes::At;
use super::remote::ADDRESSES;
use super::secrets::is_named_secret;
use super::source::Source;
use super::values::{self, Fields};
use super::{Origin, Reference, Referred, Written};
use crate::ids::ServerName;

/// Where the entry `raw` of the server `name` stands, with what has been made of it.
pub(super) fn origin(
    raw: &RawEntry<'_>,
    name: &ServerName,
    checked: &Checked,
    source: &Source<'_>,
) -> Origin {
    let fields = values::fields(&raw.body);
    let files = match (checked, &fields) {
        (Checked::Run(spec, _), Some(fields)) => files(spec, fields, source),
        _ => Vec::new(),
    };
    let written = |field: &str| {
        let field = fields.as_ref()?.get(field)?;
        let text = field.value.as_string_lit()?;
        Some(Written {
            text: text.value.to_string(),
            path: field.at.path,
            place: source.place(field.value.start()),
        })
    };
    Origin {
        server: name.clone(),
        place: source.place(raw.body.at.offset),
        command: written("command"),
        cwd: written("cwd"),
        url: ADDRESSES.iter().find_map(|name| written(name)),
        files,
        secret: fields.as_ref().and_then(|fields| secret(fields, source)),
    }
}

/// The first value of `env`, of `headers` or in an address that is written out and by its name should not be seen by
/// everybody.
fn secret(fields: &Fields<'_>, source: &Source<'_>) -> Option<Written> {
    let found = |object: &str| {
        let field = fields.get(object)?;
        let mut members = field.value.as_object()?.properties.iter();
        let found = members
            .find(|prop| is_written_out(&prop.value) && is_named_secret(prop.name.as_str()))?;
        let name = found.name.as_str();
        Some(written(
            name.to_owned(),
            &field.at.key(name, found.name.start()),
            source,
        ))
    };
    let token = || {
        let field = fields.get("bearerToken")?;
        let name = "bearerToken".to_owned();
        is_written_out(field.value).then(|| written(name, &field.at, source))
    };
    let address = || {
        let named = |name: &&'static str| Some((*name, fields.get(name)?));
        let (name, field) = ADDRESSES.iter().find_map(named)?;
        let text = field.value.as_string_lit()?;
        has_key(&text.value).then(|| written(name.to_owned(), &field.at, source))
    };
    let headers = || found("headers").or_else(token);
    found("env").or_else(headers).or_else(address)
}

/// Whether a key is written out in the query of an address.
fn has_key(address: &str) -> bool {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        is_named_secret(name) && !value.is_empty() && !value.contains("${")
    })
}

fn is_written_out(value: &Value<'_>) -> bool {
    let text = value.as_string_lit().map(|text| &*text.value);
    text.is_some_and(|text| !text.is_empty() && !text.contains("${"))
}

/// The files that the entry refers to.
fn files(spec: &ServerSpec, fields: &Fields<'_>, source: &Source<'_>) -> Vec<Referred> {
    let mut files = variables(&spec.env_files, fields, source);
    let mut refer = |secret: &Secret, at: Option<At>| {
        let Some(at) = at else { return };
        let written = |text: String| written(text, &at, source);
        files.extend(secret.files().map(|file| Referred {
            what: Reference::File(file.clone()),
            written: written(file.to_string()),
        }));
        files.extend(secret.unset().map(|name| Referred {
            what: Reference::Variable(name.to_owned()),
            written: written(name.to_owned()),
        }));
    };
    match &spec.target {
        Target::Program(program) => {
            for (index, arg) in program.args.iter().enumerate() {
                refer(arg, element(fields, "args", index));
            }
            for (name, value) in &program.env {
                refer(value, member(fields, "env", name));
            }
        }
        Target::Remote(remote) => {
            let url = ADDRESSES.iter().find_map(|name| fields.get(name));
            refer(&remote.url, url.map(|field| field.at));
            for (name, value) in &remote.headers {
                let token = || fields.get("bearerToken").map(|field| field.at);
                refer(value, member(fields, "headers", name).or_else(token));
            }
        }
    }
    files
}

/// Where the element of the list in a field stands.
fn element(fields: &Fields<'_>, list: &str, index: usize) -> Option<At> {
    let field = fields.get(list)?;
    let element = field.value.as_array()?.elements.get(index)?;
    Some(field.at.index(index, element.start()))
}

/// Where the member of the object in a field stands, however it is capitalised.
fn member(fields: &Fields<'_>, object: &str, name: &str) -> Option<At> {
    let field = fields.get(object)?;
    let mut members = field.value.as_object()?.properties.iter();
    let is_named = |member: &str| match object {
        "headers" => member.eq_ignore_ascii_case(name),
        _ => member == name,
    };
    let prop = members.find(|prop| is_named(prop.name.as_str()))?;
    Some(field.at.key(prop.name.as_str(), prop.value.start()))
}

/// Those of `env_files` that `fields` name.
pub(super) fn variables(
    env_files: &[PathBuf],
    fields: &Fields<'_>,
    source: &Source<'_>,
) -> Vec<Referred> {
    let named = env_file::NAMES.iter().filter_map(|name| fields.get(name));
    let named = named.filter(|field| {
        field
            .value
            .as_string_lit()
            .is_some_and(|text| !text.value.is_empty())
    });
    let named: Vec<At> = named.map(|field| field.at).collect();
    // Those of the gateway are before them.
    let own = env_files.iter().rev().zip(named.iter().rev());
    own.map(|(path, at)| {
        let file = FileRef::Variables(path.clone());
        let written = written(file.to_string(), at, source);
        let what = Reference::File(file);
        Referred { what, written }
    })
    .collect()
}

fn written(text: String, at: &At, source: &Source<'_>) -> Written {
    let (path, place) = (at.path.clone(), source.place(at.offset));
    Written { text, path, place }
}
