//! `mcproxy approve`: shows what is held back of a server's tools, and has clients see what was looked at.

use std::io::IsTerminal as _;
use std::path::Path;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::gateway::{Failed, Gateway, Where};
use super::held::HeldBack;
use super::screen::Screen;
use super::server::{path, unknown};
use super::steer::have_done;
use super::{DONE, FAILED, USAGE};

pub(super) const EXAMPLES: &str = "\
Examples:
  mcproxy approve github                     what is held back, and on a terminal, if all of it fits, the question whether
                                             to show it
  mcproxy approve github 9c3f5e0d17a2b846    show clients what has this digest
  mcproxy approve github --json

For entries with \"on_changed_tools\": \"hold\": clients go on seeing tools as they were, and new ones not at all,
until this. What has changed since it was looked at has another digest, and is not approved. Exit codes: 0; 1 if
something is held back and is not approved, or the entry holds nothing back; 4 if there is no server of that name,
69 if no gateway can be asked.";

/// What to approve.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ApproveWish {
    /// The server
    server: String,
    /// Stands for what was looked at
    digest: Option<String>,
    /// Print what is held back as JSON
    #[arg(long, conflicts_with = "digest")]
    json: bool,
    #[command(flatten)]
    at: Where,
}

#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Approval {
    Approved { tools: Vec<String> },
    NotHeld,
}

pub(super) async fn run(
    wish: &ApproveWish,
    state_dir: Option<&Path>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    let gateway = Gateway::find_to_change(&wish.at, state_dir, "approve")?;
    let name = wish.server.as_str();
    if let Some(digest) = &wish.digest {
        return approve(&gateway, name, digest, screen).await;
    }
    let mut detail: Value = match path(name) {
        Some(path) => gateway.find_at(&path).await?.unwrap_or_default(),
        None => Value::Null,
    };
    if detail.is_null() {
        return Err(unknown(&gateway, name).await?);
    }
    let whole = detail.get_mut("held").map(Value::take);
    let whole = whole.unwrap_or_default();
    if whole.is_null() {
        return Err(not_held(name));
    }
    let held: HeldBack = gateway.read(whole.to_string().as_bytes())?;
    let code = if held.is_nothing() { DONE } else { FAILED };
    if wish.json {
        screen.json_line(&whole.to_string())?;
        return Ok(code);
    }
    if held.is_nothing() {
        screen.line(&format!("{name}: nothing is held back"))?;
        return Ok(code);
    }
    let is_whole = held.print(screen)?;
    if is_whole && screen.is_terminal && ask(screen)? {
        return approve(&gateway, name, &held.digest, screen).await;
    }
    writeln!(screen.out)?;
    if !is_whole {
        screen.line("This is not all of it: look at the rest before")?;
    }
    screen.line(&format!(
        "Clients are shown none of it until 'mcproxy approve {name} {}'",
        held.digest
    ))?;
    Ok(code)
}

/// Whether whoever sits at the terminal says yes.
#[expect(clippy::disallowed_methods, reason = "a verb without workers")]
fn ask(screen: &mut Screen<'_>) -> Result<bool, Failed> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    write!(
        screen.out,
        "\nShow clients the tools as they are now? [y/N] "
    )?;
    screen.out.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

async fn approve(
    gateway: &Gateway,
    name: &str,
    digest: &str,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    if digest.is_empty() || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        let words = format!(
            "this is no digest: 'mcproxy approve {name}' shows what is held back, and its digest"
        );
        return Err(Failed::said(USAGE, words));
    }
    match have_done(gateway, name, &format!("approve/{digest}")).await? {
        Approval::Approved { tools } if tools.is_empty() => {
            screen.line(&format!("{name}: nothing was held back"))?;
        }
        Approval::Approved { tools } => {
            for tool in tools {
                screen.line(&format!("approved: {tool}"))?;
            }
        }
        Approval::NotHeld => return Err(not_held(name)),
    }
    Ok(DONE)
}

fn not_held(name: &str) -> Failed {
    let words = format!(
        "the entry of {name} has no \"on_changed_tools\": \"hold\": nothing of it is held back"
    );
    Failed::said(FAILED, words)
}
