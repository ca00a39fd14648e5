//! The name of an entry: where the shape of the file has it, and, where what is written may not be
//! one, the name that is made of it: marketplaces call servers by paths, people by words.

use std::collections::{HashMap, HashSet};

use jsonc_parser::common::Ranged;
use sha2::{Digest as _, Sha256};

use super::error::quoted;
use super::file::{File, RawEntry};
use super::notes::{At, Finding, Notes};
use super::switch;
use super::values;
use crate::ids::{SEPARATOR, ServerName};

/// What an entry is called.
pub(super) struct Named<'v> {
    /// Where the name stands, or should.
    pub(super) at: At,
    /// As the file has it.
    pub(super) written: Option<&'v str>,
    /// As the program uses it, if it may be a name.
    pub(super) name: Option<ServerName>,
    /// Whether it is switched off by this name, whatever its entry says.
    pub(super) is_off: bool,
}

/// Finds and checks the name of `raw`.
pub(super) fn server_name<'v>(
    raw: &RawEntry<'v>,
    file: &File<'v>,
    names: &mut Names<'v>,
    notes: &mut Notes,
) -> Named<'v> {
    let (at, written) = match &raw.key {
        Some(key) => {
            note_second_name(raw, key.value, notes);
            (key.at.clone(), Some(key.value))
        }
        None => name_field(raw, notes),
    };
    let name = written.and_then(|text| checked(text, &at, file.is_from_metamcp, names, notes));
    let is_off = written.is_some_and(|text| file.lists.is_off(text) || switch::is_said_off(text));
    Named {
        at,
        written,
        name,
        is_off,
    }
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

/// Which names are given away: those that the file writes, and those that were made so far.
#[derive(Default)]
pub(crate) struct Names<'v> {
    written: HashSet<&'v str>,
    /// And of what.
    made: HashMap<ServerName, &'v str>,
}

impl<'v> Names<'v> {
    /// Takes down what may be a name as it is: nothing else gets that one.
    pub(super) fn of(entries: &[RawEntry<'v>]) -> Self {
        let written = entries.iter().filter_map(|raw| match &raw.key {
            Some(key) => Some(key.value),
            None => values::fields(&raw.body)?
                .get("name")?
                .value
                .as_string_lit()
                .map(|text| &*text.value),
        });
        Self::of_texts(written)
    }

    /// Takes down `written` alone.
    pub(crate) fn of_texts(written: impl Iterator<Item = &'v str>) -> Self {
        Self {
            written: written.collect(),
            made: HashMap::new(),
        }
    }

    /// A name for what is called `text`: that of MetaMCP's tools, one that looks like it, or, where
    /// another has that, one with a number made of all of it. The same text gets the same again.
    pub(crate) fn make(&mut self, text: &'v str, is_from_metamcp: bool) -> Option<ServerName> {
        let metamcp = is_from_metamcp.then(|| as_metamcp(text)).flatten();
        let like = nearest(text);
        let numbered = numbered(like.as_ref(), text);
        let mut candidates = [metamcp, like, numbered].into_iter().flatten();
        let name = candidates.find(|name| {
            let is_same = |of: &&str| *of == text;
            !self.written.contains(name.as_str()) && self.made.get(name).is_none_or(is_same)
        })?;
        self.made.insert(name.clone(), text);
        Some(name)
    }
}

fn checked<'v>(
    text: &'v str,
    at: &At,
    is_from_metamcp: bool,
    names: &mut Names<'v>,
    notes: &mut Notes,
) -> Option<ServerName> {
    let why = match ServerName::new(text) {
        Ok(name) => return Some(name),
        Err(why) => why,
    };
    let made = (!text.trim().is_empty())
        .then(|| names.make(text, is_from_metamcp))
        .flatten();
    let Some(name) = made else {
        let finding = Finding::error(at.clone(), format!("{} is no name: {why}", quoted(text)));
        notes.add(finding.help("write one of letters, digits, '_' and '-'"));
        return None;
    };
    let is_as_metamcp = is_from_metamcp && as_metamcp(text).as_ref() == Some(&name);
    let why = if is_as_metamcp {
        ", as its tools were by MetaMCP".to_owned()
    } else {
        format!(": {why}")
    };
    let what = format!("{} is called '{name}'{why}", quoted(text));
    notes.add(Finding::warning(at.clone(), what));
    Some(name)
}

/// The name that MetaMCP put before the tools of a server: without every character that may not be
/// in one. Whoever comes from there keeps the names of the tools.
fn as_metamcp(text: &str) -> Option<ServerName> {
    let kept: String = text.chars().filter(|c| is_allowed(*c)).collect();
    ServerName::new(&kept).ok()
}

/// A longer path is called by its end alone: a name is in front of each of its server's tools, and
/// clients have 64 characters for both.
const LONGEST_PATH: usize = 24;
const LONGEST: usize = 64;

/// A good name that looks most like `text`: of the whole of it, of the end of a path.
fn nearest(text: &str) -> Option<ServerName> {
    let mut name = dashed(text);
    let segments: Vec<&str> = text.split('/').collect();
    let mut first = 0;
    while name.len() > LONGEST_PATH && first + 1 < segments.len() {
        first += 1;
        let end = dashed(&segments.get(first..).unwrap_or_default().join("/"));
        if end.is_empty() {
            break;
        }
        name = end;
    }
    name.truncate(LONGEST);
    ServerName::new(name.trim_end_matches('-')).ok()
}

/// The words of `text` with a dash between them.
fn dashed(text: &str) -> String {
    let dashed: String = text
        .chars()
        .map(|c| if is_allowed(c) { c } else { '-' })
        .collect();
    let words: Vec<_> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    let mut name = words.join("-");
    while name.contains(SEPARATOR) {
        name = name.replace(SEPARATOR, "_");
    }
    name
}

/// The same with a number of eight digits, which is another one for another text; for a text that
/// has nothing a name can have, the number alone makes the difference.
fn numbered(like: Option<&ServerName>, text: &str) -> Option<ServerName> {
    let digest = Sha256::digest(text.as_bytes());
    let number = format!("{:08x}", u32::from_be_bytes(*digest.first_chunk()?));
    let mut name = like.map_or("server", ServerName::as_str).to_owned();
    name.truncate(LONGEST - number.len() - 1);
    ServerName::new(&format!("{name}-{number}")).ok()
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}
