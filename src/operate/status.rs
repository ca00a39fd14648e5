//! `mcproxy status`: the gateway and its servers at a glance, as `systemctl` shows units.

use std::path::Path;

use clap::Args;

use super::gateway::{Failed, Gateway, Where};
use super::report::{Configuration, Fault, Overview, Server};
use super::screen::{Cell, Screen, Tint, cut, shown};
use super::units::{bytes, count, time};
use super::{DONE, server, watch};

pub(super) const EXAMPLES: &str = "\
Examples:
  mcproxy status                       every server, in a table
  mcproxy status github                one of them: exits, stderr, the likely cause and its remedy
  mcproxy status --watch               the same again whenever it changes
  mcproxy status --json | jq .servers  for programs
  mcproxy status --url http://host:12009 --token-file token.txt

Exit codes: 0; of one server 3 if it is neither ready nor asleep and 4 if there is none of that name; 69 if no gateway
can be asked.";

/// So much of why a server ended goes into the table.
const WHY: usize = 60;

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StatusWish {
    /// The server that is meant; without it all of them
    server: Option<String>,
    /// Show it again whenever it changes, until you end it
    #[arg(long)]
    watch: bool,
    /// Print the JSON of the gateway's answer
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: Where,
}

pub(super) async fn run(
    wish: &StatusWish,
    state_dir: Option<&Path>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    if wish.watch {
        return watch::run(wish, state_dir, screen).await;
    }
    let gateway = Gateway::find(&wish.at, state_dir)?;
    show(&gateway, wish, None, screen).await
}

/// Shows it as it is now, by `news` of all of it if there are any.
pub(super) async fn show(
    gateway: &Gateway,
    wish: &StatusWish,
    news: Option<String>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    if let Some(name) = &wish.server {
        return server::show(gateway, (name, wish.json), screen).await;
    }
    let text = match news {
        Some(news) => news,
        None => gateway.text("/status").await?,
    };
    if wish.json {
        screen.json_line(&text)?;
        return Ok(DONE);
    }
    overview(&gateway.read(text.as_bytes())?, screen)?;
    Ok(DONE)
}

fn overview(all: &Overview, screen: &mut Screen<'_>) -> std::io::Result<()> {
    let (state, tint) = if all.ready {
        ("ready", Tint::Good)
    } else {
        ("not ready", Tint::Middling)
    };
    let state = screen.paint(state, tint);
    let (version, up) = (shown(&all.version), time(all.uptime_seconds));
    let (sessions, connections) = (&all.sessions, &all.connections);
    writeln!(screen.out, "mcproxy {version}, {state}, up {up}")?;
    writeln!(
        screen.out,
        "sessions {} of {}, connections {} of {}, calls in flight {}",
        sessions.open, sessions.limit, connections.open, connections.limit, all.calls_in_flight
    )?;
    configuration(&all.configuration, screen)?;
    writeln!(screen.out)?;
    if all.servers.is_empty() {
        return screen.line("No servers are configured.");
    }
    let titles = [
        "", "SERVER", "STATE", "UP", "TOOLS", "CALLS", "RESTARTS", "MEMORY", "WHY",
    ];
    let rows: Vec<Vec<Cell>> = all.servers.iter().map(row).collect();
    screen.table(&titles, &rows)?;
    let ready = all.servers.iter().filter(|it| it.state == "ready").count();
    let asleep = all.servers.iter().filter(|it| it.state == "asleep").count();
    let asleep = match asleep {
        0 => String::new(),
        _ => format!(", {asleep} asleep"),
    };
    let servers = count(all.servers.len(), "server");
    writeln!(screen.out, "\n{servers}, {ready} ready{asleep}")
}

/// What is wrong with the file.
pub(super) fn configuration(found: &Configuration, screen: &mut Screen<'_>) -> std::io::Result<()> {
    if !found.faulty {
        return Ok(());
    }
    let title = screen.paint("The configuration has errors", Tint::Bad);
    let refused = if found.refused.is_empty() {
        String::new()
    } else {
        format!(", and is used without: {}", found.refused.join(", "))
    };
    let more = if found.faults.is_empty() {
        "; 'mcproxy check' says what and where"
    } else {
        ""
    };
    writeln!(screen.out, "{title}{}{more}", shown(&refused))?;
    for fault in &found.faults {
        screen.line(&format!("  {}", fault_line(fault)))?;
    }
    Ok(())
}

/// `servers[3].comand: line 12, column 5: …; …`
fn fault_line(fault: &Fault) -> String {
    let mut parts = Vec::new();
    // The file as a whole has no place.
    parts.extend(fault.r#where.clone().filter(|place| !place.is_empty()));
    if let (Some(line), Some(column)) = (fault.line, fault.column) {
        parts.push(format!("line {line}, column {column}"));
    }
    parts.push(fault.what.clone());
    let hint = fault.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
    format!("{}{hint}", parts.join(": "))
}

fn row(server: &Server) -> Vec<Cell> {
    let (dot, tint) = standing(&server.state);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let memory = server.processes.as_ref().map(|it| bytes(it.memory_bytes));
    let tools = match server.held().len() {
        0 => server.tools.to_string(),
        held => format!("{}, {held} held", server.tools),
    };
    vec![
        Cell::tinted(dot, tint),
        Cell::from(&server.name),
        Cell::tinted(&server.state, tint),
        or_dash(server.uptime_seconds.map(time)).into(),
        tools.into(),
        server.calls_in_flight.to_string().into(),
        or_dash(server.restarts.map(|count| count.to_string())).into(),
        or_dash(memory).into(),
        cut(&why(server), WHY).into(),
    ]
}

/// The dot before a server's name, and how good its state is.
pub(super) fn standing(state: &str) -> (&'static str, Tint) {
    match state {
        "ready" => ("●", Tint::Good),
        "asleep" => ("○", Tint::Good),
        "crash-looping" | "unauthorized" | "backoff" => ("●", Tint::Bad),
        _ => ("○", Tint::Middling),
    }
}

/// Why a server is not ready, and when it is tried again.
pub(super) fn why(server: &Server) -> String {
    let why = server.why.clone();
    let next = server.next_try_seconds;
    let next = next.map(|next| format!("next try in {}", time(next)));
    let both: Vec<String> = why.into_iter().chain(next).collect();
    both.join("; ")
}
