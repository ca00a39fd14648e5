//! The clients that are known, a row each: what is written where, so that it finds the gateway. `docs/clients.md` shows
//! the same.

use std::path::PathBuf;

use crate::config::Environment;
use crate::edit::Json;

/// What the gateway is called there.
pub(super) const NAME: &str = "mcproxy";
/// The variable that a client is to have the token in.
pub(super) const VARIABLE: &str = "MCPROXY_TOKEN";

/// Where the gateway is, for a client.
pub(super) struct Address<'a> {
    pub(super) url: &'a str,
    /// Whether a token is asked for.
    pub(super) has_token: bool,
}

/// What is to be done in a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Snippet {
    /// Its own command.
    Command(Vec<String>),
    /// A member of its file, with the way to it.
    Member(Vec<&'static str>, Json),
    /// A line of a program.
    Code(String),
}

/// A client.
pub(super) struct Program {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// What people call it.
    pub(super) title: &'static str,
    pub(super) snippet: fn(&Address<'_>) -> Snippet,
    /// Its file, if it is edited.
    pub(super) file: Option<fn(Environment<'_>) -> Option<PathBuf>>,
}

/// All of them, in the order of the document.
pub(super) const PROGRAMS: [Program; 9] = [
    Program {
        name: "claude",
        title: "Claude Code",
        snippet: claude,
        file: None,
    },
    Program {
        name: "codex",
        title: "Codex",
        snippet: codex,
        file: None,
    },
    Program {
        name: "gemini",
        title: "Gemini CLI",
        snippet: gemini,
        file: None,
    },
    Program {
        name: "vscode",
        title: "VS Code",
        snippet: vscode,
        file: None,
    },
    Program {
        name: "opencode",
        title: "opencode",
        snippet: opencode,
        file: Some(|env| Some(settings(env)?.join("opencode/opencode.json"))),
    },
    Program {
        name: "cline",
        title: "Cline",
        snippet: |address| in_servers("streamableHttp", address),
        file: Some(|env| Some(home(env)?.join(".cline/data/settings/cline_mcp_settings.json"))),
    },
    Program {
        name: "cursor",
        title: "Cursor",
        snippet: |address| in_servers("http", address),
        file: Some(|env| Some(home(env)?.join(".cursor/mcp.json"))),
    },
    Program {
        name: "fastmcp",
        title: "FastMCP",
        snippet: fastmcp,
        file: None,
    },
    Program {
        name: "openai-agents",
        title: "OpenAI Agents",
        snippet: openai_agents,
        file: None,
    },
];

fn claude(address: &Address<'_>) -> Snippet {
    let add = "claude mcp add --transport http";
    Snippet::Command(words(add, &[NAME, address.url], header(address, "${", "}")))
}

fn codex(address: &Address<'_>) -> Snippet {
    let token = ["--bearer-token-env-var", VARIABLE].map(str::to_owned);
    let token = address.has_token.then_some(token).into_iter().flatten();
    let add = "codex mcp add mcproxy --url";
    Snippet::Command(words(add, &[address.url], token.collect()))
}

fn gemini(address: &Address<'_>) -> Snippet {
    let add = "gemini mcp add --scope user --transport http";
    Snippet::Command(words(add, &[NAME, address.url], header(address, "${", "}")))
}

fn vscode(address: &Address<'_>) -> Snippet {
    let start = [("name", Json::text(NAME)), ("type", Json::text("http"))];
    let server = Json::object(start.into_iter().chain(members(address, "${env:", "}")));
    Snippet::Command(words("code --add-mcp", &[&server.to_string()], Vec::new()))
}

fn opencode(address: &Address<'_>) -> Snippet {
    let kind = [("type", Json::text("remote"))];
    let server = Json::object(kind.into_iter().chain(members(address, "{env:", "}")));
    Snippet::Member(vec!["mcp", NAME], server)
}

fn in_servers(kind: &str, address: &Address<'_>) -> Snippet {
    let kind = [("type", Json::text(kind))];
    let server = Json::object(kind.into_iter().chain(members(address, "${env:", "}")));
    Snippet::Member(vec!["mcpServers", NAME], server)
}

fn fastmcp(address: &Address<'_>) -> Snippet {
    let url = Json::text(address.url);
    let headers = in_python(address);
    let headers = headers.map_or_else(String::new, |headers| format!(", headers={headers}"));
    Snippet::Code(format!("Client(StreamableHttpTransport({url}{headers}))"))
}

fn openai_agents(address: &Address<'_>) -> Snippet {
    let url = Json::text(address.url);
    let headers = in_python(address);
    let headers = headers.map_or_else(String::new, |headers| format!(", \"headers\": {headers}"));
    Snippet::Code(format!(
        "MCPServerStreamableHttp(params={{\"url\": {url}{headers}}})"
    ))
}

fn in_python(address: &Address<'_>) -> Option<String> {
    let headers = format!("{{\"Authorization\": \"Bearer \" + os.environ[\"{VARIABLE}\"]}}");
    address.has_token.then_some(headers)
}

/// `url`, and `headers` with a reference to the variable, as the program writes one.
fn members(address: &Address<'_>, open: &str, close: &str) -> Vec<(&'static str, Json)> {
    let mut members = vec![("url", Json::text(address.url))];
    if address.has_token {
        let value = Json::Text(format!("Bearer {open}{VARIABLE}{close}"));
        members.push(("headers", Json::object([("Authorization", value)])));
    }
    members
}

/// The option that a command has for a header.
fn header(address: &Address<'_>, open: &str, close: &str) -> Vec<String> {
    let value = format!("Authorization: Bearer {open}{VARIABLE}{close}");
    let option = ["--header".to_owned(), value];
    address
        .has_token
        .then_some(option)
        .into_iter()
        .flatten()
        .collect()
}

fn words(start: &str, more: &[&str], rest: Vec<String>) -> Vec<String> {
    let words = start.split(' ').chain(more.iter().copied());
    words.map(str::to_owned).chain(rest).collect()
}

fn home(env: Environment<'_>) -> Option<PathBuf> {
    env("HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

fn settings(env: Environment<'_>) -> Option<PathBuf> {
    let named = env("XDG_CONFIG_HOME").map(PathBuf::from);
    let named = named.filter(|path| path.is_absolute());
    named.or_else(|| Some(home(env)?.join(".config")))
}

impl Snippet {
    /// As one would type it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Command(words) => {
                let words: Vec<String> = words.iter().map(|word| for_shell(word)).collect();
                words.join(" ")
            }
            Self::Member(path, value) => {
                let outer = path.iter().rev();
                let whole = outer.fold(value.clone(), |value, name| Json::object([(*name, value)]));
                whole.to_string()
            }
            Self::Code(line) => line.clone(),
        }
    }
}

/// A word that no shell takes for anything else.
fn for_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,[]".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
