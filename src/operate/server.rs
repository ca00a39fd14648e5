//! `mcproxy status SERVER`: one server in detail, as `systemctl status UNIT` shows a unit.

use std::io;

use super::gateway::{Failed, Gateway};
use super::report::{Detail, Dropped, Line, Log, Overview, Server};
use super::screen::{Screen, Tint, shown};
use super::status::{standing, why};
use super::units::{bytes, count, time};
use super::{DONE, NOT_READY, UNKNOWN};

/// So many lines of each kind are shown.
const LINES: usize = 50;
const FEW: usize = 10;

/// Shows it, as JSON if wished.
pub(super) async fn show(
    gateway: &Gateway,
    (name, json): (&str, bool),
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    let Some(whole) = find(gateway, name).await? else {
        return Err(unknown(gateway, name).await?);
    };
    let detail: Detail = gateway.read(whole.to_string().as_bytes())?;
    if json {
        screen.json_line(&whole.to_string())?;
    } else {
        print(&detail, screen)?;
    }
    // One that sleeps is ready for whoever calls it.
    let is_ready = matches!(detail.server.state.as_str(), "ready" | "asleep");
    Ok(if is_ready { DONE } else { NOT_READY })
}

/// What the gateway says of it. One that has no address for that has it in its overview.
async fn find(gateway: &Gateway, name: &str) -> Result<Option<serde_json::Value>, Failed> {
    let path = path(name);
    if let Some(path) = path
        && let Some(detail) = gateway.find_at(&path).await?
    {
        return Ok(Some(detail));
    }
    let all: serde_json::Value = gateway.read(gateway.text("/status").await?.as_bytes())?;
    let servers = all.get("servers").and_then(|all| all.as_array());
    let found = servers.into_iter().flatten().find(|it| it["name"] == name);
    Ok(found.map(|server| serde_json::json!({ "server": server })))
}

/// Where a server of that name is, if one can be called so.
pub(super) fn path(name: &str) -> Option<String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let is_name = !name.is_empty() && name.bytes().all(is_plain);
    is_name.then(|| format!("/status/servers/{name}"))
}

/// What is said where there is no such server.
pub(super) async fn unknown(gateway: &Gateway, name: &str) -> Result<Failed, Failed> {
    let all: Overview = gateway.read(gateway.text("/status").await?.as_bytes())?;
    let names: Vec<&str> = all.servers.iter().map(|it| it.name.as_str()).collect();
    let there = if names.is_empty() {
        "there is none".to_owned()
    } else {
        format!("there are: {}", names.join(", "))
    };
    Ok(Failed::said(
        UNKNOWN,
        format!("no server is called '{name}'; {there}"),
    ))
}

fn print(detail: &Detail, screen: &mut Screen<'_>) -> io::Result<()> {
    let server = &detail.server;
    let (dot, tint) = standing(&server.state);
    let (dot, state) = (
        screen.paint(dot, tint),
        screen.paint(&shown(&server.state), tint),
    );
    let since = server.uptime_seconds.map(|up| format!(", up {}", time(up)));
    let name = screen.paint(&shown(&server.name), Tint::Title);
    writeln!(
        screen.out,
        "{dot} {name}: {state}{}",
        since.unwrap_or_default()
    )?;
    for (title, text) in facts(server) {
        let title = screen.paint(&format!("{title:>10}"), Tint::Aside);
        writeln!(screen.out, "{title}  {}", shown(&text))?;
    }
    match &detail.log {
        Some(log) => print_log(log, screen),
        None => Ok(()),
    }
}

fn facts(server: &Server) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let why = why(server);
    if !why.is_empty() {
        facts.push(("why", why));
    }
    if server.failures > 0 {
        facts.push((
            "ladder",
            format!(
                "failed {} in a row",
                count(server.failures as usize, "time")
            ),
        ));
    }
    if let Some(likely) = &server.likely {
        facts.push(("cause", likely.cause.clone()));
        facts.push(("remedy", likely.remedy.clone()));
    }
    facts.extend(processes(server).map(|text| ("process", text)));
    facts.push((
        "tools",
        format!(
            "{}, {}, about {} tokens",
            server.tools,
            bytes(server.tools_bytes),
            server.tools_tokens
        ),
    ));
    let held = server.held();
    if !held.is_empty() {
        let (name, tools) = (&server.name, held.join(", "));
        facts.push((
            "held",
            format!("{tools}; 'mcproxy approve {name}' shows what is new"),
        ));
    }
    facts.push(("calls", calls(server)));
    if server.instances > 0 {
        facts.push((
            "sessions",
            format!("{} of its own", count(server.instances, "instance")),
        ));
    }
    if !server.awake_for.is_empty() {
        let why = server.awake_for.join(", ").replace('_', " ");
        facts.push(("awake", format!("for {why}")));
    }
    facts.extend(past(server));
    facts
}

/// What became of it so far, and what is wrong with what it says.
fn past(server: &Server) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.extend(server.restarts.map(|count| ("restarts", count.to_string())));
    for exit in &server.exits {
        let lived = exit
            .lived_seconds
            .map(|lived| format!(", after {}", time(lived)));
        let lived = lived.unwrap_or_default();
        facts.push(("exit", format!("{}  {}{lived}", clock(&exit.at), exit.why)));
    }
    if server.junk_lines > 0 {
        facts.push((
            "junk",
            format!("{} lines on stdout are no JSON-RPC", server.junk_lines),
        ));
    }
    if server.dropped_answers > 0 {
        facts.push(("dropped", format!("{} answers", server.dropped_answers)));
    }
    facts.extend(server.warnings.iter().map(|text| ("warning", text.clone())));
    let unread = server.unread.iter();
    facts.extend(unread.map(|it| ("unread", format!("{}: {}", it.list, it.why))));
    let left_out = server.left_out.iter();
    facts.extend(left_out.map(|it| {
        (
            "left out",
            format!("{} of {}: {}", it.count, it.list, it.why),
        )
    }));
    facts
}

/// `pid 4711; 3 processes, 120.0 MiB, 0.4 % of a core`
fn processes(server: &Server) -> Option<String> {
    let pid = server.pid.map(|pid| format!("pid {pid}"));
    let tree = server.processes.as_ref().map(|tree| {
        let cpu = tree
            .cpu_percent
            .map(|cpu| format!(", {cpu:.1} % of a core"));
        let (number, memory) = (tree.count, bytes(tree.memory_bytes));
        let plural = if number == 1 { "" } else { "es" };
        format!(
            "{number} process{plural}, {memory}{}",
            cpu.unwrap_or_default()
        )
    });
    let both: Vec<String> = pid.into_iter().chain(tree).collect();
    (!both.is_empty()).then(|| both.join("; "))
}

fn calls(server: &Server) -> String {
    let mut text = format!("{} in flight", server.calls_in_flight);
    if let Some(calls) = &server.calls {
        text = format!("{} so far, {} failed, {text}", calls.total, calls.failed);
        if let (Some(p50), Some(p99)) = (calls.p50_ms, calls.p99_ms) {
            text = format!("{text}; half within {p50:.0} ms, 99 % within {p99:.0} ms");
        }
    }
    text
}

fn print_log(log: &Log, screen: &mut Screen<'_>) -> io::Result<()> {
    let lines = |lines: &[Line]| lines.iter().map(log_line).collect::<Vec<_>>();
    let dropped = |it: &Dropped| format!("{}  {}", clock(&it.at), it.reason);
    let dropped: Vec<String> = log.dropped.iter().map(dropped).collect();
    for (title, lines, most) in [
        ("answers that were dropped", dropped, FEW),
        ("junk on stdout", lines(&log.junk), FEW),
        ("stderr", lines(&log.stderr), LINES),
    ] {
        if lines.is_empty() {
            continue;
        }
        let title = screen.paint(title, Tint::Title);
        writeln!(screen.out, "\n{title}")?;
        for line in last(&lines, most) {
            screen.line(line)?;
        }
    }
    Ok(())
}

/// The last so many of them.
pub(super) fn last<T>(all: &[T], most: usize) -> &[T] {
    all.get(all.len().saturating_sub(most)..).unwrap_or(all)
}

/// `10:02:11  text`
pub(super) fn log_line(line: &Line) -> String {
    format!("{}  {}", clock(&line.at), line.text)
}

/// The time of day of an RFC 3339 time, with its day if that is not known to be today's.
pub(super) fn clock(at: &str) -> String {
    let Some((day, time)) = at.split_once('T') else {
        return at.to_owned();
    };
    let time: String = time.chars().take(8).collect();
    format!("{day} {time}")
}
