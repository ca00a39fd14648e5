//! From what the file says to what the program trusts: the entries in the order of the file, each
//! checked for itself, their names unique. A wrong entry is refused alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::path::Path;
use std::sync::Arc;

use jsonc_parser::ast::Value;

use super::entry::{Checked, Surroundings, check};
use super::error::quoted;
use super::file::File;
use super::filling::Filling;
use super::gateway;
use super::limits::{Given, INSTRUCTIONS_READ, Limits};
use super::model::{Config, Entry, Nameless, Naming, Offer, ServerSpec};
use super::name::{Named, Names, server_name};
use super::notes::{At, Finding, Notes};
use super::profiles;
use super::source::Source;
use super::start::Starting;
use super::values::{self, Field};
use super::{Environment, Origin, Referred, env_file, origin};
use crate::ids::{Prefix, ServerName};

/// What validation yields beside its notes.
#[derive(Default)]
pub(super) struct Validated {
    pub(super) config: Config,
    pub(super) origins: Vec<Origin>,
    pub(super) files: Vec<Referred>,
}

/// Validates every entry, in the order of the file.
pub(super) fn validate(
    file: &File<'_>,
    source: &Source<'_>,
    (env, directory): (Environment<'_>, &Path),
    command_line: &Given,
    notes: &mut Notes,
) -> Validated {
    let mut validated = Validated::default();
    let around;
    (around, validated.files) = surroundings(file, source, (env, directory), notes);
    let config = &mut validated.config;
    if let Some(gateway) = &file.gateway {
        gateway::read(gateway, command_line, config, notes);
    } else {
        config.offer = Some(Offer::default());
        config.names = Some(Naming::default());
        config.instructions_budget = Some(INSTRUCTIONS_READ);
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
        let checked = check(&raw.body, &named, &around, &mut found);
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
                validated
                    .origins
                    .push(origin::origin(raw, name, &checked, source));
                let checked = admit(checked, &mut room, &named.at, &mut found);
                validated.config.servers.push(entry(checked, name));
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
    read_profiles(file, &mut validated.config, notes);
    validated
}

/// What the entries have in common, and where the files stand that they all have variables from.
fn surroundings<'e>(
    file: &File<'_>,
    source: &Source<'_>,
    (env, directory): (Environment<'e>, &'e Path),
    notes: &mut Notes,
) -> (Surroundings<'e>, Vec<Referred>) {
    let mut around = Surroundings {
        env,
        directory,
        env_files: Some(Vec::new()),
        starting: Starting::default(),
    };
    let Some(own) = file.gateway.as_ref().and_then(values::fields) else {
        return (around, Vec::new());
    };
    around.starting = Starting::of_gateway(&own, notes);
    around.env_files = env_file::of_gateway(&own, directory, &Filling::new(Some(env)), notes);
    let files = around.env_files.iter();
    let files = files.flat_map(|files| origin::variables(files, &own, source));
    let files = files.collect();
    (around, files)
}

fn read_profiles(file: &File<'_>, config: &mut Config, notes: &mut Notes) {
    let servers = config.servers.iter();
    let servers: Vec<&str> = servers.map(|entry| entry.name().as_str()).collect();
    config.profiles = profiles::read(&file.profiles, &servers, notes);
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
