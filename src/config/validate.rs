//! From what the file says to what the program trusts: the entries in the order of the file, each
//! checked for itself, their names unique. A wrong entry is refused alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::sync::Arc;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::entry::{Checked, check};
use super::error::quoted;
use super::file::{File, RawEntry};
use super::gateway;
use super::limits::{Given, INSTRUCTIONS_READ, Limits};
use super::model::{Config, Entry, Nameless, Naming, Offer, ServerSpec};
use super::name::{Named, Names, server_name};
use super::notes::{At, Finding, Notes};
use super::profiles;
use super::source::Source;
use super::values::{self, Field};
use super::{Environment, Origin, Written};
use crate::ids::{Prefix, ServerName};

/// What validation yields beside its notes.
#[derive(Default)]
pub(super) struct Validated {
    pub(super) config: Config,
    pub(super) origins: Vec<Origin>,
}

/// Validates every entry, in the order of the file.
pub(super) fn validate(
    file: &File<'_>,
    source: &Source<'_>,
    env: Environment<'_>,
    command_line: &Given,
    notes: &mut Notes,
) -> Validated {
    let mut validated = Validated::default();
    let config = &mut validated.config;
    match &file.gateway {
        Some(gateway) => gateway::read(gateway, command_line, config, notes),
        None => {
            config.offer = Some(Offer::default());
            config.names = Some(Naming::default());
            config.instructions_budget = Some(INSTRUCTIONS_READ);
        }
    }
    let defaults = Limits::default();
    let limits = defaults.with(&validated.config.limits, &defaults);
    let mut room = limits.with(command_line, &limits).max_servers;
    let mut given = Names::of(&file.entries);
    let mut first_places: HashMap<ServerName, usize> = HashMap::new();
    let mut first_prefixes = HashMap::new();
    for raw in &file.entries {
        let mut found = Notes::default();
        let named = server_name(raw, file, &mut given, &mut found);
        let checked = check(&raw.body, &named, env, &mut found);
        let first = named.name.as_ref().and_then(|name| first_places.get(name));
        match (&named.name, first) {
            (Some(name), None) => {
                if let Checked::Run(spec, _) = &checked
                    && let Some(shared) =
                        shared_prefix(spec, &raw.body, &named.at, &mut first_prefixes)
                {
                    found.add(shared);
                }
                first_places.insert(name.clone(), named.at.offset);
                let checked = admit(checked, &mut room, &named.at, &mut found);
                validated.config.servers.push(entry(checked, name));
                validated.origins.push(origin(raw, name, source));
            }
            (Some(name), Some(first)) => {
                found.add(taken(&named, name, source.place(*first).line));
                validated.config.nameless.push(nameless(&named, source));
            }
            (None, _) if !matches!(checked, Checked::Disabled) => {
                validated.config.nameless.push(nameless(&named, source));
            }
            (None, _) => {}
        }
        notes.adopt(found, named.written);
    }
    let servers = validated.config.servers.iter();
    let servers: Vec<&str> = servers.map(|entry| entry.name().as_str()).collect();
    let profiles = profiles::read(&file.profiles, &servers, notes);
    validated.config.profiles = profiles;
    validated
}

fn nameless(named: &Named<'_>, source: &Source<'_>) -> Nameless {
    Nameless {
        shown: named.written.map_or_else(|| named.at.path.clone(), quoted),
        line: source.place(named.at.offset).line,
    }
}

/// Refuses a server for which there is no room; those before it in the file have it.
fn admit(checked: Checked, room: &mut usize, at: &At, notes: &mut Notes) -> Checked {
    let Checked::Run(..) = &checked else {
        return checked;
    };
    if let Some(left) = room.checked_sub(1) {
        *room = left;
        return checked;
    }
    let what = "there are more servers than 'max_servers' allows; this one is not used";
    notes.add(Finding::error(at.clone(), what).help("raise the limit, or switch others off"));
    Checked::Refused
}

fn entry(checked: Checked, name: &ServerName) -> Entry {
    match checked {
        Checked::Run(spec, view) => Entry::Run(Arc::from(spec), Arc::from(view)),
        Checked::Disabled => Entry::Disabled(name.clone()),
        Checked::Refused => Entry::Refused(name.clone()),
    }
}

/// The second of a name is refused: which of two is meant cannot be known, and the first keeps what
/// runs running.
fn taken(named: &Named<'_>, name: &ServerName, line: usize) -> Finding {
    let what =
        format!("the name '{name}' is taken by the entry in line {line}; this one is not used");
    Finding::error(named.at.clone(), what).help("rename or remove one of the two")
}

/// What is to be said if the names of a server before this one start alike. Bare names are meant to
/// be next to each other.
fn shared_prefix(
    spec: &ServerSpec,
    body: &Field<'_, Value<'_>>,
    name: &At,
    firsts: &mut HashMap<Prefix, ServerName>,
) -> Option<Finding> {
    if spec.prefix.is_bare() {
        return None;
    }
    let first = match firsts.entry(spec.prefix.clone()) {
        Occupied(entry) => entry,
        Vacant(entry) => {
            entry.insert(spec.name.clone());
            return None;
        }
    };
    let written = values::fields(body).and_then(|fields| fields.get("prefix"));
    let at = written.map_or_else(|| name.clone(), |field| field.at);
    let what = format!(
        "servers {:?} and {:?} share the prefix {:?}: on equal names the first keeps its own",
        first.get(),
        spec.name,
        spec.prefix
    );
    Some(Finding::warning(at, what).help("give one of them another 'prefix'"))
}

fn origin(raw: &RawEntry<'_>, name: &ServerName, source: &Source<'_>) -> Origin {
    let fields = values::fields(&raw.body);
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
        secret: fields.as_ref().and_then(|fields| secret(fields, source)),
    }
}

/// The first value of `env` that is written out and by its name should not be seen by everybody.
fn secret(fields: &values::Fields<'_>, source: &Source<'_>) -> Option<Written> {
    const WORDS: [&str; 6] = ["TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL", "AUTH"];
    let env = fields.get("env")?;
    let found = env.value.as_object()?.properties.iter().find(|prop| {
        let name = prop.name.as_str().to_ascii_uppercase();
        let value = prop.value.as_string_lit().map(|text| &*text.value);
        let is_written_out = value.is_some_and(|text| !text.is_empty() && !text.contains("${"));
        is_written_out && WORDS.iter().any(|word| name.contains(word))
    })?;
    let name = found.name.as_str();
    let at = env.at.key(name, found.name.start());
    Some(Written {
        text: name.to_owned(),
        path: at.path,
        place: source.place(at.offset),
    })
}
