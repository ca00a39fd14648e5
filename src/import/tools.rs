//! Which tools, prompts and resources are shown: from other programs' ways to say it.

use std::collections::HashSet;

use jsonc_parser::ast::{Object, Value};

use super::means::{Filter, Thing};
use super::server::{Changed, Server, Shown};
use crate::config::notes::{At, Finding, Notes};
use crate::config::values::{Field, kind};

/// Reads one filter into `server`. What cannot be understood is an error: it may hide something.
pub(super) fn read(
    filter: Filter,
    thing: Thing,
    field: &Field<'_, Value<'_>>,
    server: &mut Server,
    notes: &mut Notes,
) {
    let prefix = server.name.clone();
    let shown = match thing {
        Thing::Tools => &mut server.tools,
        Thing::Prompts => &mut server.prompts,
        Thing::Resources => &mut server.resources,
    };
    let outcome = match filter {
        Filter::Allow => texts(field.value).map(|names| allow(shown, names)),
        Filter::AllowUnlessEmpty => texts(field.value).map(|names| {
            if !names.is_empty() {
                allow(shown, names);
            }
        }),
        Filter::Deny => texts(field.value).map(|names| names.iter().for_each(|n| shown.hide(n))),
        Filter::Switches => switches(field.value, &prefix, shown),
        Filter::Mode => mode(field.value, shown),
    };
    if outcome.is_none() {
        let what = format!(
            "what this hides is not understood: {} is not expected here",
            kind(field.value)
        );
        let help =
            "write it into the file that is made, as \"tools\": {\"allow\": […], \"deny\": […]}";
        notes.add(Finding::error(At::clone(&field.at), what).help(help));
    }
}

/// Of two lists of what is shown, what is in both.
fn allow(shown: &mut Shown, names: Vec<String>) {
    if names.iter().any(|name| name == "*") {
        return;
    }
    match &mut shown.allow {
        Some(allowed) => {
            let names: HashSet<String> = names.into_iter().collect();
            allowed.retain(|name| names.contains(name));
        }
        None => shown.allow = Some(names),
    }
}

/// A list of texts, or one; of Gemini CLI's `tool(arguments)` the tool.
fn texts(value: &Value<'_>) -> Option<Vec<String>> {
    let bare = |text: &str| text.split('(').next().unwrap_or_default().to_owned();
    match value {
        Value::StringLit(text) => Some(vec![bare(&text.value)]),
        Value::Array(list) => {
            let text = |value: &Value<'_>| Some(bare(&value.as_string_lit()?.value));
            list.elements.iter().map(text).collect()
        }
        Value::NullKeyword(_) => Some(Vec::new()),
        Value::Object(_) | Value::NumberLit(_) | Value::BooleanLit(_) => None,
    }
}

/// `{"a": false}`, `{"a": {"enabled": false, "description": "…"}}`, and a list of what is shown.
fn switches(value: &Value<'_>, server: &str, shown: &mut Shown) -> Option<()> {
    match value {
        Value::Object(object) => object.properties.iter().try_for_each(|prop| {
            let name = own(prop.name.as_str(), server);
            match &prop.value {
                Value::BooleanLit(flag) => {
                    if !flag.value {
                        shown.hide(name);
                    }
                }
                Value::Object(tool) => {
                    if is_off(tool)? {
                        shown.hide(name);
                    }
                    describe(tool, name, shown);
                }
                Value::NullKeyword(_) => {}
                Value::StringLit(_) | Value::NumberLit(_) | Value::Array(_) => return None,
            }
            Some(())
        }),
        Value::Array(list) if list.elements.iter().all(|tool| tool.as_object().is_some()) => {
            list.elements.iter().try_for_each(|tool| {
                let tool = tool.as_object()?;
                if is_off(tool)? {
                    shown.hide(own(&tool.get_string("name")?.value, server));
                    return Some(());
                }
                // What a registry knows of tools is no wish; a bare name may be one.
                let members = ["enabled", "disabled", "description", "inputSchema"];
                members
                    .iter()
                    .any(|member| tool.get(member).is_some())
                    .then_some(())
            })
        }
        Value::Array(_) => texts(value).map(|names| allow(shown, names)),
        Value::NullKeyword(_) => Some(()),
        Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_) => None,
    }
}

/// Whether a tool is switched off; `None` if it says so in a way that is not understood.
fn is_off(tool: &Object<'_>) -> Option<bool> {
    let mut is_off = false;
    for (field, off) in [("enabled", false), ("disabled", true)] {
        match tool.get(field).map(|prop| &prop.value) {
            Some(Value::BooleanLit(flag)) => is_off |= flag.value == off,
            Some(Value::NullKeyword(_)) | None => {}
            Some(
                Value::StringLit(_) | Value::NumberLit(_) | Value::Object(_) | Value::Array(_),
            ) => return None,
        }
    }
    Some(is_off)
}

fn describe(tool: &Object<'_>, name: &str, shown: &mut Shown) {
    let text = tool
        .get_string("description")
        .map(|text| text.value.to_string());
    if let Some(description) = text.filter(|text| !text.is_empty()) {
        let description = Some(description);
        let changed = Changed {
            description,
            ..Changed::default()
        };
        shown.changed.insert(name.to_owned(), changed);
    }
}

/// A tool's own name, where the program writes the server's before it.
fn own<'n>(name: &'n str, server: &str) -> &'n str {
    let rest = name.strip_prefix(server);
    let separators = ["::", "__", "-"];
    let found = rest.and_then(|rest| separators.iter().find_map(|s| rest.strip_prefix(s)));
    found.filter(|own| !own.is_empty()).unwrap_or(name)
}

/// `{"mode": "allow", "list": […]}`.
fn mode(value: &Value<'_>, shown: &mut Shown) -> Option<()> {
    let object = match value {
        Value::Object(object) => object,
        Value::NullKeyword(_) => return Some(()),
        Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_) | Value::Array(_) => {
            return None;
        }
    };
    let list = object.get("list").map(|prop| texts(&prop.value));
    let names = list.unwrap_or(Some(Vec::new()))?;
    let mode = object
        .get_string("mode")
        .map(|mode| mode.value.to_ascii_lowercase());
    match mode.as_deref() {
        Some("allow") => allow(shown, names),
        Some("block" | "deny") => names.iter().for_each(|name| shown.hide(name)),
        // Without a mode its program filters nothing.
        None if names.is_empty() => {}
        Some(_) | None => return None,
    }
    Some(())
}
