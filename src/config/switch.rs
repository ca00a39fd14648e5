//! Whether a server is switched on. Each program has its own word for that, and to run what its user
//! had switched off is the worst mistake there is: every word is understood, one that says off is
//! enough, and what may be meant to say it is not passed over.

use std::collections::HashSet;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::error::quoted;
use super::fields;
use super::notes::{At, Finding, Notes};
use super::values::{Fields, kind};
use crate::ids::ServerName;

/// True means on; as [`fields::plain`] has them.
const ON: &[&str] = &[
    "enabled",
    "enable",
    "isenabled",
    "active",
    "isactive",
    "activated",
    "on",
    "autostart",
    "autoconnect",
    "startup",
];

/// True means off.
const OFF: &[&str] = &[
    "disabled",
    "disable",
    "isdisabled",
    "inactive",
    "isinactive",
    "deactivated",
    "off",
    "paused",
    "ispaused",
    "suspended",
    "stopped",
    "archived",
    "isarchived",
    "skip",
    "ignore",
    "ignored",
];

/// A word says which.
const STATE: &[&str] = &["status", "state", "mode"];

const MEANS_TRUE: &[&str] = &[
    "true",
    "yes",
    "on",
    "1",
    "enabled",
    "active",
    "auto",
    "automatic",
    "always",
];
const MEANS_FALSE: &[&str] = &[
    "false",
    "no",
    "off",
    "0",
    "disabled",
    "inactive",
    "manual",
    "never",
    "stopped",
    "paused",
    "suspended",
    "archived",
    "deleted",
    "declined",
];

/// An object in an entry that holds what one program has to say about it.
const WITHIN: &str = "anythingllm";

/// The section of that program, if `prop` is it.
pub(crate) fn section<'p, 'v>(prop: &'p ObjectProp<'v>) -> Option<&'p Object<'v>> {
    prop.value
        .as_object()
        .filter(|_| fields::plain(prop.name.as_str()) == WITHIN)
}

/// Whether a field is one of those, or nothing but the program's own section.
pub(crate) fn is_known(prop: &ObjectProp<'_>) -> bool {
    let plain = fields::plain(prop.name.as_str());
    let is_state = STATE.contains(&&*plain) && meaning(&prop.value).is_some();
    is_state || plain == WITHIN || ON.contains(&&*plain) || OFF.contains(&&*plain)
}

/// Whether the entry is switched on, as far as it says so itself.
pub(crate) fn is_enabled(fields: &Fields<'_>, notes: &mut Notes) -> bool {
    let (mut on, mut off) = (None, None);
    for prop in &fields.object.properties {
        let name = prop.name.as_str();
        let of_program = section(prop).is_some_and(|section| {
            let mut props = section.properties.iter();
            props.any(|prop| switch(prop, &fields.at, &mut Notes::default()) == Some(false))
        });
        let says = if of_program {
            Some(false)
        } else {
            switch(prop, &fields.at, notes)
        };
        let other = match says {
            Some(true) => on.replace(name).map_or(off, |_| None),
            Some(false) => off.replace(name).map_or(on, |_| None),
            None => None,
        };
        if let Some(other) = other {
            let what =
                format!("'{other}' and '{name}' contradict each other; the server stays off");
            let at = fields.at.key(name, prop.value.start());
            notes.add(Finding::warning(at, what).help("keep 'enabled' alone"));
        }
    }
    off.is_none()
}

/// What one field says; `null` and other fields say nothing.
fn switch(prop: &ObjectProp<'_>, entry: &At, notes: &mut Notes) -> Option<bool> {
    let (name, value) = (prop.name.as_str(), &prop.value);
    if matches!(value, Value::NullKeyword(_)) {
        return None;
    }
    let plain = fields::plain(name);
    let is_off = OFF.contains(&&*plain);
    let at = || entry.key(name, value.start());
    if STATE.contains(&&*plain) {
        return meaning(value);
    }
    if !is_off && !ON.contains(&&*plain) {
        note_slip(name, &plain, value, at, notes);
        return None;
    }
    let Some(meaning) = meaning(value) else {
        let what = format!(
            "{} must be true or false, not {}",
            quoted(name),
            kind(value)
        );
        notes.add(Finding::error(at(), what).help("write \"enabled\": true or false"));
        return None;
    };
    if value.as_boolean_lit().is_none() {
        let what = format!("{} is {}, taken for {meaning}", quoted(name), kind(value));
        notes.add(Finding::warning(at(), what).help("write true or false, without quotes"));
    }
    Some(meaning != is_off)
}

/// `"enabeld": false` would run what is meant not to run.
fn note_slip(name: &str, plain: &str, value: &Value<'_>, at: impl Fn() -> At, notes: &mut Notes) {
    let is_near = |word| fields::is_near(plain, word);
    let says_off = match meaning(value) {
        Some(true) => is_near("disabled"),
        Some(false) => is_near("enabled"),
        None => false,
    };
    if says_off {
        let what = format!(
            "{} is not known, and may be meant to switch the server off",
            quoted(name)
        );
        notes.add(Finding::error(at(), what).help("write \"enabled\": false, or remove it"));
    }
}

fn meaning(value: &Value<'_>) -> Option<bool> {
    let word = match value {
        Value::BooleanLit(flag) => return Some(flag.value),
        Value::StringLit(text) => text.value.trim().to_ascii_lowercase(),
        Value::NumberLit(number) => number.value.to_owned(),
        Value::Object(_) | Value::Array(_) | Value::NullKeyword(_) => return None,
    };
    if MEANS_TRUE.contains(&&*word) {
        Some(true)
    } else {
        MEANS_FALSE.contains(&&*word).then_some(false)
    }
}

/// Whether what is no name says of itself that it is switched off: `github (disabled)`.
pub(crate) fn is_said_off(name: &str) -> bool {
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    ServerName::new(name).is_err()
        && words.any(|word| ["disabled", "inactive", "off"].contains(&&*word.to_lowercase()))
}

/// Which servers the file switches off outside of their entries.
#[derive(Default)]
pub(crate) struct Lists<'v> {
    off: HashSet<&'v str>,
    /// Where there is such a list, all others are off.
    only: Option<HashSet<&'v str>>,
}

impl<'v> Lists<'v> {
    /// Claude Code's `disabledMcpServers`, Gemini CLI's `mcp.excluded` and `mcp.allowed`, and their kin.
    pub(crate) fn read(root: &'v Object<'v>) -> Self {
        let mut lists = Self::default();
        for prop in &root.properties {
            let plain = fields::plain(prop.name.as_str());
            match (&*plain, &prop.value) {
                ("mcp", Value::Object(mcp)) => {
                    let named = [
                        "excluded", "exclude", "disabled", "allowed", "allow", "enabled",
                    ];
                    for prop in &mcp.properties {
                        let plain = fields::plain(prop.name.as_str());
                        if named.contains(&&*plain) {
                            lists.take(&plain, &prop.value);
                        }
                    }
                }
                (_, value) if is_list(&plain) => lists.take(&plain, value),
                _ => {}
            }
        }
        lists
    }

    fn take(&mut self, plain: &str, value: &'v Value<'v>) {
        let names = named_in(value);
        let mut switches_off = ["disabled", "exclude", "den"].iter();
        if switches_off.any(|word| plain.starts_with(word)) {
            self.off.extend(names);
        } else if !names.is_empty() {
            self.only.get_or_insert_default().extend(names);
        }
    }

    /// Whether the server of this name is switched off.
    pub(crate) fn is_off(&self, name: &str) -> bool {
        let has = |names: &HashSet<&str>| names.contains(name) || names.contains("*");
        has(&self.off) || self.only.as_ref().is_some_and(|only| !has(only))
    }
}

/// The servers that a list names: `["a"]`, `"a"`, `{"a": true}`, or as Claude Code's settings have it
/// `[{"serverName": "a"}]`.
fn named_in<'v>(value: &'v Value<'v>) -> Vec<&'v str> {
    match value {
        Value::StringLit(name) => vec![&*name.value],
        Value::Array(list) => list.elements.iter().flat_map(named_in).collect(),
        Value::Object(object) => {
            let members = object.properties.iter();
            let named = members.filter_map(|prop| {
                let plain = fields::plain(prop.name.as_str());
                match prop.value.as_string_lit() {
                    Some(name) if ["name", "servername"].contains(&&*plain) => Some(&*name.value),
                    _ => (meaning(&prop.value) == Some(true)).then(|| prop.name.as_str()),
                }
            });
            named.collect()
        }
        Value::NumberLit(_) | Value::BooleanLit(_) | Value::NullKeyword(_) => Vec::new(),
    }
}

/// Whether a field of the file, as [`fields::plain`] has it, is such a list.
pub(crate) fn is_list(plain: &str) -> bool {
    let words = [
        "disabled", "excluded", "exclude", "denied", "deny", "allowed", "allow", "enabled",
    ];
    let mut rest = words.iter().filter_map(|word| plain.strip_prefix(word));
    rest.any(|rest| ["mcpservers", "servers", "mcpjsonservers"].contains(&rest))
}
