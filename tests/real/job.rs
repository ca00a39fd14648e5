//! What a client script is to do, and what it saw: jobs go to it as JSON, observations come back as
//! lines, and those of one job can be held against another's.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gateway::Gateway;
use crate::servers::Server;

/// What an observation is called that is no part of what a job is about.
pub(crate) const REVISION: &str = "the revision";

/// One session of a client.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) scenario: &'static str,
    transport: &'static str,
    era: &'static str,
    url: String,
    headers: BTreeMap<&'static str, String>,
    command: Vec<String>,
    env: BTreeMap<&'static str, String>,
    prefix: String,
    page: String,
}

/// How a client finds out which revision is spoken. Not every SDK has the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// By a handshake: up to 2025-11-25.
    Legacy,
    /// It asks for 2026-07-28 first, and shakes hands if that is not there.
    Auto,
    /// 2026-07-28 or nothing.
    Modern,
}

impl Era {
    /// As the scripts know it.
    fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Auto => "auto",
            Self::Modern => "modern",
        }
    }
}

/// A way into the gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over {
    Sse,
    Http,
}

impl Job {
    /// `scenario` with `server` alone, over its own pipe.
    pub(crate) fn bare(scenario: &'static str, server: &Server) -> Self {
        let mut command = vec![server.command.clone()];
        command.extend(server.args.iter().cloned());
        Self {
            name: format!("{scenario}-bare"),
            scenario,
            transport: "stdio",
            era: Era::Legacy.name(),
            url: String::new(),
            headers: BTreeMap::new(),
            command,
            env: server.env.clone(),
            prefix: String::new(),
            page: String::new(),
        }
    }

    /// `scenario` through the gateway; `server` is the one it is about, if it is about one.
    pub(crate) fn through(
        gateway: &Gateway,
        over: Over,
        scenario: &'static str,
        server: &str,
    ) -> Self {
        let (transport, url) = match over {
            Over::Sse => ("sse", gateway.sse()),
            Over::Http => ("http", gateway.http()),
        };
        Self {
            name: format!("{scenario}-{transport}"),
            scenario,
            transport,
            era: Era::Legacy.name(),
            url,
            headers: BTreeMap::new(),
            command: Vec::new(),
            env: BTreeMap::new(),
            prefix: if server.is_empty() {
                String::new()
            } else {
                format!("{server}__")
            },
            page: String::new(),
        }
    }

    /// The same through a program that stands between: it speaks stdio and knows the way.
    pub(crate) fn by(
        self,
        name: &str,
        command: Vec<String>,
        env: BTreeMap<&'static str, String>,
    ) -> Self {
        Self {
            name: format!("{}-by-{name}", self.name),
            transport: "stdio",
            command,
            env,
            ..self
        }
    }

    /// The same in this era.
    pub(crate) fn in_era(self, era: Era) -> Self {
        Self {
            name: format!("{}-{}", self.name, era.name()),
            era: era.name(),
            ..self
        }
    }

    /// The same with a token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        let headers = BTreeMap::from([("Authorization", format!("Bearer {token}"))]);
        Self { headers, ..self }
    }

    /// The same under another name.
    pub(crate) fn named(self, name: &str) -> Self {
        let name = format!("{}-{name}", self.name);
        Self { name, ..self }
    }

    /// The same with a page to fetch.
    pub(crate) fn with_page(self, page: &str) -> Self {
        Self {
            page: page.to_owned(),
            ..self
        }
    }
}

/// One line of a script.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Observation {
    job: String,
    about: String,
    saw: Value,
}

/// What was seen, in order.
#[derive(Debug, Default)]
pub(crate) struct Observations(Vec<Observation>);

impl Observations {
    pub(crate) fn push(&mut self, line: &str) -> Result<()> {
        let observation = serde_json::from_str(line).with_context(|| format!("said {line:?}"))?;
        self.0.push(observation);
        Ok(())
    }

    /// All but what a job says of its era.
    fn of(&self, job: &str) -> Vec<(&str, &Value)> {
        let own = self.0.iter().filter(|line| line.job == job);
        let own = own.filter(|line| line.about != REVISION);
        own.map(|line| (line.about.as_str(), &line.saw)).collect()
    }

    /// What `job` saw of `about`.
    pub(crate) fn saw(&self, job: &Job, about: &str) -> Result<&Value> {
        let mut own = self.0.iter().filter(|line| line.job == job.name);
        let found = own.find(|line| line.about == about);
        found
            .map(|line| &line.saw)
            .with_context(|| format!("{}: nothing of {about}", job.name))
    }

    /// Both jobs saw the same; of several servers' instructions the one's are part, without the
    /// white space around them.
    pub(crate) fn ensure_same(&self, seen: &Job, wanted: &Job) -> Result<()> {
        self.ensure_same_but(&[], seen, wanted)
    }

    /// The same but for these.
    pub(crate) fn ensure_same_but(&self, but: &[&str], seen: &Job, wanted: &Job) -> Result<()> {
        let counts = |job: &Job| {
            let mut all = self.of(&job.name);
            all.retain(|(about, _)| !but.contains(about));
            all
        };
        let (seen_all, wanted_all) = (counts(seen), counts(wanted));
        ensure!(!wanted_all.is_empty(), "{} saw nothing", wanted.name);
        for ((about, seen_value), (wanted_about, wanted_value)) in seen_all.iter().zip(&wanted_all)
        {
            let same = match (*about, seen_value, wanted_value) {
                ("instructions", Value::String(joined), Value::String(own)) => {
                    joined.contains(own.trim())
                }
                _ => seen_value == wanted_value,
            };
            ensure!(
                about == wanted_about && same,
                "{}, {about}:\n{seen_value:#}\n{}, {wanted_about}:\n{wanted_value:#}",
                seen.name,
                wanted.name
            );
        }
        ensure!(
            seen_all.len() == wanted_all.len(),
            "{}: {} observations; {}: {}",
            seen.name,
            seen_all.len(),
            wanted.name,
            wanted_all.len()
        );
        Ok(())
    }
}
