//! What changes a gateway: `mcproxy restart` and `mcproxy reload`. Only its own user may, on its own machine.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::gateway::{Failed, Gateway, Where};
use super::report::Configuration;
use super::screen::{Screen, Tint, shown};
use super::server::{self, unknown};
use super::status::configuration;
use super::{DONE, FAILED};

pub(super) const RESTART_EXAMPLES: &str = "\
Example:
  mcproxy restart github

Calls that it has not answered get 5 seconds (drain_timeout), then an error; those that come meanwhile wait for
it. It is not counted as a failure, and failures before it are forgotten. Exit codes: 0 if it is ready again,
1 if it is not, 4 if there is none of that name, 69 if no gateway can be asked.";

pub(super) const RELOAD_EXAMPLES: &str = "\
Example:
  mcproxy reload

Saving the file does the same, but for servers that failed: this has them tried at once. Exit codes: 0 if all of
the file can be used, 1 if something in it can't, 69 if no gateway can be asked.";

/// Longer than the gateway waits itself.
const LONGEST: Duration = Duration::from_secs(150);

/// Which server.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct OfServer {
    /// The server
    server: String,
    #[command(flatten)]
    at: Where,
}

/// Of which gateway.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Reload {
    #[command(flatten)]
    at: Where,
}

#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Restarted {
    Ready,
    Failed { why: String },
    Gone,
    Late { seconds: u64 },
}

#[derive(Deserialize)]
struct Reloaded {
    /// None if the file cannot be used at all.
    changes: Option<Changes>,
    configuration: Configuration,
}

#[derive(Deserialize)]
struct Changes {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
    unchanged: usize,
    seen_anew: Option<String>,
    #[serde(default)]
    rested_anew: Option<String>,
    limits: Option<String>,
}

pub(super) async fn restart(
    wish: &OfServer,
    state_dir: Option<&Path>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    let gateway = Gateway::find_to_change(&wish.at, state_dir, "restart")?;
    let name = &wish.server;
    let restarted = have_done(&gateway, name, "restart").await?;
    let failed = |words: String| Err(Failed::said(FAILED, words));
    match restarted {
        Restarted::Ready => {
            let ready = screen.paint("ready", Tint::Good);
            writeln!(screen.out, "{}: {ready}", shown(name))?;
            Ok(DONE)
        }
        Restarted::Failed { why } => failed(format!(
            "{name} {why}; it is tried again, and 'mcproxy status {name}' says more"
        )),
        Restarted::Gone => failed(format!(
            "{name} is gone: it was taken out, or the gateway stops"
        )),
        Restarted::Late { seconds } => failed(format!(
            "{name} is not ready after {seconds} s and still on its way: 'mcproxy status {name}' says how far"
        )),
    }
}

/// Has something done to a server.
pub(super) async fn have_done<T: DeserializeOwned>(
    gateway: &Gateway,
    name: &str,
    what: &str,
) -> Result<T, Failed> {
    if server::path(name).is_some() {
        let path = format!("/control/servers/{name}/{what}");
        if let Some(done) = gateway.have_done(&path, LONGEST).await? {
            return Ok(done);
        }
    }
    Err(unknown(gateway, name).await?)
}

pub(super) async fn reload(
    wish: &Reload,
    state_dir: Option<&Path>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    let gateway = Gateway::find_to_change(&wish.at, state_dir, "reload")?;
    let reloaded = gateway.have_done("/control/reload", LONGEST).await?;
    let Some(Reloaded {
        changes,
        configuration: found,
    }) = reloaded
    else {
        return Err(Failed::said(
            FAILED,
            "this gateway cannot be reloaded by a command",
        ));
    };
    match changes {
        Some(changes) => say(&changes, screen)?,
        None => {
            screen.line("Nothing is changed: the file cannot be used, and what runs goes on.")?;
        }
    }
    configuration(&found, screen)?;
    Ok(if found.faulty { FAILED } else { DONE })
}

fn say(changes: &Changes, screen: &mut Screen<'_>) -> std::io::Result<()> {
    let before = [
        ("started", &changes.added),
        ("started anew", &changes.changed),
        ("ended", &changes.removed),
    ];
    let mut is_same = true;
    for (what, servers) in before {
        for server in servers {
            is_same = false;
            screen.line(&format!("{what}: {server}"))?;
        }
    }
    let more = [
        ("clients see something else of", &changes.seen_anew),
        ("sleeps in another way", &changes.rested_anew),
        ("gateway", &changes.limits),
    ];
    for (what, text) in more {
        if let Some(text) = text {
            is_same = false;
            screen.line(&format!("{what}: {text}"))?;
        }
    }
    let unchanged = super::units::count(changes.unchanged, "server");
    let nothing = if is_same { "Nothing has changed; " } else { "" };
    screen.line(&format!("{nothing}{unchanged} as before"))
}
