//! What `mcproxy check --start` saw: each server started once, as the gateway starts it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::super::table;
use super::plain;
use crate::config::model::{Config, Entry};
use crate::config::{Origin, Parsed, Problem, Severity};
use crate::ids::ServerName;

/// Starts the servers of the configuration at this path.
pub type Start<'a> = &'a dyn Fn(&Path, &Config) -> io::Result<Trial>;

/// What became of the servers.
#[derive(Debug, Default)]
pub struct Trial {
    /// Of those that were ready, or failed.
    pub tried: BTreeMap<String, Tried>,
    /// A signal came before that was known of all.
    pub is_interrupted: bool,
}

/// What became of a server.
#[derive(Debug)]
pub struct Tried {
    /// How many tools it offers, or why it failed.
    pub outcome: Result<usize, String>,
    /// What may help.
    pub help: Option<String>,
    /// How long that took, since the first of them was started.
    pub time: Duration,
}

/// All of them, in the order of the file.
pub(super) struct Started {
    servers: Vec<(ServerName, Option<Tried>)>,
    pub(super) is_interrupted: bool,
}

impl Started {
    /// Starts them, and adds to `problems` what failed.
    pub(super) fn try_all(
        start: Start<'_>,
        path: &Path,
        parsed: &Parsed,
        problems: &mut Vec<Problem>,
    ) -> io::Result<Self> {
        let Trial {
            mut tried,
            is_interrupted,
        } = start(path, &parsed.config)?;
        let mut servers = Vec::new();
        for (entry, origin) in parsed.config.servers.iter().zip(&parsed.origins) {
            let Entry::Run(spec, _) = entry else {
                continue;
            };
            let tried = tried.remove(spec.name.as_str());
            let why = match &tried {
                Some(Tried { outcome: Ok(_), .. }) => None,
                Some(Tried {
                    outcome: Err(why), ..
                }) => Some(format!("it did not start: {}", plain(why))),
                None if is_interrupted => None,
                None => Some("it did not start in time".to_owned()),
            };
            let help = || tried.as_ref().and_then(|tried| tried.help.clone());
            problems.extend(why.map(|why| problem(origin, why, help())));
            servers.push((spec.name.clone(), tried));
        }
        Ok(Self {
            servers,
            is_interrupted,
        })
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.servers.is_empty() {
            return Ok(());
        }
        let titles = ["SERVER", "START", "TOOLS", "AFTER"];
        let mut lines = vec![titles.map(str::to_owned).to_vec()];
        lines.extend(self.servers.iter().map(|(server, tried)| {
            let (word, tools) = match tried.as_ref().map(|tried| &tried.outcome) {
                Some(Ok(tools)) => ("ready", tools.to_string()),
                Some(Err(_)) => ("failed", String::new()),
                None if self.is_interrupted => ("not tried: interrupted", String::new()),
                None => ("late", String::new()),
            };
            let after = tried.as_ref().map_or_else(String::new, |tried| {
                format!("{:.1} s", tried.time.as_secs_f64())
            });
            vec![server.to_string(), word.to_owned(), tools, after]
        }));
        table::print(&lines, out)
    }
}

fn problem(origin: &Origin, message: String, help: Option<String>) -> Problem {
    let command = origin.command.as_ref().or(origin.url.as_ref());
    let place = command.map_or(origin.place, |command| command.place);
    Problem {
        severity: Severity::Error,
        line: place.line,
        column: place.column,
        path: command.map_or_else(String::new, |command| command.path.clone()),
        server: Some(origin.server.to_string()),
        message,
        help,
    }
}
