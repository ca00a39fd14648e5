//! The shapes in which the tree is told of: what people and programs are shown. Of a server its name, its state and
//! numbers; nothing of what it is started from, and of how it ended only the gateway's own words.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::definitions::ChangedTool;
use super::events::StatusEvent;
use super::figures::{CallsStatus, ProcessesStatus};
use super::gaps::{LeftOut, Unread};
use super::standing::Standing;
use crate::ids::{ProfileId, ServerName};
use crate::tree::config::ConfigurationFault;
use crate::tree::history::{Exit as ServerExit, Likely, ServerHistory};
use crate::tree::registry::Held;
use crate::tree::upstream::AwakeFor;

/// The tree at one moment.
#[derive(Debug, Clone, Default)]
pub struct TreeStatus {
    /// Every server that is configured, in the configuration's order, then those that still stop.
    pub servers: Vec<ServerStatus>,
    /// Every profile that holds, in the configuration's order.
    pub profiles: Vec<ProfileStatus>,
    /// What became of the configuration file.
    pub configuration: ConfigurationStatus,
    /// Those of them that have never told what they offer: lists are without them.
    pub missing: Vec<String>,
    /// For whose sessions clients are not told of 2026-07-28, if that is why.
    pub held_back_by: Option<String>,
    /// Whether there has been a configuration that could be used.
    pub is_configured: bool,
    /// What happened last, newest first.
    pub events: Vec<StatusEvent>,
    /// Another text whenever a list of a server is another.
    pub catalogue: String,
    /// The names of the profiles that hold.
    pub profile_names: HashMap<ProfileId, String>,
    /// How many sessions there are.
    pub sessions: i64,
    /// How many there may be.
    pub session_limit: usize,
}

/// A server at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: Standing,
    /// Its process.
    pub pid: Option<u32>,
    /// How long that has run.
    pub uptime_seconds: Option<u64>,
    /// How often in a row it has failed.
    pub failures: u32,
    /// How often it was started again.
    pub restarts: u64,
    /// When it is started again.
    pub next_try_seconds: Option<f64>,
    /// How it ended last, if it has not been ready since.
    pub why: Option<String>,
    /// How its last lives ended, newest first.
    pub exits: Vec<ServerExit>,
    /// The probable cause of its last failure, and what helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likely: Option<Likely>,
    /// Lines of its stdout that were no message.
    pub junk_lines: u64,
    /// Answers of it that were thrown away.
    pub dropped_answers: u64,
    /// How many tools clients are offered of it, or were when it last could say.
    pub tools: usize,
    /// What they cost a model that reads all of them, in bytes and about so many tokens.
    pub tools_bytes: usize,
    /// As above.
    pub tools_tokens: usize,
    /// Calls that it was sent and has not answered.
    pub calls_in_flight: i64,
    /// Its calls so far.
    pub calls: CallsStatus,
    /// What its processes use; `None` if there are none, or nobody has looked.
    pub processes: Option<ProcessesStatus>,
    /// How many sessions have an instance of their own.
    pub instances: usize,
    /// Why one that may sleep is awake.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub awake_for: Vec<AwakeFor>,
    /// After so many calls it ends with code 0, each time, and is started again at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_after_calls: Option<u32>,
    /// What in its names may break a client, and what to do; that it offers nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Tools that it defines in another way than before, although its entry is the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub definitions_changed: Vec<ChangedTool>,
    /// Its lists that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// Entries of its lists that are not passed on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// What became of the configuration file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ConfigurationStatus {
    /// Entries that are run.
    pub servers: usize,
    /// Entries that can't be used.
    pub refused: Vec<String>,
    /// Whether something in the file, or all of it, can't be used; the log says what and where.
    pub faulty: bool,
    /// All that is wrong with it, without the file's own words.
    pub faults: Vec<ConfigurationFault>,
}

/// A profile at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileStatus {
    /// Its name.
    pub name: String,
    /// Whether addresses without a profile show it.
    pub default: bool,
    /// How many servers it shows, and how many tools of them.
    pub servers: usize,
    /// As above.
    pub tools: usize,
    /// What they cost a model that reads all of them, in bytes and about so many tokens.
    pub tools_bytes: usize,
    /// As above.
    pub tools_tokens: usize,
    /// How many sessions are shown it.
    pub sessions: i64,
}

/// One server, as the status has it, and more.
#[derive(Debug, Clone)]
pub struct ServerDetail {
    /// What the status says of it.
    pub status: ServerStatus,
    /// Its tools as clients are told of them, each a raw object.
    pub tools: Vec<Bytes>,
    /// What of its tools is held back; `None` where nothing ever is.
    pub held: Option<Arc<Vec<Held>>>,
    /// What is remembered of it.
    pub history: Arc<ServerHistory>,
}

/// The tools of one server as clients are told of them, each a raw object.
#[derive(Debug, Clone)]
pub struct ServerTools {
    /// Its name.
    pub server: ServerName,
    /// The tools.
    pub tools: Vec<Bytes>,
}
