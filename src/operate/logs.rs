//! `mcproxy logs`: what a server wrote to its stderr, and writes.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use super::gateway::{Failed, Gateway, Where};
use super::report::{Detail, Line};
use super::screen::{Screen, shown};
use super::server::{last, log_line, path, unknown};
use super::{DONE, UNAVAILABLE};

pub(super) const EXAMPLES: &str = "\
Examples:
  mcproxy logs github            the last 50 lines
  mcproxy logs github -n 10      the last 10
  mcproxy logs github -f         the last 10, and each that comes

Lines are kept since the gateway's start, the last 200 of each server; older ones are in the gateway's log.";

/// What is kept comes at once, what is new comes later.
const QUIET: Duration = Duration::from_millis(300);
const FOLLOWED: usize = 10;
const SHOWN: usize = 50;

/// Which lines.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LogsWish {
    /// The server
    server: String,
    /// Go on with each line that comes, until you end it
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines [default: 50, with -f 10]
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
    #[command(flatten)]
    at: Where,
}

pub(super) async fn run(
    wish: &LogsWish,
    state_dir: Option<&Path>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    let gateway = Gateway::find(&wish.at, state_dir)?;
    let of_server = path(&wish.server);
    let detail: Option<Detail> = match &of_server {
        Some(path) => gateway.find_at(path).await?,
        None => None,
    };
    let (Some(path), Some(detail)) = (of_server, detail) else {
        return Err(unknown(&gateway, &wish.server).await?);
    };
    let Some(log) = detail.log else {
        let words = "this gateway shows nobody what servers write; where tokens are configured, it does to who \
                     shows one: --token-file";
        return Err(Failed::said(UNAVAILABLE, words));
    };
    if !wish.follow && wish.lines.is_none_or(|most| most <= log.stderr.len()) {
        let most = wish.lines.unwrap_or(SHOWN);
        for line in last(&log.stderr, most) {
            screen.line(&log_line(line))?;
        }
        return Ok(DONE);
    }
    stream(&gateway, &format!("{path}/log"), wish, screen).await
}

async fn stream(
    gateway: &Gateway,
    path: &str,
    wish: &LogsWish,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    let mut events = gateway.events(path).await?;
    let mut kept: Option<Vec<String>> = Some(Vec::new());
    let default = if wish.follow { FOLLOWED } else { SHOWN };
    let most = wish.lines.unwrap_or(default);
    loop {
        let next = match &mut kept {
            None => Some(events.next().await),
            Some(_) => timeout(QUIET, events.next()).await.ok(),
        };
        let Some(next) = next else {
            for line in last(&kept.take().unwrap_or_default(), most) {
                writeln!(screen.out, "{line}")?;
            }
            screen.out.flush()?;
            if wish.follow {
                continue;
            }
            return Ok(DONE);
        };
        let Some((name, data)) = next.map_err(|error| gateway.failed(&error))? else {
            let words = "the gateway ended the stream: it stops, or the server is gone";
            return Err(Failed::said(UNAVAILABLE, words));
        };
        if name != "line" {
            continue;
        }
        let line: Line = gateway.read(&data)?;
        let line = shown(&log_line(&line));
        match &mut kept {
            Some(kept) if kept.len() < KEPT => kept.push(line),
            Some(_) => {
                // It writes without a pause: what came so far is shown.
                let all = kept.take().unwrap_or_default();
                for line in last(&all, most) {
                    writeln!(screen.out, "{line}")?;
                }
                writeln!(screen.out, "{line}")?;
            }
            None => {
                writeln!(screen.out, "{line}")?;
                screen.out.flush()?;
            }
        }
    }
}

/// As many lines as a gateway keeps.
const KEPT: usize = 200;
