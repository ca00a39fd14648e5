//! From the text of a file to a syntax tree, the same for JSON, TOML and YAML: that of
//! [`jsonc_parser`], which the configuration is read as, so that what is known of other programs'
//! words there holds here. Pure.

mod toml;
mod yaml;

use std::path::Path;

use jsonc_parser::ast::Value;

use crate::config::notes::{At, Finding, Notes};
use crate::config::source::Source;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Toml,
    Yaml,
}

/// More than any settings in TOML or YAML have. JSON may be as long as a file may.
const LONGEST: usize = 1 << 20;

/// More levels than any of the programs has.
const DEEPEST: usize = 64;

/// The tree of `text`. `None`, and the reason in `notes`, if it can be read as none of the three. The
/// end of `path` says which it is; where it does not, the text does.
pub(super) fn tree<'t>(text: &'t str, path: &Path, notes: &mut Notes) -> Option<Value<'t>> {
    let source = Source::new(text);
    // Without its byte order mark, which only the reader of JSON knows.
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format(path) {
        Some(Format::Json) => source.tree(notes),
        Some(Format::Toml) => within(bare, notes).and_then(|text| toml::tree(text, notes)),
        Some(Format::Yaml) => within(bare, notes).and_then(|text| yaml::tree(text, notes)),
        None => {
            let mut found = Notes::default();
            let tree = source.tree(&mut found).or_else(|| other(bare));
            if tree.is_none() {
                notes.adopt(found, None);
            }
            tree
        }
    }
}

fn format(path: &Path) -> Option<Format> {
    let end = path.extension()?.to_str()?.to_ascii_lowercase();
    match &*end {
        "json" | "jsonc" | "json5" => Some(Format::Json),
        "toml" => Some(Format::Toml),
        "yaml" | "yml" => Some(Format::Yaml),
        _ => None,
    }
}

/// What is no JSON and does not say by its name what it is.
fn other(text: &str) -> Option<Value<'_>> {
    let mut unused = Notes::default();
    let text = within(text, &mut unused)?;
    // To YAML, any text is a text.
    let is_object = |tree: &Value<'_>| tree.as_object().is_some_and(|o| !o.properties.is_empty());
    toml::tree(text, &mut unused)
        .filter(is_object)
        .or_else(|| yaml::tree(text, &mut unused).filter(is_object))
}

fn within<'t>(text: &'t str, notes: &mut Notes) -> Option<&'t str> {
    if text.len() > LONGEST {
        let what = "a file in TOML or YAML is read up to 1 MiB";
        notes.add(Finding::error(At::file(0), what).help("name a file with the servers alone"));
        return None;
    }
    Some(text)
}

#[cfg(test)]
mod tests;
