//! What of a server clients see, and as what: the fields `tools`, `prompts`, `resources`, `names`,
//! `instructions` and `on_changed_tools` of an entry. Whatever is wrong in them refuses the entry: what somebody meant to keep
//! from clients is not opened by a slip.

use std::collections::BTreeMap;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::error::quoted;
use super::fields::{self, Use};
use super::filters::{self, Lists};
use super::notes::{Finding, Notes};
use super::patterns::Patterns;
use super::values::{self, Field, Fields};

/// What of a server clients see, and as what. Everything goes by the server's own names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Which tools.
    pub tools: Patterns,
    /// Which prompts.
    pub prompts: Patterns,
    /// Which resources, by their URIs, and which templates, by their texts.
    pub resources: Patterns,
    /// What tools are called instead.
    pub rename: BTreeMap<Box<str>, Box<str>>,
    /// What is said of tools instead.
    pub overrides: BTreeMap<Box<str>, Override>,
    /// How names are written; what the gateway says, if the entry does not.
    pub names: Option<Naming>,
    /// What models are told of the server.
    pub instructions: Instructions,
    /// What becomes of tools that it defines in another way than before.
    pub on_changed_tools: OnChangedTools,
}

/// What becomes of tools that a server defines in another way than before, although its entry is the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnChangedTools {
    /// They are offered as they are now, and that is said.
    #[default]
    Offer,
    /// They are offered as they were, and new ones not at all, until somebody approves them.
    Hold,
}

/// How the names of tools and prompts are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Naming {
    /// As the server has them.
    #[default]
    Own,
    /// So that no client breaks on them.
    Safe,
}

/// What models are told of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Instructions {
    /// What it says itself.
    #[default]
    Own,
    /// Nothing.
    None,
    /// This.
    Text(Box<str>),
}

/// Members of a tool that are set, each with its value as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Override {
    /// `title` and `description`.
    pub members: Vec<(&'static str, String)>,
    /// Those of its `annotations`; others that it has stay.
    pub annotations: Vec<(&'static str, String)>,
}

impl View {
    /// The fields in which both differ, as the file calls them.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let tools = |view: &Self| {
            let View {
                tools,
                rename,
                overrides,
                ..
            } = view;
            (tools.clone(), rename.clone(), overrides.clone())
        };
        [
            ("tools", tools(self) != tools(other)),
            ("prompts", self.prompts != other.prompts),
            ("resources", self.resources != other.resources),
            ("names", self.names != other.names),
            ("instructions", self.instructions != other.instructions),
            (
                "on_changed_tools",
                self.on_changed_tools != other.on_changed_tools,
            ),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }
}

/// Renamed and overridden tools of an entry, at most, and the bytes of a text that is put in.
const MOST: usize = 1000;
const LONGEST_TEXT: usize = 64 * 1024;
/// Models' APIs take no longer names.
const LONGEST_NAME: usize = 64;

pub(super) const LISTS: [(&str, Use); 2] = [("allow", Use::Read), ("deny", Use::Read)];
const TOOLS: [(&str, Use); 4] = [
    ("allow", Use::Read),
    ("deny", Use::Read),
    ("rename", Use::Read),
    ("override", Use::Read),
];
const OVERRIDE: [(&str, Use); 3] = [
    ("title", Use::Read),
    ("description", Use::Read),
    ("annotations", Use::Read),
];
/// MCP 2025-11-25, schema, `ToolAnnotations`.
const ANNOTATIONS: [(&str, Use); 5] = [
    ("title", Use::Read),
    ("readOnlyHint", Use::Read),
    ("destructiveHint", Use::Read),
    ("idempotentHint", Use::Read),
    ("openWorldHint", Use::Read),
];

/// What the entry says of it, in our words and in those of other programs.
pub(super) fn read(fields: &Fields<'_>, notes: &mut Notes) -> View {
    let mut view = View {
        names: naming(fields, notes),
        instructions: instructions(fields, notes),
        on_changed_tools: on_changed_tools(fields, notes),
        prompts: of_lists(fields, "prompts", notes),
        resources: of_lists(fields, "resources", notes),
        ..View::default()
    };
    let mut lists = filters::of_others(fields, notes);
    let own = fields.get("tools").filter(|field| is_ours(field.value));
    if let Some(tools) = own.and_then(|field| object(&field, &TOOLS, notes)) {
        lists.add(Lists::read(&tools, notes), &tools.at, notes);
        view.rename = rename(&tools, notes);
        view.overrides = overrides(&tools, notes);
    }
    view.tools = lists.into_patterns();
    view
}

/// Whether it is for us to read; a list is another program's.
pub(super) fn is_ours(tools: &Value<'_>) -> bool {
    tools.as_array().is_none()
}

/// The rules that `name` has, in an entry or in a profile.
pub(super) fn of_lists(fields: &Fields<'_>, name: &str, notes: &mut Notes) -> Patterns {
    let object = fields
        .get(name)
        .and_then(|field| object(&field, &LISTS, notes));
    let lists = object.map(|object| Lists::read(&object, notes));
    lists.unwrap_or_default().into_patterns()
}

/// An object that has only members of `table`.
fn object<'v>(
    field: &Field<'v, Value<'v>>,
    table: &[(&'static str, Use)],
    notes: &mut Notes,
) -> Option<Fields<'v>> {
    let Some(object) = values::fields(field) else {
        let what = format!("this must be an object, not {}", values::kind(field.value));
        let finding = Finding::error(field.at.clone(), what);
        notes.add(finding.help(format!("its members are {}", known(table))));
        return None;
    };
    values::repeated(object.object, &object.at, notes);
    for prop in &object.object.properties {
        let name = prop.name.as_str();
        let is_remark = fields::REMARKS.contains(&name);
        if fields::find(table, name).is_none() && !is_remark {
            let at = object.at.key(name, prop.name.start());
            let finding = Finding::error(at, format!("{} is not known here", quoted(name)));
            notes.add(finding.help(match fields::meant(table, name) {
                Some(meant) => format!("did you mean '{meant}'?"),
                None => format!("what is known is {}", known(table)),
            }));
        }
    }
    Some(object)
}

fn known(table: &[(&str, Use)]) -> String {
    let names = table.iter().map(|(name, _)| format!("\"{name}\""));
    names.collect::<Vec<_>>().join(", ")
}

/// The members of an object whose names are those of tools.
fn by_tool<'v>(
    tools: &Fields<'v>,
    name: &str,
    notes: &mut Notes,
) -> Vec<(&'v str, Field<'v, Value<'v>>)> {
    let Some(field) = tools.get(name) else {
        return Vec::new();
    };
    let refuse = |what: String| Finding::error(field.at.clone(), what);
    let Some(object) = values::fields(&field) else {
        let what = format!(
            "'{name}' must be an object, not {}",
            values::kind(field.value)
        );
        notes
            .add(refuse(what).help("its members have the names that the server has for its tools"));
        return Vec::new();
    };
    values::repeated(object.object, &object.at, notes);
    if object.object.properties.len() > MOST {
        let what = format!("'{name}' has more than {MOST} members");
        notes.add(refuse(what).help("leave out what may stay as the server has it"));
        return Vec::new();
    }
    let members = object.object.properties.iter().map(|prop| {
        let tool = prop.name.as_str();
        let at = object.at.key(tool, prop.value.start());
        (tool, Field::new(at, &prop.value))
    });
    members.collect()
}

fn rename(tools: &Fields<'_>, notes: &mut Notes) -> BTreeMap<Box<str>, Box<str>> {
    let mut renamed = BTreeMap::new();
    for (tool, field) in by_tool(tools, "rename", notes) {
        let Some(name) = values::text(&field, "rename", notes) else {
            continue;
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
            let what = format!("{} is no name for a tool", quoted(name));
            let help = format!(
                "write one of letters, digits, '_' and '-', at most {LONGEST_NAME} of them"
            );
            notes.add(Finding::error(field.at, what).help(help));
            continue;
        }
        renamed.insert(tool.into(), name.into());
    }
    renamed
}

fn overrides(tools: &Fields<'_>, notes: &mut Notes) -> BTreeMap<Box<str>, Override> {
    let mut overrides = BTreeMap::new();
    for (tool, field) in by_tool(tools, "override", notes) {
        if let Some(object) = object(&field, &OVERRIDE, notes) {
            overrides.insert(tool.into(), of_tool(&object, notes));
        }
    }
    overrides
}

fn of_tool(object: &Fields<'_>, notes: &mut Notes) -> Override {
    let mut read = Override::default();
    for name in ["title", "description"] {
        let text = object.get(name).and_then(|field| text(&field, name, notes));
        read.members.extend(text.map(|text| (name, json(text))));
    }
    let annotations = object.get("annotations");
    let annotations = annotations.and_then(|field| self::object(&field, &ANNOTATIONS, notes));
    for (name, _) in ANNOTATIONS {
        let Some(field) = annotations.as_ref().and_then(|object| object.get(name)) else {
            continue;
        };
        let value = if name == "title" {
            text(&field, name, notes).map(json)
        } else {
            values::flag(&field, name, notes).map(|flag| flag.to_string())
        };
        read.annotations.extend(value.map(|value| (name, value)));
    }
    read
}

fn text<'v>(field: &Field<'v, Value<'v>>, name: &str, notes: &mut Notes) -> Option<&'v str> {
    let text = values::text(field, name, notes)?;
    if text.len() <= LONGEST_TEXT {
        return Some(text);
    }
    let what = format!("'{name}' has more than {LONGEST_TEXT} bytes");
    notes.add(Finding::error(field.at.clone(), what).help("models read all of it: shorten it"));
    None
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// How names are written, if the object says so.
pub(super) fn naming(fields: &Fields<'_>, notes: &mut Notes) -> Option<Naming> {
    let field = fields.get("names")?;
    match values::text(&field, "names", notes)? {
        "own" => Some(Naming::Own),
        "safe" => Some(Naming::Safe),
        other => {
            let what = format!("'names' is {}, which is not known", quoted(other));
            let help = r#"write "own" (as the server has them) or "safe" (so that no client breaks on them)"#;
            notes.add(Finding::error(field.at, what).help(help));
            None
        }
    }
}

fn on_changed_tools(fields: &Fields<'_>, notes: &mut Notes) -> OnChangedTools {
    let Some(field) = fields.get("on_changed_tools") else {
        return OnChangedTools::default();
    };
    match values::text(&field, "on_changed_tools", notes) {
        Some("offer") => OnChangedTools::Offer,
        Some("hold") | None => OnChangedTools::Hold,
        Some(other) => {
            let what = format!(
                "'on_changed_tools' is {}, which is not known",
                quoted(other)
            );
            let help = r#"write "offer" (clients see them as they are now) or "hold" (as they were, until they are approved)"#;
            notes.add(Finding::error(field.at, what).help(help));
            OnChangedTools::Hold
        }
    }
}

/// What models are told, by an entry or by a profile.
pub(super) fn instructions(fields: &Fields<'_>, notes: &mut Notes) -> Instructions {
    let Some(field) = fields.get("instructions") else {
        return Instructions::Own;
    };
    if let Some(flag) = field.value.as_boolean_lit() {
        return if flag.value {
            Instructions::Own
        } else {
            Instructions::None
        };
    }
    if field.value.as_string_lit().is_none() {
        let kind = values::kind(field.value);
        let what = format!("'instructions' must be true, false or a text, not {kind}");
        let help = "a text stands for what servers say of themselves, false for nothing";
        notes.add(Finding::error(field.at, what).help(help));
        return Instructions::Own;
    }
    match text(&field, "instructions", notes) {
        Some(text) if text.trim().is_empty() => Instructions::None,
        Some(text) => Instructions::Text(text.into()),
        None => Instructions::Own,
    }
}
