//! Files of other programs and in other formats: what they are, and what to do with them. A person
//! who copied a file from elsewhere is not helped by "a comma is missing".

use jsonc_parser::ast::{Object, Value};

use super::error::extended;
use super::notes::{At, Finding};

/// What a text that is no JSON looks like.
pub(super) fn format(text: &str) -> Option<Finding> {
    let (what, help) = format_of(text)?;
    let text = format!("the file looks like {what}; a configuration is JSON");
    Some(Finding::error(At::file(0), text).help(help))
}

const ENTRIES: &str =
    r#"write each of its servers as an entry: {"servers": [{"name": "…", "command": "…"}]}"#;

const IMPORT: &str = "have one made of it: mcproxy import FILE --output mcp-servers.json";

type Kind = (&'static str, &'static str);

fn format_of(text: &str) -> Option<Kind> {
    let is_said =
        |line: &&str| !line.is_empty() && !line.starts_with(['#', ';']) && !line.starts_with("//");
    let mut lines = text.lines().map(str::trim);
    if text.starts_with("#!") {
        let help = "name the configuration; what runs a server is its 'command'";
        return Some(("a script", help));
    }
    let first = lines.find(is_said)?;
    let has = |start: &str| text.lines().any(|line| line.starts_with(start));
    document(first)
        .or_else(|| toml(first, lines, &has))
        .or_else(|| variables(first))
        .or_else(|| yaml(first, &has))
}

/// A page or a program, by its first line.
fn document(first: &str) -> Option<Kind> {
    let lower = first.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Some(("a web page", "download the file itself (on GitHub: Raw)"));
    }
    if first.starts_with('<') {
        return Some(("XML", ENTRIES));
    }
    if first.starts_with("```") {
        let help = "remove the lines with ``` and what is around them";
        return Some(("Markdown", help));
    }
    let starts = [
        "module.exports",
        "export default",
        "import ",
        "const ",
        "let ",
    ];
    starts
        .iter()
        .any(|start| first.starts_with(start))
        .then_some((
            "JavaScript",
            "keep the object with the servers alone, its fields in double quotes",
        ))
}

fn toml<'t>(
    first: &str,
    mut rest: impl Iterator<Item = &'t str>,
    has: &dyn Fn(&str) -> bool,
) -> Option<Kind> {
    let table = first
        .strip_prefix('[')
        .and_then(|line| line.strip_suffix(']'));
    let is_table = table.is_some_and(is_table) && rest.any(|line| is_assignment(line, "="));
    let what = if has("[mcp_servers") {
        "Codex's config.toml"
    } else {
        "TOML"
    };
    (is_table || is_assignment(first, " = ")).then_some((what, IMPORT))
}

fn variables(first: &str) -> Option<Kind> {
    let line = first.strip_prefix("export ").unwrap_or(first);
    is_assignment(line, "=").then_some((
        "a file of variables (.env)",
        "set them for the gateway, and write ${NAME} in the configuration",
    ))
}

fn yaml(first: &str, has: &dyn Fn(&str) -> bool) -> Option<Kind> {
    let is_yaml = first == "---"
        || first.starts_with("- ")
        || is_assignment(first, ": ")
        || first.strip_suffix(':').is_some_and(is_key);
    let kind = if has("services:") {
        ("a compose file (YAML)", ENTRIES)
    } else if has("extensions:") {
        ("Goose's config.yaml", IMPORT)
    } else {
        ("YAML", IMPORT)
    };
    is_yaml.then_some(kind)
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

fn is_table(text: &str) -> bool {
    let text = text.trim_start_matches('[').trim_end_matches(']').trim();
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-\"'".contains(c))
}

fn is_assignment(line: &str, sign: &str) -> bool {
    line.split_once(sign)
        .is_some_and(|(key, _)| is_key(key.trim_end()))
}

/// What a file is that has no servers of anybody in it.
pub(crate) fn unknown(root: &Value<'_>) -> (String, String) {
    if let Some((what, help)) = root.as_object().and_then(known) {
        return (format!("this is {what}"), help.to_owned());
    }
    let what = "there are no servers in it, as far as the programs are known whose files are read";
    let help = "name the file of a program that 'mcproxy import --help' lists";
    (what.to_owned(), help.to_owned())
}

/// A file that is well known, and no configuration.
fn known(object: &Object<'_>) -> Option<Kind> {
    let has = |field: &str| object.get(field).is_some();
    if has("manifest_version") && has("server") || has("dxt_version") {
        Some((
            "the manifest of a bundle (.mcpb, .dxt)",
            "what is in its 'server.mcp_config' is an entry",
        ))
    } else if has("packages") && (has("$schema") || has("version")) {
        Some((
            "a server's description in a registry (server.json)",
            "write an entry that runs its package, with npx, uvx or docker",
        ))
    } else if has("dependencies") || has("devDependencies") || has("scripts") {
        Some((
            "an npm package's package.json",
            "name the configuration instead",
        ))
    } else if has("compilerOptions") {
        Some((
            "TypeScript's tsconfig.json",
            "name the configuration instead",
        ))
    } else {
        None
    }
}

/// Where servers are in an object that has none where they are looked for, and whose file it is.
pub(super) fn servers(object: &Object<'_>) -> Option<(String, String)> {
    if let Some((what, help)) = known(object) {
        return Some((format!("this is {what}"), help.to_owned()));
    }
    let mut left = MOST_SEEN;
    let path = nested(object, "", 3, &mut left)?;
    let whose = match &*path {
        "context_servers" => "Zed's settings: ",
        "mcp_servers" if object.get_array("mcp_servers").is_some() => "MetaMCP's database: ",
        "mcp" => "the settings of opencode, Crush or their kin: ",
        "mcp.servers" | "['mcp.servers']" => "VS Code's settings: ",
        path if path.starts_with("['amp.") => "Amp's settings: ",
        path if path.starts_with("projects") => "Claude Code's own file: ",
        _ => "",
    };
    let what =
        format!("there is no 'servers' or 'mcpServers' in it; {whose}its servers are in {path}");
    Some((what, IMPORT.to_owned()))
}

/// So many members are looked at.
const MOST_SEEN: usize = 10_000;

/// The path of the first object or list of entries below `object`.
fn nested(object: &Object<'_>, path: &str, depth: usize, left: &mut usize) -> Option<String> {
    for prop in &object.properties {
        *left = left.checked_sub(1)?;
        let path = extended(path, prop.name.as_str());
        match &prop.value {
            Value::Object(inner) => {
                let mut values = inner.properties.iter().map(|prop| &prop.value);
                if values.any(is_entry) {
                    return Some(path);
                }
                if depth > 1
                    && let Some(found) = nested(inner, &path, depth - 1, left)
                {
                    return Some(found);
                }
            }
            Value::Array(list) if list.elements.iter().any(is_entry) => return Some(path),
            Value::Array(_)
            | Value::StringLit(_)
            | Value::NumberLit(_)
            | Value::BooleanLit(_)
            | Value::NullKeyword(_) => {}
        }
    }
    None
}

fn is_entry(value: &Value<'_>) -> bool {
    let has = |object: &Object<'_>| {
        let field = |name| object.get(name).is_some();
        field("command") && (field("args") || field("env") || field("type") || field("transport"))
            || field("command") && object.properties.len() == 1
            || field("url") && field("type")
    };
    value.as_object().is_some_and(has)
}
