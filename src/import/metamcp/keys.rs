//! Keys of endpoints: each becomes a line in a file of tokens, if it can be one there.

use std::collections::{BTreeMap, BTreeSet};

use jsonc_parser::ast::{Object, Value};

use super::{Access, Beside, Endpoint, rows, text};
use crate::ids::SHORTEST_TOKEN;

/// A key, and what it opens.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::import) struct Key {
    name: String,
    secret: String,
    profiles: Vec<String>,
}

impl Key {
    /// Its line in a file of tokens.
    pub(in crate::import) fn line(&self) -> String {
        let profiles = self.profiles.iter();
        let profiles: Vec<String> = profiles.map(|name| format!(" profile={name}")).collect();
        let profiles = profiles.concat();
        format!("{} name={}{profiles}\n", self.secret, self.name)
    }
}

/// The active keys, each with the endpoints it opened: a public one the public endpoints, a user's
/// those and the user's own, unless it takes no keys. Answers the places of the endpoints that one opens.
pub(super) fn carry(
    root: &Value<'_>,
    endpoints: &[Endpoint<'_>],
    beside: &mut Beside,
) -> BTreeSet<usize> {
    let mut opened = BTreeSet::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let (mut useless, mut unusable) = (Vec::new(), Vec::new());
    for row in rows(root, "api_keys").filter(|row| !is_said_off(row)) {
        let owner = text(row, "user_id");
        let opens = |endpoint: &Endpoint<'_>| {
            endpoint.access != Access::Other && endpoint.owner.is_none_or(|of| owner == Some(of))
        };
        let those = endpoints.iter().enumerate().filter(|(_, e)| opens(e));
        let (places, profiles): (Vec<usize>, Vec<String>) =
            those.map(|(place, e)| (place, e.name.to_owned())).unzip();
        let name = named(text(row, "name").unwrap_or_default(), &mut names);
        let secret = text(row, "key").unwrap_or_default();
        if !is_said_on(row) || !is_token(secret) || !seen.insert(secret) {
            unusable.push(name);
        } else if profiles.is_empty() {
            // A token without a profile would open everything.
            useless.push(name);
        } else {
            opened.extend(places);
            let secret = secret.to_owned();
            beside.keys.push(Key {
                name,
                secret,
                profiles,
            });
        }
    }
    if !useless.is_empty() {
        let names = useless.join(", ");
        let what = format!("keys that open no endpoint are left out: {names}");
        beside.notes.push(what);
    }
    if !unusable.is_empty() {
        let names = unusable.join(", ");
        beside.lost(format!(
            "keys that are not surely active, are there twice or cannot be tokens (at least \
             {SHORTEST_TOKEN} letters, digits and '_-.~+/') are left out: {names}"
        ));
    }
    opened
}

fn is_said_off(row: &Object<'_>) -> bool {
    let flag = row.get_boolean("is_active");
    flag.is_some_and(|flag| !flag.value)
}

/// A dump without the column is of a version that had none.
fn is_said_on(row: &Object<'_>) -> bool {
    row.get("is_active").is_none() || row.get_boolean("is_active").is_some()
}

/// Whether a file of tokens takes it, on a line with other words: no comment, no assignment.
fn is_token(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.~+/".contains(c);
    text.len() >= SHORTEST_TOKEN && !bare.is_empty() && bare.chars().all(is_plain)
}

/// A name of letters, digits, `_` and `-`, with a number where it is there already.
fn named(text: &str, names: &mut BTreeMap<String, usize>) -> String {
    let letters = text.chars().take(50).map(|c| match c {
        c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c,
        _ => '-',
    });
    let letters: String = letters.collect();
    let name = letters.trim_matches('-');
    let name = if name.is_empty() { "key" } else { name }.to_owned();
    let count = names.entry(name.clone()).or_default();
    *count += 1;
    match *count {
        1 => name,
        count => format!("{name}-{count}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_token_or_it_is_left_out() {
        assert!(is_token("sk_mt_not_a_real_key"));
        assert!(is_token("MDEyMzQ1Njc4OWFiY2RlZg=="));
        for text in [
            "",
            "x",
            "================",
            "sk_mt_0123456789 profile=work",
            "sk_mt_0123456789\nother",
            "#0123456789abcdef",
            "\"0123456789abcdef\"",
            "NAME=0123456789abcdef",
            "sk_mt_0123456789ü",
        ] {
            assert!(!is_token(text), "{text}");
        }
    }
}
