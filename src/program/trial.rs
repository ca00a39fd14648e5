//! For `mcproxy check --start`: a tree without a port starts each server once, as the gateway does, so many at a time,
//! and ends them all again.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io::{self, Write};
use std::path::Path;
use std::task::Poll;
use std::time::Duration;

use serde::Deserialize;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{Instant, sleep, timeout_at};

use super::LEAST_WORKERS;
use crate::cli::check::{Trial, Tried};
use crate::config::model::{Config, Entry, Given};
use crate::process;
use crate::supervise::Spawn;
use crate::tree::{self, Notice, Portless, Settings, StatusHandle};

/// Beside the times that the servers have for their starts.
const SLACK: Duration = Duration::from_secs(10);
/// How long the names of tools are waited for, once their servers are ready. A filter may hide all of them.
const TABLE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);

/// Starts the servers of the file at `path`, and says to `progress` how far that is. What is not among the answers
/// was not ready in time, or a signal came first.
///
/// # Errors
/// If the tree cannot be started.
pub fn trial(
    path: &Path,
    (config, command_line): (&Config, &Given),
    spawn: impl Spawn,
    progress: Option<&mut dyn Write>,
) -> io::Result<Trial> {
    let mut settings = Settings::new(path.to_owned());
    settings.command_line = command_line.clone();
    let slots = settings.supervision.start_slots.get();
    let specs = config.servers.iter().filter_map(|entry| match entry {
        Entry::Run(spec, _) => Some(spec),
        Entry::Disabled(_) | Entry::Refused(_) => None,
    });
    let longest = specs.clone().map(|spec| spec.start_timeout).max();
    let count = specs.count();
    let rounds = u32::try_from(count.div_ceil(slots)).unwrap_or(u32::MAX);
    let patience = longest.unwrap_or_default().saturating_mul(rounds) + SLACK;
    // So that what a server leaves behind is found.
    process::adopt_orphans(&settings.groups).ok();
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(LEAST_WORKERS)
        .enable_all()
        .build()?;
    let tried = runtime.block_on(start_all(settings, spawn, (count, patience), progress));
    runtime.shutdown_background();
    tried
}

async fn start_all(
    mut settings: Settings,
    spawn: impl Spawn,
    (count, patience): (usize, Duration),
    mut progress: Option<&mut dyn Write>,
) -> io::Result<Trial> {
    // Before the first server: without handlers a signal would leave them behind.
    let mut signals = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
        signal(SignalKind::quit())?,
    ];
    let groups = settings.groups.clone();
    let (sender, notices) = mpsc::unbounded_channel();
    settings.notices = Some(sender);
    let (door, mut doors) = mpsc::unbounded_channel();
    let mut tree = tree::start(settings, spawn, Portless(door))
        .await
        .map_err(|error| io::Error::other(error.to_string()))?;
    let mut tried = BTreeMap::new();
    let is_interrupted = tokio::select! {
        () = listen(notices, (count, patience), &mut tried, &mut progress) => false,
        () = any(&mut signals) => true,
    };
    if let Some(links) = doors.recv().await {
        name_tools(&links.status, &mut tried).await;
    }
    if let Some(progress) = progress {
        write!(progress, "\r\x1b[K")
            .and_then(|()| progress.flush())
            .ok();
    }
    tree.stop();
    tree.wait().await;
    process::end_all(&groups, false).await;
    Ok(Trial {
        tried,
        is_interrupted,
    })
}

async fn any(signals: &mut [Signal]) {
    poll_fn(|context| {
        let mut signals = signals.iter_mut();
        if signals.any(|signal| signal.poll_recv(context).is_ready()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// What becomes of each of them first.
async fn listen(
    mut notices: UnboundedReceiver<Notice>,
    (count, patience): (usize, Duration),
    tried: &mut BTreeMap<String, Tried>,
    progress: &mut Option<&mut dyn Write>,
) {
    let start = Instant::now();
    say(progress, tried, count);
    while tried.len() < count {
        let Ok(Some(notice)) = timeout_at(start + patience, notices.recv()).await else {
            break;
        };
        let (server, outcome, help) = match notice {
            Notice::ServerReady { server, tools } => (server, Ok(tools), None),
            Notice::ServerFailed {
                server,
                why,
                said,
                likely,
            } => {
                let said = said.map_or_else(String::new, |said| format!("; it wrote: {said}"));
                let help = likely.map(|known| format!("{}: {}", known.cause, known.remedy));
                (server, Err(format!("{why}{said}")), help)
            }
        };
        let time = start.elapsed();
        tried.entry(server.to_string()).or_insert(Tried {
            outcome,
            tools: Vec::new(),
            help,
            time,
        });
        say(progress, tried, count);
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Adds the names of the tools, as clients see them. The table of the last that was ready may be on its way.
async fn name_tools(status: &StatusHandle, tried: &mut BTreeMap<String, Tried>) {
    let end = Instant::now() + TABLE;
    loop {
        let listed = status.tools().await.unwrap_or_default();
        for server in listed {
            if let Some(tried) = tried.get_mut(server.server.as_str()) {
                let tools = server.tools.iter();
                let named = tools.filter_map(|tool| serde_json::from_slice(tool).ok());
                tried.tools = named.map(|Named { name }| name).collect();
            }
        }
        let is_missing = |tried: &Tried| tried.tools.is_empty() && matches!(tried.outcome, Ok(1..));
        if !tried.values().any(is_missing) || Instant::now() > end {
            return;
        }
        sleep(LOOK).await;
    }
}

fn say(progress: &mut Option<&mut dyn Write>, tried: &BTreeMap<String, Tried>, count: usize) {
    if let Some(progress) = progress {
        let done = tried.len();
        // A terminal that has gone is no reason to stop.
        write!(progress, "\r\x1b[Kstarting servers: {done} of {count}")
            .and_then(|()| progress.flush())
            .ok();
    }
}
