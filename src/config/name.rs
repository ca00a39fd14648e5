//! The name of an entry: where the shape of the file has it, whether it may be one, and what to
//! write instead.

use jsonc_parser::common::Ranged;

use super::error::quoted;
use super::file::RawEntry;
use super::notes::{At, Finding, Notes};
use super::values;
use crate::ids::{InvalidServerName, SEPARATOR, ServerName};

/// What an entry is called.
pub(super) struct Named<'v> {
    /// Where the name stands, or should.
    pub(super) at: At,
    /// As the file has it.
    pub(super) written: Option<&'v str>,
    /// As the program uses it, if it may be a name.
    pub(super) name: Option<ServerName>,
}

/// Finds and checks the name of `raw`.
pub(super) fn server_name<'v>(
    raw: &RawEntry<'v>,
    is_from_metamcp: bool,
    notes: &mut Notes,
) -> Named<'v> {
    let (at, written) = match &raw.key {
        Some(key) => {
            note_second_name(raw, key.value, notes);
            (key.at.clone(), Some(key.value))
        }
        None => name_field(raw, notes),
    };
    let name = written.and_then(|text| checked(text, &at, is_from_metamcp, notes));
    Named { at, written, name }
}

/// The field `name` of an entry in a list.
fn name_field<'v>(raw: &RawEntry<'v>, notes: &mut Notes) -> (At, Option<&'v str>) {
    let at = raw.body.at.clone();
    let Some(fields) = values::fields(&raw.body) else {
        return (at, None);
    };
    let Some(field) = fields.get("name") else {
        let finding = Finding::error(at.clone(), "an entry in a list needs a 'name'");
        notes.add(finding.help(r#"add "name": "…"; its tools will be called name__tool"#));
        return (at, None);
    };
    let written = values::text(&field, "name", notes);
    (field.at, written)
}

/// A `name` inside an entry whose key is its name already. Both alike is no matter; otherwise the
/// tools would be called differently from what its writer thinks.
fn note_second_name(raw: &RawEntry<'_>, key: &str, notes: &mut Notes) {
    let entry = raw.body.value.as_object();
    let Some(second) = entry.and_then(|entry| entry.get_string("name")) else {
        return;
    };
    if second.value != key {
        let at = raw.body.at.key("name", second.start());
        let what = format!(
            "'name' is ignored: the server is called {} by its key",
            quoted(key)
        );
        notes.add(Finding::warning(at, what));
    }
}

fn checked(text: &str, at: &At, is_from_metamcp: bool, notes: &mut Notes) -> Option<ServerName> {
    let why = match ServerName::new(text) {
        Ok(name) => return Some(name),
        Err(why) => why,
    };
    let is_character = matches!(why, InvalidServerName::Character(_));
    if let Some(name) = as_metamcp(text).filter(|_| is_from_metamcp && is_character) {
        let what = format!(
            "{} is called '{name}', as its tools were by MetaMCP",
            quoted(text)
        );
        notes.add(Finding::warning(at.clone(), what));
        return Some(name);
    }
    let finding = Finding::error(at.clone(), format!("{} is no name: {why}", quoted(text)));
    notes.add(match nearest(text) {
        Some(name) => finding.help(format!("call it '{name}'")),
        None => finding,
    });
    None
}

/// The name that MetaMCP put before the tools of a server: without every character that may not be
/// in one. Whoever comes from there keeps the names of the tools.
fn as_metamcp(text: &str) -> Option<ServerName> {
    let kept: String = text.chars().filter(|c| is_allowed(*c)).collect();
    ServerName::new(&kept).ok()
}

/// A good name that looks most like `text`.
fn nearest(text: &str) -> Option<ServerName> {
    let dashed: String = text
        .chars()
        .map(|c| if is_allowed(c) { c } else { '-' })
        .collect();
    let words: Vec<_> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    let mut name = words.join("-");
    while name.contains(SEPARATOR) {
        name = name.replace(SEPARATOR, "_");
    }
    name.truncate(64);
    ServerName::new(&name).ok()
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}
