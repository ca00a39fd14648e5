//! The shapes a file may have: told apart by what is in them, read as a list of entries in the
//! order of the file. Nothing is judged here but the shape.
//!
//! | shape | whose |
//! |---|---|
//! | `{"servers": [{"name": …}]}` | ours |
//! | `[{"name": …}]` | ours, short |
//! | `{"mcpServers": {"name": {…}}}` | Claude Desktop, Claude Code, Cursor, MetaMCP's export, … |
//! | `{"servers": {"name": {…}}}` | VS Code |
//! | `{"mcpServers": [{"name": …}]}` | mcpproxy-go |

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::elsewhere;
use super::error::quoted;
use super::fields::{self, Use};
use super::notes::{At, Finding, Notes};
use super::profiles::InFile;
use super::switch::{self, Lists};
use super::values::{Field, kind};

/// The entries of a file.
#[derive(Default)]
pub(super) struct File<'v> {
    pub(super) entries: Vec<RawEntry<'v>>,
    /// Whether MetaMCP wrote the file: it alone writes types in capitals.
    pub(super) is_from_metamcp: bool,
    /// Which servers it switches off outside of their entries.
    pub(super) lists: Lists<'v>,
    /// Settings of the gateway itself.
    pub(super) gateway: Option<Field<'v, Value<'v>>>,
    /// What is shown at addresses of their own.
    pub(super) profiles: InFile<'v>,
}

/// One entry as the file has it.
pub(super) struct RawEntry<'v> {
    /// Its name, where the shape has it outside the entry.
    pub(super) key: Option<Field<'v, str>>,
    /// The entry.
    pub(super) body: Field<'v, Value<'v>>,
}

/// Reads the shape. `None` (and an error in `notes`) if it is none of ours.
pub(super) fn read<'v>(root: &'v Value<'v>, notes: &mut Notes) -> Option<File<'v>> {
    let mut file = File::default();
    match root {
        Value::Array(_) => file.take_list(At::file(root.start()), root, notes)?,
        Value::Object(object) => file.take_object(object, notes)?,
        Value::StringLit(_)
        | Value::NumberLit(_)
        | Value::BooleanLit(_)
        | Value::NullKeyword(_) => {
            let what = format!("a configuration is an object or a list, not {}", kind(root));
            notes.add(Finding::error(At::file(root.start()), what).help(EXPECTED));
            return None;
        }
    }
    if file.entries.len() > MOST_ENTRIES {
        let count = file.entries.len();
        let what = format!("the configuration has {count} entries; {MOST_ENTRIES} can be read");
        notes.add(Finding::error(At::file(root.start()), what).help("remove the others"));
        return None;
    }
    file.is_from_metamcp = file
        .entries
        .iter()
        .any(|entry| is_metamcp(entry.body.value));
    Some(file)
}

/// Twice as many as servers can be run: the others may be switched off.
const MOST_ENTRIES: usize = 20_000;

const EXPECTED: &str = r#"write {"servers": [{"name": "…", "command": "…", "args": […]}]}"#;

impl<'v> File<'v> {
    fn take_object(&mut self, object: &'v Object<'v>, notes: &mut Notes) -> Option<()> {
        let root = At::file(object.start());
        let is_list =
            |prop: &ObjectProp<'_>| matches!(prop.name.as_str(), "servers" | "mcpServers");
        if !object.properties.iter().any(is_list) {
            return without_servers(object, notes);
        }
        self.lists = Lists::read(object);
        let mut seen = Vec::new();
        for prop in &object.properties {
            let name = prop.name.as_str();
            if is_list(prop) {
                if seen.contains(&name) {
                    let what = format!("{} is here twice; both lists are used", quoted(name));
                    notes.add(Finding::warning(root.key(name, prop.name.start()), what));
                }
                seen.push(name);
                self.take_list(root.key(name, prop.value.start()), &prop.value, notes)?;
            } else if name == "gateway" {
                self.take_gateway(root.key(name, prop.value.start()), &prop.value, notes);
            } else if !self.take_profiles(&root, prop, notes) {
                notes_on_field(prop, &root, notes);
            }
        }
        Some(())
    }

    fn take_profiles(&mut self, root: &At, prop: &'v ObjectProp<'v>, notes: &mut Notes) -> bool {
        let name = prop.name.as_str();
        let at = root.key(name, prop.value.start());
        self.profiles.take(at, name, &prop.value, notes)
    }

    fn take_gateway(&mut self, at: At, value: &'v Value<'v>, notes: &mut Notes) {
        if self.gateway.is_some() {
            let finding = Finding::error(at, "'gateway' is here twice; the first is used");
            notes.add(finding.help("make one of the two"));
        } else if !matches!(value, Value::NullKeyword(_)) {
            self.gateway = Some(Field::new(at, value));
        }
    }

    fn take_list(&mut self, at: At, list: &'v Value<'v>, notes: &mut Notes) -> Option<()> {
        match list {
            Value::Array(list) => {
                let bodies = list.elements.iter().enumerate();
                self.entries.extend(bodies.map(|(index, value)| RawEntry {
                    key: None,
                    body: Field::new(at.index(index, value.start()), value),
                }));
                Some(())
            }
            Value::Object(object) => {
                let props = object.properties.iter();
                let props = props.filter(|prop| !is_comment(prop, &at, notes));
                self.entries.extend(props.map(|prop| {
                    let name = prop.name.as_str();
                    let key = Field::new(at.key(name, prop.name.start()), name);
                    let body = Field::new(at.key(name, prop.value.start()), &prop.value);
                    let key = Some(key);
                    RawEntry { key, body }
                }));
                Some(())
            }
            Value::StringLit(_)
            | Value::NumberLit(_)
            | Value::BooleanLit(_)
            | Value::NullKeyword(_) => {
                let what = format!("the servers are a list or an object, not {}", kind(list));
                notes.add(Finding::error(at, what).help("write [] if no server is to run"));
                None
            }
        }
    }
}

/// An object that names no servers. `{}` says clearly enough that there are none; anything else is
/// a mistake, and taking it for an empty list would stop everything that runs.
fn without_servers(object: &Object<'_>, notes: &mut Notes) -> Option<()> {
    let root = At::file(object.start());
    if object.properties.is_empty() {
        let what = "the configuration is empty: no server runs";
        notes.add(Finding::warning(root, what).help(EXPECTED));
        return Some(());
    }
    let holds_command = |value: &Value<'_>| {
        value
            .as_object()
            .is_some_and(|o| o.get("command").is_some())
    };
    let are_entries = object.get("command").is_some()
        || object
            .properties
            .iter()
            .any(|prop| holds_command(&prop.value));
    if !are_entries && let Some((what, help)) = elsewhere::servers(object) {
        notes.add(Finding::error(root, what).help(help));
        return None;
    }
    let names = || object.properties.iter().map(|prop| prop.name.as_str());
    // In a file with thousands of fields a slip is not what is wrong.
    let slip = names().take(100).find_map(|name| {
        let meant = fields::meant(fields::FILE, name)?;
        matches!(meant, "servers" | "mcpServers").then(|| (name, meant))
    });
    let help = if let Some((name, meant)) = slip {
        format!("{} should probably be '{meant}'", quoted(name))
    } else if object.get("command").is_some() {
        r#"this looks like one entry; put it into {"servers": [ … ]}"#.to_owned()
    } else if object
        .properties
        .iter()
        .any(|prop| holds_command(&prop.value))
    {
        r#"this looks like the entries alone; put them into {"mcpServers": { … }}"#.to_owned()
    } else {
        EXPECTED.to_owned()
    };
    notes.add(Finding::error(root, "there is no 'servers' or 'mcpServers' in it").help(help));
    None
}

/// What is to be said about a field of the file that holds no servers.
fn notes_on_field(prop: &ObjectProp<'_>, root: &At, notes: &mut Notes) {
    let name = prop.name.as_str();
    let plain = fields::plain(name);
    let is_lists = plain == "mcp" && prop.value.as_object().is_some();
    if !is_lists && !switch::is_list(&plain) {
        about(fields::FILE, name, root.key(name, prop.name.start()), notes);
    }
}

/// Says what is to be said about a field because of its name alone.
pub(super) fn about(table: &[(&'static str, Use)], name: &str, at: At, notes: &mut Notes) {
    let shown = quoted(name);
    let what = match fields::find(table, name) {
        Some(Use::Read | Use::Quiet) => return,
        Some(Use::NoEffect(why)) => format!("{shown} has no effect: {why}"),
        None => format!("unknown field {shown}, ignored"),
    };
    let is_unknown = fields::find(table, name).is_none();
    let finding = Finding::warning(at, what);
    // To compare a name with all of ours costs more than the rest of the reading.
    let meant = (is_unknown && !notes.is_full_of_warnings())
        .then(|| fields::meant(table, name))
        .flatten();
    notes.add(match meant {
        Some(meant) => finding.help(format!("did you mean '{meant}'?")),
        None => finding,
    });
}

/// What people write between servers where JSON has no comments: `"//": "mine"`, and an entry that
/// is not to be run: `"//github": {…}`.
pub(crate) fn is_comment(prop: &ObjectProp<'_>, list: &At, notes: &mut Notes) -> bool {
    let marks = ["//", "_comment", "$comment", "comment"];
    let name = prop.name.as_str();
    if prop.value.as_string_lit().is_some() {
        return marks.contains(&name);
    }
    let is_comment = ["//", "/*", "#", ";"]
        .iter()
        .any(|mark| name.starts_with(mark));
    if is_comment {
        let what = format!(
            "{} is taken for a comment: nothing is run for it",
            quoted(name)
        );
        notes.add(Finding::warning(list.key(name, prop.name.start()), what));
    }
    is_comment
}

fn is_metamcp(body: &Value<'_>) -> bool {
    let kind = body.as_object().and_then(|entry| entry.get_string("type"));
    kind.is_some_and(|kind| matches!(&*kind.value, "STDIO" | "SSE" | "STREAMABLE_HTTP"))
}
