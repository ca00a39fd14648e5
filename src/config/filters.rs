//! What is allowed and what is denied, in our words and in those of other programs whose meaning is
//! certain. What else seems to keep tools from clients is not guessed at: to offer what somebody had
//! kept back is worse than not to run the server, and the entry is refused with words.

use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::error::quoted;
use super::fields;
use super::notes::{At, Finding, Notes};
use super::patterns::{self, Patterns};
use super::values::{self, Field, Fields};
use super::view;

/// Patterns of names, as they are read.
#[derive(Default)]
pub(super) struct Lists {
    allow: Option<Vec<String>>,
    deny: Vec<String>,
}

impl Lists {
    /// Reads `allow` and `deny` of an object.
    pub(super) fn read(object: &Fields<'_>, notes: &mut Notes) -> Self {
        values::refuse_nulls(object, |name| ["allow", "deny"].contains(&name), notes);
        let mut list = |name| {
            let field = object.get(name)?;
            Some(patterns::texts(&field, name, notes))
        };
        let (allow, deny) = (list("allow"), list("deny").unwrap_or_default());
        Self { allow, deny }
    }

    /// Takes those in, which stand at `at`.
    pub(super) fn add(&mut self, more: Self, at: &At, notes: &mut Notes) {
        self.deny.extend(more.deny);
        if self.allow.is_some() && more.allow.is_some() {
            let what = "what is allowed is said twice in this entry";
            let help = "keep \"tools\": {\"allow\": […]} alone";
            notes.add(Finding::error(at.clone(), what).help(help));
        }
        self.allow = more.allow.or(self.allow.take());
    }

    pub(super) fn into_patterns(self) -> Patterns {
        Patterns::new(self.allow, self.deny)
    }
}

/// Our own fields for what is kept from clients.
const OURS: [&str; 3] = ["tools", "prompts", "resources"];
/// Words for a list of names that are shown, and of those that are not: of Gemini CLI, Codex, Copilot
/// CLI, Roo and Windsurf.
const ALLOWS: [&str; 3] = ["includetools", "enabledtools", "tools"];
const DENIES: [&str; 2] = ["excludetools", "disabledtools"];
/// The `mcp-proxy` of `TBXark` has `{"mode": "allow", "list": […]}`, in `options`.
const FILTER: &str = "toolfilter";
const OPTIONS: &str = "options";

/// What other programs' fields say of tools.
pub(super) fn of_others(fields: &Fields<'_>, notes: &mut Notes) -> Lists {
    let mut lists = Lists::default();
    let is_filter = |name: &str| {
        let plain = fields::plain(name);
        let others = [&ALLOWS[..], &DENIES, &[FILTER]].concat();
        OURS.contains(&name) || plain != "tools" && others.contains(&&*plain)
    };
    values::refuse_nulls(fields, is_filter, notes);
    for prop in &fields.object.properties {
        let name = prop.name.as_str();
        let at = fields.at.key(name, prop.value.start());
        let said = if is_options(prop) {
            let inner = prop.value.as_object().into_iter();
            let mut inner = inner.flat_map(|options| &options.properties);
            inner.find_map(|prop| of_one(prop, &at, notes))
        } else {
            of_one(prop, &fields.at, notes)
        };
        if let Some(said) = said {
            lists.add(said, &at, notes);
        }
    }
    lists
}

/// What a field says, if that is certain.
fn of_one(prop: &ObjectProp<'_>, object: &At, notes: &mut Notes) -> Option<Lists> {
    if !is_certain(prop) {
        return None;
    }
    let name = prop.name.as_str();
    let at = object.key(name, prop.value.start());
    let field = Field::new(at, &prop.value);
    let plain = fields::plain(name);
    let mut said = Lists::default();
    if let Some((allows, list)) = mode(&prop.value) {
        let field = Field::new(field.at.key("list", list.start()), list);
        let list = patterns::texts(&field, "list", notes);
        if allows {
            said.allow = Some(list);
        } else {
            said.deny = list;
        }
    } else if DENIES.contains(&&*plain) {
        said.deny = patterns::texts(&field, name, notes);
    } else {
        said.allow = Some(patterns::texts(&field, name, notes));
    }
    Some(said)
}

/// Whether what a filter means is certain, by its word and its shape.
fn is_certain(prop: &ObjectProp<'_>) -> bool {
    let plain = fields::plain(prop.name.as_str());
    let plain = &&*plain;
    match &prop.value {
        // One of objects is what a registry knows of them.
        Value::Array(list) if *plain == "tools" => {
            let is_text = |value: &Value<'_>| value.as_string_lit().is_some();
            list.elements.iter().all(is_text)
        }
        Value::Array(_) => ALLOWS.contains(plain) || DENIES.contains(plain),
        Value::Object(_) => *plain == FILTER && mode(&prop.value).is_some(),
        Value::StringLit(_)
        | Value::NumberLit(_)
        | Value::BooleanLit(_)
        | Value::NullKeyword(_) => false,
    }
}

/// Whether the list of a filter is of what is shown, and the list. One without names filters nothing
/// there.
fn mode<'p, 'v>(filter: &'p Value<'v>) -> Option<(bool, &'p Value<'v>)> {
    let object = filter.as_object()?;
    let list = &object.get("list")?.value;
    let names = list.as_array()?;
    let mode = object.get_string("mode")?.value.to_ascii_lowercase();
    let allows = match &*mode {
        "allow" => true,
        "block" => false,
        _ => return None,
    };
    (!names.elements.is_empty()).then_some((allows, list))
}

/// Whether a field is another program's object with a filter in it.
pub(crate) fn is_options(prop: &ObjectProp<'_>) -> bool {
    let is_filter = |inner: &ObjectProp<'_>| fields::plain(inner.name.as_str()) == FILTER;
    let object = prop.value.as_object();
    fields::plain(prop.name.as_str()) == OPTIONS
        && object.is_some_and(|object| object.properties.iter().any(is_filter))
}

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

/// Whether a field is a filter, by its name or as a slip for one of ours.
pub(crate) fn is_filter(prop: &ObjectProp<'_>) -> bool {
    let plain = fields::plain(prop.name.as_str());
    let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    ALONE.contains(&&*plain)
        || (has(THINGS) && has(WORDS) && !has(APPROVALS))
        || misspelt(prop).is_some()
        || is_slip(prop)
}

/// The field of ours that this is in another spelling: `Tools`, `tools_`.
fn misspelt(prop: &ObjectProp<'_>) -> Option<&'static str> {
    let name = prop.name.as_str();
    let plain = fields::plain(name);
    let ours = OURS.into_iter().find(|ours| *ours == plain)?;
    (name != ours && !is_certain(prop)).then_some(ours)
}

/// `"tolos": {"deny": […]}` would show what is meant to be hidden.
fn is_slip(prop: &ObjectProp<'_>) -> bool {
    let name = prop.name.as_str();
    let plain = fields::plain(name);
    let is_near = |word: &&str| fields::is_near(&plain, word);
    let has_lists = prop.value.as_object().is_some_and(|object| {
        let names = object.properties.iter().map(|prop| prop.name.as_str());
        let is_list = |plain: String| ["allow", "deny", "rename", "override"].contains(&&*plain);
        names.map(fields::plain).any(is_list)
    });
    has_lists && fields::find(fields::ENTRY, name).is_none() && OURS.iter().any(is_near)
}

/// What is to be said about a filter that would keep something from clients and is not obeyed.
pub(super) fn refusal(prop: &ObjectProp<'_>, at: At) -> Option<Finding> {
    let name = prop.name.as_str();
    if let Some(ours) = misspelt(prop) {
        let what = format!(
            "{} may limit what the server offers, and is not read",
            quoted(name)
        );
        return Some(Finding::error(at, what).help(format!("did you mean '{ours}'?")));
    }
    let plain = fields::plain(name);
    let is_obeyed = is_certain(prop) || plain == "tools" && view::is_ours(&prop.value);
    (!is_obeyed && asks_for_something(&plain, &prop.value)).then(|| {
        let what = format!(
            "{} limits what the server offers, in a way that mcproxy does not know; the server is not run \
             with everything",
            quoted(name)
        );
        let help = "write \"tools\": {\"allow\": […]} or {\"deny\": […]}, or remove the field if all of it may be offered";
        Finding::error(at, what).help(help)
    })
}

/// Whether it would keep something from clients, obeyed as it is meant.
pub(crate) fn asks_for_something(plain: &str, value: &Value<'_>) -> bool {
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
