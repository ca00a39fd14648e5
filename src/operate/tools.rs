//! `mcproxy tools`: what clients see, and what it costs a model that reads all of it.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::DONE;
use super::gateway::{Failed, Gateway, Where};
use super::screen::{Cell, Screen, Tint, cut};
use super::units::{bytes, count};
use crate::config::model::Patterns;
use crate::protocol::mcp::item::Kind;

pub(super) const EXAMPLES: &str = "\
Examples:
  mcproxy tools                     all of them
  mcproxy tools 'github__*'         those of one server; * stands for any characters, ? for one
  mcproxy tools --json | jq -r '.[].name'
  mcproxy tools --url http://host:12009/p/kids/mcp --token-file token.txt

Tokens are a guess, right within a third: a quarter of the bytes that a client is told.";

const LIST: Duration = Duration::from_secs(60);
/// So much of a description goes into the table of a terminal.
const DESCRIPTION: usize = 60;

/// Which tools to list.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ToolsWish {
    /// Only those whose names are like this
    glob: Option<String>,
    /// Print a JSON array: name, description, bytes and tokens of each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: Where,
}

/// An entry of the list, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tool {
    name: String,
    description: Option<String>,
    #[serde(skip)]
    bytes: usize,
}

impl Tool {
    fn tokens(&self) -> usize {
        self.bytes / 4
    }
}

pub(super) async fn run(
    wish: &ToolsWish,
    state_dir: Option<&Path>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    let gateway = Gateway::find(&wish.at, state_dir)?;
    let mut client = gateway.client(LIST).await?;
    let listed = client.list_all(Kind::Tools).await;
    client.close().await;
    let listed = listed.map_err(|error| gateway.failed(&error))?;
    let wanted = Patterns::new(wish.glob.clone().map(|glob| vec![glob]), Vec::new());
    let mut tools: Vec<Tool> = Vec::new();
    for entry in listed {
        let mut tool: Tool = gateway.read(entry.get().as_bytes())?;
        tool.bytes = entry.get().len();
        if wanted.shows(&tool.name) {
            tools.push(tool);
        }
    }
    if wish.json {
        let one = |tool: &Tool| {
            json!({
                "name": tool.name, "description": tool.description, "bytes": tool.bytes,
                "tokens": tool.tokens(),
            })
        };
        let all: Vec<_> = tools.iter().map(one).collect();
        screen.json_line(&json!(all).to_string())?;
        return Ok(DONE);
    }
    table(&tools, screen)?;
    Ok(DONE)
}

fn table(tools: &[Tool], screen: &mut Screen<'_>) -> std::io::Result<()> {
    let most = if screen.is_terminal {
        DESCRIPTION
    } else {
        usize::MAX
    };
    let row = |tool: &Tool| {
        let description = tool.description.as_deref().unwrap_or_default();
        let first = description.trim().lines().next().unwrap_or_default();
        vec![
            Cell::from(&tool.name),
            bytes(tool.bytes as u64).into(),
            tool.tokens().to_string().into(),
            Cell::tinted(&cut(first, most), Tint::Aside),
        ]
    };
    let rows: Vec<Vec<Cell>> = tools.iter().map(row).collect();
    if !rows.is_empty() {
        screen.table(&["TOOL", "SIZE", "TOKENS", "DESCRIPTION"], &rows)?;
        writeln!(screen.out)?;
    }
    let (size, tokens) = tools.iter().fold((0, 0), |(size, tokens), tool| {
        (size + tool.bytes, tokens + tool.tokens())
    });
    let (tools, size) = (count(tools.len(), "tool"), bytes(size as u64));
    writeln!(screen.out, "{tools}, {size}, about {tokens} tokens")
}
