//! Keys of endpoints: each becomes a line in a file of tokens, if it can be one there.

use std::collections::{BTreeSet, HashMap, HashSet};

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
    fn line(&self, name: &str) -> String {
        let profiles = self.profiles.iter();
        let profiles: Vec<String> = profiles.map(|name| format!(" profile={name}")).collect();
        let profiles = profiles.concat();
        format!("{} name={name}{profiles}\n", self.secret)
    }
}

/// The lines of those of `keys` that are not in the file `there` yet, each with a name of its own. Answers
/// the names of keys that are left out too: a second line of a token may not say anything else.
pub(in crate::import) fn lines<'k>(keys: &'k [Key], there: &str) -> (String, Vec<&'k str>) {
    let tokens = there
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let tokens: HashSet<&str> = tokens.collect();
    let words = there.split_whitespace();
    let mut names: HashSet<String> = words
        .filter_map(|word| word.strip_prefix("name="))
        .map(str::to_owned)
        .collect();
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut written: HashMap<&str, &Key> = HashMap::new();
    let (mut lines, mut different) = (String::new(), Vec::new());
    for key in keys.iter().filter(|key| !tokens.contains(&*key.secret)) {
        let first = *written.entry(&key.secret).or_insert(key);
        if !std::ptr::eq(first, key) {
            different.extend((first.profiles != key.profiles).then_some(&*key.name));
            continue;
        }
        let number = numbers.entry(&key.name).or_insert(1);
        let name = loop {
            let name = match *number {
                1 => key.name.clone(),
                number => format!("{}-{number}", key.name),
            };
            *number += 1;
            if !names.contains(&name) {
                break name;
            }
        };
        lines += &key.line(&name);
        names.insert(name);
    }
    (lines, different)
}

/// The active keys, each with the endpoints it opened: a public one the public endpoints, a user's
/// those and the user's own, unless it takes no keys. Answers the places of the endpoints that one opens.
pub(super) fn carry(
    root: &Value<'_>,
    endpoints: &[Endpoint<'_>],
    beside: &mut Beside,
) -> BTreeSet<usize> {
    let mut opened = BTreeSet::new();
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
        let name = named(text(row, "name").unwrap_or_default());
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

/// A name of letters, digits, `_` and `-`.
fn named(text: &str) -> String {
    let letters = text.chars().take(50).map(|c| match c {
        c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c,
        _ => '-',
    });
    let letters: String = letters.collect();
    let name = letters.trim_matches('-');
    if name.is_empty() { "key" } else { name }.to_owned()
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

    #[test]
    fn no_two_keys_have_one_name() {
        let key = |name: &str, number: usize| Key {
            name: name.to_owned(),
            secret: format!("sk_mt_{number:016}"),
            profiles: vec!["work".to_owned()],
        };
        let keys = [key("a", 1), key("a", 2), key("a-2", 3), key("a", 4)];
        let names = |there: &str| {
            let (lines, _) = lines(&keys, there);
            let names = lines.lines().filter_map(|line| line.split(' ').nth(1));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["name=a", "name=a-2", "name=a-2-2", "name=a-3"]);
        let there = "0123456789abcdef name=a profile=x\nsk_mt_0000000000000002 name=a-3";
        assert_eq!(names(there), ["name=a-2", "name=a-2-2", "name=a-4"]);
    }

    #[test]
    fn a_token_is_written_once() {
        let key = |profile: &str| Key {
            name: profile.to_owned(),
            secret: "sk_mt_0123456789".to_owned(),
            profiles: vec![profile.to_owned()],
        };
        let line = "sk_mt_0123456789 name=a profile=a\n";
        let keys = [key("a"), key("a"), key("b")];
        assert_eq!(lines(&keys, ""), (line.to_owned(), vec!["b"]));
    }
}
