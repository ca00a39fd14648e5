//! Where in the file an entry stands, and what of it can be wrong outside of the text: its program, its
//! directory, the files it refers to.

use std::path::PathBuf;

use jsonc_parser::common::Ranged;

use super::entry::Checked;
use super::env_file;
use super::file::RawEntry;
use super::model::{FileRef, Secret, ServerSpec};
use super::notes::At;
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
        files,
        secret: fields.as_ref().and_then(|fields| secret(fields, source)),
    }
}

/// The first value of `env` that is written out and by its name should not be seen by everybody.
fn secret(fields: &Fields<'_>, source: &Source<'_>) -> Option<Written> {
    let env = fields.get("env")?;
    let found = env.value.as_object()?.properties.iter().find(|prop| {
        let value = prop.value.as_string_lit().map(|text| &*text.value);
        let is_written_out = value.is_some_and(|text| !text.is_empty() && !text.contains("${"));
        is_written_out && is_named_secret(prop.name.as_str())
    })?;
    let name = found.name.as_str();
    let at = env.at.key(name, found.name.start());
    Some(Written {
        text: name.to_owned(),
        path: at.path,
        place: source.place(at.offset),
    })
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
    let args = fields.get("args");
    let elements = args
        .as_ref()
        .and_then(|args| Some((args, args.value.as_array()?)));
    for (index, arg) in spec.args.iter().enumerate() {
        refer(
            arg,
            elements.and_then(|(args, list)| {
                let element = list.elements.get(index)?;
                Some(args.at.index(index, element.start()))
            }),
        );
    }
    let env = fields.get("env");
    let object = env
        .as_ref()
        .and_then(|env| Some((env, env.value.as_object()?)));
    for (name, value) in &spec.env {
        refer(
            value,
            object.and_then(|(env, object)| {
                let prop = object.get(name)?;
                Some(env.at.key(name, prop.value.start()))
            }),
        );
    }
    files
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
