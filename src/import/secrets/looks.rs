//! How secrets look: the names of settings, the beginnings of keys of services, and what nobody would
//! write in an address otherwise. Rather one too many: what is moved still has its effect.

use std::borrow::Cow;

use crate::config::is_named_secret;

/// How keys of services begin, with at least so much after it.
const STARTS: [&str; 32] = [
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxa-",
    "xoxb-",
    "xoxe.",
    "xoxp-",
    "xoxs-",
    "xapp-",
    "ntn_",
    "secret_",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "hf_",
    "npm_",
    "pypi-",
    "shpat_",
    "lin_api_",
    "whsec_",
    "tvly-",
    "gsk_",
    "dop_v1_",
];
const AFTER_START: usize = 12;

/// A part of an address from this length on that mixes letters and digits is a key.
const OPAQUE: usize = 20;

/// As long as the name of a setting is looked at.
const LONGEST_NAME: usize = 64;

/// Whether it has one in it: a key of a service, an address with a password or a key, or a setting of
/// such a name with a value.
pub(super) fn is_secret(text: &str) -> bool {
    let is_between = |c: char| c.is_whitespace() || "\"'`,;|()[]{}<>=".contains(c);
    text.split(is_between).any(is_key)
        || text.split(char::is_whitespace).any(is_open_address)
        || text.split(is_between).any(is_open_address)
        || has_setting(text)
        || defaults(text).any(is_key)
}

/// What is written out in references: `${NAME:-default}`.
fn defaults(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split(":-").skip(1);
    after.map(|after| after.split('}').next().unwrap_or_default())
}

/// The same for a part of an address.
pub(super) fn is_part_secret(text: &str) -> bool {
    let mut parts = text.split(['/', '?', '&', '=']);
    parts.any(|part| is_key(part) || is_opaque(part))
}

fn is_key(text: &str) -> bool {
    STARTS.iter().any(|start| {
        let rest = text.strip_prefix(start);
        rest.is_some_and(|rest| rest.len() >= AFTER_START)
    })
}

/// Letters and digits, mixed, and longer than a word.
fn is_opaque(text: &str) -> bool {
    let mut parts = text.split(['.', ':', '@', '=']);
    parts.any(|part| {
        part.len() >= OPAQUE
            && part.bytes().any(|b| b.is_ascii_digit())
            && part.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

fn is_open_address(text: &str) -> bool {
    text.contains("://") && url::Url::parse(text).is_ok_and(|url| is_open(&url))
}

fn is_open(url: &url::Url) -> bool {
    let is_kept = |text: &str| is_key(text) || is_opaque(text);
    let is_asked = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
        !is_reference(&value) && (is_named_secret(&name) && !value.is_empty() || is_kept(&value))
    };
    let segments = || url.path_segments().into_iter().flatten();
    // Whoever knows the address of a hook may use it.
    let host = url.host_str().unwrap_or_default();
    let is_hook = host.starts_with("hooks.") || segments().any(|s| s.starts_with("webhook"));
    url.password()
        .is_some_and(|password| !is_reference(password))
        || is_kept(url.username())
        || url.query_pairs().any(is_asked)
        || segments().any(is_kept)
        || (is_hook && segments().filter(|segment| !segment.is_empty()).count() > 1)
}

/// `NAME=value`, `"name": "value"` and `Name: value` anywhere in a text, as scripts, connection strings
/// and JSON have them.
fn has_setting(text: &str) -> bool {
    let mut marks = text.match_indices(['=', ':']);
    marks.any(|(at, mark)| {
        let (before, after) = text.split_at(at);
        let after = after.strip_prefix(mark).unwrap_or_default();
        let bare = before.trim_end_matches(is_around);
        // `key:asc` is no setting.
        let is_mark = mark == "=" || bare.len() < before.len() || after.starts_with(is_around);
        let name: String = bare
            .chars()
            .rev()
            .take(LONGEST_NAME)
            .take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
            .collect();
        let name: String = name.chars().rev().collect();
        let value = after.trim_start_matches(is_around);
        let scheme = ["Bearer ", "Basic ", "Token "].iter();
        let value = scheme.fold(value, |value, scheme| {
            value.strip_prefix(scheme).unwrap_or(value)
        });
        let has_value =
            !value.is_empty() && !value.starts_with([',', ';', '{', '}', '&', '=', ':']);
        is_mark && has_value && !is_reference(value) && is_named_secret(&name)
    })
}

fn is_around(c: char) -> bool {
    matches!(c, ' ' | '\t' | '"' | '\'' | '\\')
}

/// Whether what comes is filled in from somewhere.
fn is_reference(value: &str) -> bool {
    value.starts_with('$') || value.starts_with("{{") || value.starts_with("%7B%7B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen_in_addresses_scripts_and_json() {
        for text in [
            "https://mcp.zapier.com/api/mcp/s/Zm9vYmFyMTIzNDU2Nzg5MGFi/mcp",
            "https://host/s/sk-0123456789abcdef/mcp",
            "https://hooks.slack.com/services/T00/B00/XXXX",
            "https://ghp_0123456789abcdef@host/x",
            "https://host/x?u=550e8400-e29b-41d4-a716-446655440000",
            "Server=db;User=sa;Password=hunter2;",
            "{\"apiKey\": \"x1\"}",
            "{\\\"apiKey\\\":\\\"x1\\\"}",
            "export TOKEN=abc; exec npx foo",
            "Authorization: Bearer abc",
            "curl https://host/x?token=abc",
            "${GITHUB:-ghp_0123456789abcdef}",
        ] {
            assert!(is_secret(text), "{text}");
        }
        for text in [
            "https://host/api/v1/mcp",
            "https://registry.npmjs.org/@modelcontextprotocol/server-everything",
            "--sort=key:asc",
            "export TOKEN=$TOKEN",
            "{\"Authorization\": \"Bearer ${TOKEN}\"}",
            "token=",
            "{\"keys\": {}}",
            "",
        ] {
            assert!(!is_secret(text), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_looked_at_once() {
        for piece in ["key: ", "=", "a", "\"", " ", "key=,", "://"] {
            is_secret(&piece.repeat(50_000));
        }
    }
}
