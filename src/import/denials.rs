//! What programs keep from their own models beside the servers: rules for tools by agents, modes and
//! permissions. They are not carried over, as each means another user of the tools; they are said.

use jsonc_parser::ast::Value;

use super::find::reached;
use super::row::Program;
use crate::config::values::Field;

/// Where a program has such rules.
const PLACES: &[(&str, &[&str])] = &[
    (
        "Claude Code",
        &[
            "permissions.deny",
            "disallowedTools",
            "projects.*.permissions.deny",
            "projects.*.disallowedTools",
        ],
    ),
    (
        "opencode",
        &[
            "permission",
            "agent.*.permission",
            "agent.*.tools",
            "mode.*.permission",
            "mode.*.tools",
        ],
    ),
    (
        "Zed",
        &[
            "agent.profiles.*.context_servers",
            "agent.tool_permissions.tools",
        ],
    ),
];

/// Tools that are the program's own, and no server's.
const OWN: &[&str] = &[
    "bash",
    "codesearch",
    "doom_loop",
    "edit",
    "external_directory",
    "glob",
    "grep",
    "list",
    "lsp",
    "patch",
    "question",
    "read",
    "skill",
    "task",
    "todoread",
    "todowrite",
    "webfetch",
    "websearch",
    "write",
];

/// How deep rules are looked for.
const DEEPEST: usize = 8;

/// What is to be said of the rules in the file of `program`.
pub(super) fn said(root: &Value<'_>, program: &Program) -> Vec<String> {
    let of_program = PLACES.iter().filter(|(name, _)| *name == program.name);
    let paths = of_program.flat_map(|(_, paths)| *paths);
    let denied = paths.filter(|path| reached(root, path).iter().any(denies_some));
    let said = denied.map(|path| {
        format!(
            "'{path}' keeps tools of servers from models there; it is left out: to hide them from every \
             client, write \"tools\": {{\"deny\": […]}} into the servers' entries"
        )
    });
    said.collect()
}

fn denies_some(rules: &Field<'_, Value<'_>>) -> bool {
    denies(rules.value, DEEPEST)
}

fn denies(rules: &Value<'_>, depth: usize) -> bool {
    let inner = depth.saturating_sub(1);
    match rules {
        Value::BooleanLit(flag) => !flag.value,
        Value::StringLit(text) => text.value == "deny" || text.value.starts_with("mcp__"),
        Value::Array(list) => depth > 0 && list.elements.iter().any(|rule| denies(rule, inner)),
        Value::Object(object) => {
            let of_servers = object.properties.iter();
            let mut of_servers = of_servers.filter(|prop| !OWN.contains(&prop.name.as_str()));
            depth > 0 && of_servers.any(|prop| denies(&prop.value, inner))
        }
        Value::NumberLit(_) | Value::NullKeyword(_) => false,
    }
}
