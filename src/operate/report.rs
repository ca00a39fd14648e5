//! What a gateway says of itself, as far as it is shown. Of one that knows less, less is.

use serde::Deserialize;

/// `GET /status`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Overview {
    pub(super) version: String,
    pub(super) uptime_seconds: f64,
    pub(super) ready: bool,
    pub(super) configuration: Configuration,
    pub(super) servers: Vec<Server>,
    pub(super) sessions: Count,
    pub(super) connections: Count,
    pub(super) calls_in_flight: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Count {
    pub(super) open: i64,
    pub(super) limit: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Configuration {
    pub(super) refused: Vec<String>,
    pub(super) faulty: bool,
    pub(super) faults: Vec<Fault>,
}

/// What is wrong with a line of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    pub(super) r#where: Option<String>,
    pub(super) line: Option<usize>,
    pub(super) column: Option<usize>,
    pub(super) what: String,
    pub(super) hint: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) pid: Option<u32>,
    pub(super) failures: u32,
    pub(super) next_try_seconds: Option<f64>,
    pub(super) why: Option<String>,
    pub(super) tools: usize,
    pub(super) tools_bytes: u64,
    pub(super) tools_tokens: u64,
    pub(super) calls_in_flight: i64,
    pub(super) instances: usize,
    pub(super) awake_for: Vec<String>,
    pub(super) uptime_seconds: Option<f64>,
    pub(super) restarts: Option<u64>,
    pub(super) exits: Vec<Exit>,
    pub(super) likely: Option<Likely>,
    pub(super) junk_lines: u64,
    pub(super) dropped_answers: u64,
    pub(super) processes: Option<Processes>,
    pub(super) calls: Option<Calls>,
    pub(super) warnings: Vec<String>,
    pub(super) unread: Vec<Unread>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) definitions_changed: Vec<ChangedTool>,
}

impl Server {
    /// The tools that clients are not shown as they are now.
    pub(super) fn held(&self) -> Vec<&str> {
        let changed = self.definitions_changed.iter();
        let held = changed.filter(|changed| changed.held);
        held.map(|changed| changed.tool.as_str()).collect()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChangedTool {
    pub(super) tool: String,
    pub(super) held: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Exit {
    pub(super) at: String,
    pub(super) why: String,
    pub(super) lived_seconds: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Likely {
    pub(super) cause: String,
    pub(super) remedy: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Processes {
    pub(super) count: usize,
    pub(super) memory_bytes: u64,
    pub(super) cpu_percent: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Calls {
    pub(super) total: u64,
    pub(super) failed: u64,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Unread {
    pub(super) list: String,
    pub(super) why: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct LeftOut {
    pub(super) list: String,
    pub(super) why: String,
    pub(super) count: usize,
}

/// `GET /status/servers/NAME`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    pub(super) server: Server,
    pub(super) log: Option<Log>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Log {
    pub(super) stderr: Vec<Line>,
    pub(super) junk: Vec<Line>,
    pub(super) dropped: Vec<Dropped>,
}

/// A line that a server wrote.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    pub(super) at: String,
    pub(super) text: String,
}

/// An answer that could not be passed on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Dropped {
    pub(super) at: String,
    pub(super) reason: String,
}
