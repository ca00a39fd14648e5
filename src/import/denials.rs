//! What programs keep from their own models beside the servers: rules for tools by agents, modes and
//! permissions. What plainly denies a tool of a server to all of them is carried over; the rest is said,
//! as it means another user of the tools.

use jsonc_parser::ast::Value;

use super::find::reached;
use super::row::Program;
use super::rules::Rules;

/// Where a program has such rules, and how it names a tool in them: `start`, the server, `between`, the
/// tool.
struct Place {
    program: &'static str,
    start: &'static str,
    between: &'static str,
    /// Those for everybody.
    common: &'static [&'static str],
    /// Those for some.
    others: &'static [&'static str],
}

const PLACES: &[Place] = &[
    Place {
        program: "Claude Code",
        start: "mcp__",
        between: "__",
        common: &["permissions.deny", "disallowedTools"],
        others: &["projects.*.permissions.deny", "projects.*.disallowedTools"],
    },
    Place {
        program: "opencode",
        start: "",
        between: "_",
        common: &["permission"],
        others: &[
            "agent.*.permission",
            "agent.*.tools",
            "mode.*.permission",
            "mode.*.tools",
        ],
    },
    Place {
        program: "Zed",
        start: "mcp:",
        between: ":",
        common: &["agent.tool_permissions.tools"],
        others: &["agent.profiles.*.context_servers"],
    },
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

/// What a file denies.
#[derive(Default)]
pub(super) struct Denied<'v> {
    /// Tools, with the places of their servers.
    pub(super) tools: Vec<(usize, &'v str)>,
    /// What is to be said of the rest.
    pub(super) said: Vec<String>,
}

/// What the file of `program` denies of the servers in `known`.
pub(super) fn read<'v>(root: &'v Value<'v>, program: &Program, known: &Rules) -> Denied<'v> {
    let mut denied = Denied::default();
    for place in PLACES.iter().filter(|place| place.program == program.name) {
        for path in place.common {
            let rules = reached(root, path).into_iter();
            // All of them are looked at.
            let left = rules.filter(|rules| place.carry(rules.value, known, &mut denied.tools));
            if left.count() > 0 {
                denied.said.push(left_out(path));
            }
        }
        for path in place.others {
            let rules = reached(root, path);
            if rules.iter().any(|rules| denies(rules.value, DEEPEST)) {
                denied.said.push(left_out(path));
            }
        }
    }
    denied
}

fn left_out(path: &str) -> String {
    format!(
        "'{path}' keeps tools of servers from models there; it is left out: to hide them from every \
         client, write \"tools\": {{\"deny\": […]}} into the servers' entries"
    )
}

impl Place {
    /// Adds what rules deny plainly to `tools`. Answers whether they deny more.
    fn carry<'v>(
        &self,
        rules: &'v Value<'v>,
        known: &Rules,
        tools: &mut Vec<(usize, &'v str)>,
    ) -> bool {
        let written: Vec<(Option<&str>, &Value<'_>)> = match rules {
            Value::Array(list) => {
                let text = |rule: &'v Value<'v>| Some(&*rule.as_string_lit()?.value);
                list.elements
                    .iter()
                    .map(|rule| (text(rule), rule))
                    .collect()
            }
            Value::Object(object) => {
                let of_servers = object.properties.iter();
                let of_servers = of_servers.filter(|prop| !OWN.contains(&prop.name.as_str()));
                let name = |value| is_deny(value).then_some(());
                of_servers
                    .map(|prop| (name(&prop.value).map(|()| prop.name.as_str()), &prop.value))
                    .collect()
            }
            Value::StringLit(_)
            | Value::NumberLit(_)
            | Value::BooleanLit(_)
            | Value::NullKeyword(_) => return denies(rules, DEEPEST),
        };
        let mut is_more = false;
        for (name, rule) in written {
            match name.and_then(|name| self.tool(name, known)) {
                Some(found) => tools.extend(found),
                None => is_more |= denies(rule, DEEPEST),
            }
        }
        is_more
    }

    /// The tool that a rule names, of each server that it may be one of. A pattern may have exceptions.
    fn tool<'v>(&self, rule: &'v str, known: &Rules) -> Option<Vec<(usize, &'v str)>> {
        let own = rule.strip_prefix(self.start)?;
        let is_plain = !own.contains(['*', '?', '(', '{', '[', '!']);
        let found = known.find(own, self.between);
        (is_plain && !found.is_empty()).then_some(found)
    }
}

/// `"deny"`, and Zed's `{"default": "deny"}`.
fn is_deny(value: &Value<'_>) -> bool {
    match value {
        Value::StringLit(text) => text.value == "deny",
        Value::Object(object) => {
            let default = object.get_string("default");
            object.properties.len() == 1 && default.is_some_and(|text| text.value == "deny")
        }
        Value::NumberLit(_) | Value::BooleanLit(_) | Value::Array(_) | Value::NullKeyword(_) => {
            false
        }
    }
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
