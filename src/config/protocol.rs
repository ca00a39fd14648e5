//! The two words `protocol`: in which era a server is spoken to (on its entry), and which eras
//! clients are offered (in the `gateway` object). Both are `"auto"` if nobody says anything.

use std::fmt;

use jsonc_parser::ast::Value;

use super::error::quoted;
use super::fields;
use super::notes::{Finding, Notes};
use super::values::{self, Field, Fields};
use crate::ids::ServerName;

/// In which era a server is spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// By `initialize`, unless the server refuses it as one that knows only the other way.
    #[default]
    Auto,
    /// By `initialize`, always.
    Legacy,
    /// Without it (2026-07-28), always.
    Modern,
}

/// Which eras clients are offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Offer {
    /// Both, but clients that ask first are told of the modern one only where none of them would lose
    /// its session by it.
    #[default]
    Auto,
    /// Both, always.
    Both,
    /// What begins with `initialize`, alone.
    Legacy,
}

/// What is served of 2026-07-28.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Serving {
    /// Whether its requests are.
    pub modern: bool,
    /// Whether `server/discover` tells clients of it, so that those who can choose do so.
    pub discover: bool,
}

impl Default for Serving {
    /// As long as no configuration says more: a client that is told takes it for as long as it lives,
    /// one that is not told is served all the same.
    fn default() -> Self {
        Self {
            modern: true,
            discover: false,
        }
    }
}

impl Offer {
    /// What is served where `isolated` is a server that has a process for each session, if one has.
    #[must_use]
    pub fn serving(self, isolated: Option<&ServerName>) -> Serving {
        let (modern, discover) = match self {
            Self::Auto => (true, isolated.is_none()),
            Self::Both => (true, true),
            Self::Legacy => (false, false),
        };
        Serving { modern, discover }
    }

    /// As the file has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Both => "both",
            Self::Legacy => "legacy",
        }
    }
}

impl Protocol {
    /// As the file has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

impl Serving {
    /// What that is for clients, in words; `isolated` as for [`Offer::serving`].
    #[must_use]
    pub fn said(self, isolated: Option<&ServerName>) -> impl fmt::Display {
        match (self.modern, self.discover, isolated) {
            (false, _, _) => "clients are not served in 2026-07-28".to_owned(),
            (true, true, _) => "clients are offered 2026-07-28".to_owned(),
            (true, false, None) => {
                "clients are served in 2026-07-28, but not told of it".to_owned()
            }
            (true, false, Some(server)) => format!(
                "clients are served in 2026-07-28, but not told of it, so that each keeps its session's \
                 own '{server}'"
            ),
        }
    }
}

/// What a word stands for, and how to explain it.
type Words<T> = [(&'static str, T, &'static str); 3];

const ENTRY: Words<Protocol> = [
    ("auto", Protocol::Auto, "it is found out"),
    (
        "legacy",
        Protocol::Legacy,
        "with initialize, as all older servers",
    ),
    ("modern", Protocol::Modern, "by 2026-07-28, without it"),
];
const GATEWAY: Words<Offer> = [
    (
        "auto",
        Offer::Auto,
        "2026-07-28 is offered where nobody's session is lost by it",
    ),
    ("both", Offer::Both, "it is always offered"),
    ("legacy", Offer::Legacy, "it is not served"),
];

/// What other programs call by the same word: how a server is reached. They are run here by their
/// command whatever is written there.
const TRANSPORTS: [&str; 15] = [
    "stdio",
    "std",
    "local",
    "sse",
    "http",
    "https",
    "ws",
    "wss",
    "websocket",
    "tcp",
    "remote",
    "mcp",
    "jsonrpc",
    "json-rpc",
    "json-rpc-2.0",
];

/// In which era the entry has its server spoken to; the default, if nothing else can be read.
pub(super) fn of_entry(fields: &Fields<'_>, notes: &mut Notes) -> Protocol {
    let Some(field) = fields.get("protocol") else {
        return Protocol::default();
    };
    if is_transport(field.value) {
        let what =
            "'protocol' is how the server is reached for another program, and has no effect here";
        let help = "mcproxy runs the server by its command; the field may be left out";
        notes.add(Finding::warning(field.at, what).help(help));
        return Protocol::default();
    }
    match read(&field, &ENTRY, notes) {
        Ok(protocol) => protocol,
        Err(finding) => {
            notes.extend(finding);
            Protocol::default()
        }
    }
}

/// Which eras the `gateway` object has clients offered; `None` if that can't be read.
pub(super) fn of_gateway(fields: &Fields<'_>, notes: &mut Notes) -> Option<Offer> {
    let Some(field) = fields.get("protocol") else {
        return Some(Offer::default());
    };
    match read(&field, &GATEWAY, notes) {
        Ok(offer) => Some(offer),
        Err(finding) => {
            notes.extend(finding.map(|finding| Finding {
                message: format!(
                    "{}; until it is mended it stays what it is",
                    finding.message
                ),
                ..finding
            }));
            None
        }
    }
}

fn is_transport(value: &Value<'_>) -> bool {
    let text = value
        .as_string_lit()
        .map(|text| text.value.to_ascii_lowercase());
    text.is_some_and(|text| TRANSPORTS.contains(&&*text) || text.starts_with("streamable"))
}

/// What `field` says by one of `words`; else what is wrong, if that is not in `notes` already.
fn read<T: Copy>(
    field: &Field<'_, Value<'_>>,
    words: &Words<T>,
    notes: &mut Notes,
) -> Result<T, Option<Finding>> {
    let Some(text) = values::text(field, "protocol", notes) else {
        return Err(None);
    };
    if let Some((_, meaning, _)) = words.iter().find(|(word, ..)| *word == text) {
        return Ok(*meaning);
    }
    let what = format!("'protocol' is {}, which is not known", quoted(text));
    let plain = fields::plain(text);
    let near = words
        .iter()
        .find(|(word, ..)| fields::is_near(&plain, word));
    let help = match near {
        Some((word, ..)) => format!("did you mean \"{word}\"?"),
        None => choices(words),
    };
    Err(Some(Finding::error(field.at.clone(), what).help(help)))
}

/// `write "auto" (…), "legacy" (…) or "modern" (…)`
fn choices<T>(words: &Words<T>) -> String {
    let [first, second, third] = words
        .each_ref()
        .map(|(word, _, meaning)| format!("\"{word}\" ({meaning})"));
    format!("write {first}, {second} or {third}")
}
