//! Other programs' switches for single tools. They cannot be honoured yet, and to offer what somebody
//! had kept from clients is worse than not to run the server: the entry is refused with words.

use jsonc_parser::ast::{ObjectProp, Value};

use super::error::quoted;
use super::fields;
use super::notes::{At, Finding};

/// What a filter is about.
const THINGS: &[&str] = &["tool", "prompts", "resources"];

/// What it does with it. A list that is empty lets nothing through for the first ones.
const WORDS: &[&str] = &[
    "include",
    "enable",
    "allow",
    "available",
    "block",
    "deny",
    "denied",
    "disable",
    "disallow",
    "exclude",
    "expose",
    "filter",
    "forbid",
    "hidden",
    "hide",
    "ignore",
    "omit",
    "only",
    "permit",
    "reject",
    "remove",
    "restrict",
    "select",
    "skip",
    "suppress",
    "whitelist",
    "blacklist",
];
const LETS_THROUGH: &[&str] = &["include", "enable"];

/// The same without a word for what it is about.
const ALONE: &[&str] = &[
    "tools",
    "allow",
    "allowlist",
    "block",
    "blocklist",
    "blacklist",
    "deny",
    "denylist",
    "exclude",
    "filter",
    "filters",
    "include",
    "whitelist",
];

/// Approvals are between a client and its user.
const APPROVALS: &[&str] = &["approv", "always", "auto", "confirm", "trust", "timeout"];

/// Whether a field is a filter by its name.
pub(super) fn is_filter(name: &str) -> bool {
    let plain = fields::plain(name);
    let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    ALONE.contains(&&*plain) || (has(THINGS) && has(WORDS) && !has(APPROVALS))
}

/// What is to be said about a filter that would keep something from clients.
pub(super) fn refusal(prop: &ObjectProp<'_>, at: At) -> Option<Finding> {
    let name = prop.name.as_str();
    asks_for_something(&fields::plain(name), &prop.value).then(|| {
        let what = format!(
            "{} limits what the server offers, which mcproxy cannot do; the server is not run with everything",
            quoted(name)
        );
        Finding::error(at, what).help("remove the field if all of it may be offered, or write \"enabled\": false")
    })
}

fn asks_for_something(plain: &str, value: &Value<'_>) -> bool {
    let lets_through = LETS_THROUGH.iter().any(|word| plain.starts_with(word));
    let keeps_out = !lets_through && !plain.starts_with("allow") && plain != "tools";
    let is_all = |text: &str| !keeps_out && text == "*";
    match value {
        Value::Array(list) => {
            let is_all_of_them = |value: &Value<'_>| {
                let text = value.as_string_lit();
                text.is_some_and(|text| is_all(&text.value)) || is_description(value)
            };
            if list.elements.is_empty() {
                lets_through
            } else {
                !list.elements.iter().any(is_all_of_them)
            }
        }
        Value::Object(object) => !object.properties.is_empty(),
        Value::StringLit(text) => !text.value.is_empty() && !is_all(&text.value),
        Value::BooleanLit(_) | Value::NumberLit(_) | Value::NullKeyword(_) => false,
    }
}

/// What a registry knows of a tool: no wish.
fn is_description(value: &Value<'_>) -> bool {
    let tells = |object: &jsonc_parser::ast::Object<'_>| {
        ["description", "inputSchema"]
            .iter()
            .any(|member| object.get(member).is_some())
    };
    value.as_object().is_some_and(tells)
}
