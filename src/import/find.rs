//! Whose a file is, and where its servers are.

use std::path::Path;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged as _;

use super::programs::PROGRAMS;
use super::row::{Mark, Program};
use crate::config::file::is_comment;
use crate::config::notes::{At, Finding, Notes};
use crate::config::switch::{Lists, is_said_off};
use crate::config::values::{Field, Fields, fields, kind};

/// An entry, before it is read.
pub(super) struct Found<'v> {
    /// Its name, where that stands outside.
    pub(super) key: Option<Field<'v, str>>,
    pub(super) body: Field<'v, Value<'v>>,
    /// Whether it is switched off by its name, or by a list beside it.
    pub(super) is_off: bool,
}

/// The program that has written `root`, by the end of the path if that says it, else by what is in it.
pub(super) fn program(root: &Value<'_>, path: &Path) -> Option<&'static Program> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let ends_so = |end: &&str| path.ends_with(end);
    let holds_servers = |program: &&Program| {
        program
            .servers
            .iter()
            .any(|at| !reached(root, at).is_empty())
    };
    let by_path = |program: &&Program| program.paths.iter().any(ends_so);
    let by_marks = |program: &&Program| program.marks.iter().any(|mark| is_there(root, mark));
    let mut candidates = PROGRAMS.iter().filter(holds_servers);
    // A list of entries, and entries without anything around them.
    if matches!(root, Value::Array(_)) {
        return PROGRAMS.first();
    }
    let found = candidates.clone().find(by_path);
    found
        .or_else(|| candidates.clone().find(by_marks))
        .or_else(|| candidates.find(|program| program.marks.is_empty() && program.paths.is_empty()))
        .or_else(|| are_entries(root).then(|| PROGRAMS.last()).flatten())
}

fn is_there(root: &Value<'_>, mark: &Mark) -> bool {
    match mark {
        Mark::Has(path) => !reached(root, path).is_empty(),
        Mark::List(path) => reached(root, path)
            .iter()
            .any(|at| at.value.as_array().is_some()),
        Mark::Object(path) => reached(root, path)
            .iter()
            .any(|at| at.value.as_object().is_some()),
        Mark::Is(path, words) => reached(root, path).iter().any(|at| {
            let text = at.value.as_string_lit();
            text.is_some_and(|text| words.contains(&&*text.value))
        }),
    }
}

/// Whether the members of an object are entries themselves.
fn are_entries(root: &Value<'_>) -> bool {
    let is_entry = |value: &Value<'_>| {
        let has = |name| {
            value
                .as_object()
                .is_some_and(|entry| entry.get(name).is_some())
        };
        has("command") || has("url")
    };
    let members = root.as_object().map(|object| &object.properties);
    members.is_some_and(|members| members.iter().any(|prop| is_entry(&prop.value)))
}

/// What `path` leads to from `root`.
pub(super) fn reached<'v>(root: &'v Value<'v>, path: &str) -> Vec<Field<'v, Value<'v>>> {
    let mut reached = vec![Field::new(At::file(root.start()), root)];
    for step in steps(path) {
        let inside = reached.iter().flat_map(|field| members(field, &step));
        reached = inside.collect();
    }
    reached
}

/// The members of `field` that a step of a path leads to.
fn members<'v>(field: &Field<'v, Value<'v>>, step: &str) -> Vec<Field<'v, Value<'v>>> {
    let value: &'v Value<'v> = field.value;
    let members = value.as_object().map(|object| &object.properties);
    let fits = members.into_iter().flatten();
    let fits = fits.filter(|prop| step == "*" || prop.name.as_str() == step);
    let fits = fits.map(|prop| {
        let at = field.at.key(prop.name.as_str(), prop.value.start());
        Field::new(at, &prop.value)
    });
    fits.collect()
}

/// The steps of a path; a dot after a backslash is one of a name.
fn steps(path: &str) -> Vec<String> {
    let marked = path.replace("\\.", "\0");
    let steps = marked.split('.').map(|step| step.replace('\0', "."));
    steps.collect()
}

/// The entries of a file, in its order.
pub(super) fn entries<'v>(
    root: &'v Value<'v>,
    program: &Program,
    notes: &mut Notes,
) -> Vec<Found<'v>> {
    let beside = root.as_object().map(Lists::read);
    let mut found = Vec::new();
    let mut is_there = false;
    for path in program.servers {
        // A project of Claude Code has lists of its own.
        let inner = path
            .rsplit_once('.')
            .filter(|(parent, _)| parent.contains('*'));
        let owners = match inner {
            Some((parent, _)) => reached(root, parent),
            None => vec![Field::new(At::file(root.start()), root)],
        };
        for owner in owners {
            let (lists, own) = match inner {
                Some((_, last)) => (members(&owner, last), owner.value.as_object()),
                None => (reached(root, path), None),
            };
            let own = own.map(Lists::read);
            let is_off = |name: &str| {
                let lists = [beside.as_ref(), own.as_ref()];
                lists.iter().flatten().any(|lists| lists.is_off(name)) || is_said_off(name)
            };
            is_there |= !lists.is_empty();
            for list in lists {
                take(&list, &is_off, &mut found, notes);
            }
        }
    }
    if !is_there {
        let all = Field::new(At::file(root.start()), root);
        let is_off = |name: &str| {
            beside.as_ref().is_some_and(|lists| lists.is_off(name)) || is_said_off(name)
        };
        take(&all, &is_off, &mut found, notes);
    }
    if found.len() > MOST {
        let what = format!(
            "the file has {} entries; {MOST} can be imported",
            found.len()
        );
        notes.add(Finding::error(At::file(root.start()), what).help("remove the others"));
        found.clear();
    }
    found
}

/// As many as servers can be run.
const MOST: usize = 10_000;

fn take<'v>(
    list: &Field<'v, Value<'v>>,
    is_off: &dyn Fn(&str) -> bool,
    found: &mut Vec<Found<'v>>,
    notes: &mut Notes,
) {
    match list.value {
        Value::Object(object) => {
            for prop in &object.properties {
                if is_comment(prop, &list.at, notes) {
                    continue;
                }
                let name = prop.name.as_str();
                let key = Field::new(list.at.key(name, prop.name.start()), name);
                let body = Field::new(list.at.key(name, prop.value.start()), &prop.value);
                let is_off = is_off(name);
                let key = Some(key);
                found.push(Found { key, body, is_off });
            }
        }
        Value::Array(array) => {
            for (index, value) in array.elements.iter().enumerate() {
                let body = Field::new(list.at.index(index, value.start()), value);
                let name = name_in(&body).map_or("", |name| name.value);
                let is_off = is_off(name);
                let key = None;
                found.push(Found { key, body, is_off });
            }
        }
        Value::StringLit(_)
        | Value::NumberLit(_)
        | Value::BooleanLit(_)
        | Value::NullKeyword(_) => {
            let what = format!(
                "the servers are a list or an object, not {}",
                kind(list.value)
            );
            notes.add(Finding::error(list.at.clone(), what));
        }
    }
}

/// The name that an entry in a list has.
pub(super) fn name_in<'v>(body: &Field<'v, Value<'v>>) -> Option<Field<'v, str>> {
    let fields: Fields<'v> = fields(body)?;
    let name = fields.get("name")?;
    let text = name.value.as_string_lit()?;
    Some(Field::new(name.at, &*text.value))
}
