//! The call log (`--call-log`): one JSON object a line for each request that goes to a server. Who, what,
//! how it ended, how long it took; never arguments and never results. A file is written by a thread of its
//! own: a disk that is slow, full or gone costs records, which are counted, and no call.

#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use self::writer::Writer;
use super::log::is_unsafe;
use super::metrics::Counter;
use crate::ids::{Owner, ProfileId, ServerName};

/// What a client calls itself and its tools is cut after so many bytes.
const LONGEST: usize = 256;

/// Where the records go. Clones write to the same place.
#[derive(Debug, Clone)]
pub struct CallLog {
    place: Place,
    names: Arc<RwLock<Names>>,
}

/// What those are called who call, and what they are shown.
#[derive(Debug, Default)]
struct Names {
    tokens: HashMap<Owner, Arc<str>>,
    profiles: HashMap<ProfileId, Arc<str>>,
}

#[derive(Debug, Clone)]
enum Place {
    Log,
    File(Arc<Writer>),
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a result.
    Ok,
    /// With a result of a tool that says it is an error.
    ToolError,
    /// With an error, which has this code if its server or the gateway gave one.
    Error(Option<i64>),
    /// Its client took it back.
    Cancelled,
    /// Its server, or the start of that, took too long.
    TimedOut,
    /// Its server or the gateway ended while it ran, or its client was gone.
    Lost,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::Error(_) => "error",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
        }
    }
}

/// What is known of a call when it comes. Its names are as long as its client likes; a record keeps the
/// beginning of each.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// Whose it is.
    pub owner: Owner,
    /// What its client calls itself.
    pub client: Option<&'a str>,
    /// The client's version.
    pub client_version: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// The tool, as the client knows it.
    pub tool: Option<&'a str>,
    /// How large its params are.
    pub request_bytes: usize,
    /// W3C Trace Context, of `_meta`.
    pub traceparent: Option<&'a str>,
}

/// What a record keeps of that.
#[derive(Debug)]
struct Kept {
    client: Option<Box<str>>,
    client_version: Option<Box<str>>,
    method: Box<str>,
    tool: Option<Box<str>>,
    request_bytes: usize,
    traceparent: Option<Box<str>>,
}

/// A call that runs. Dropping it records that it was lost.
#[derive(Debug)]
pub struct CallRecord {
    log: CallLog,
    at: Timestamp,
    since: Instant,
    asked: Kept,
    token: Option<Arc<str>>,
    profile: Option<Arc<str>>,
    server: Option<ServerName>,
    end: Option<(Outcome, usize)>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    token: Option<&'a str>,
    client: Option<&'a str>,
    client_version: Option<&'a str>,
    profile: Option<&'a str>,
    server: Option<&'a str>,
    method: &'a str,
    tool: Option<&'a str>,
    outcome: &'static str,
    code: Option<i64>,
    duration_ms: f64,
    request_bytes: usize,
    response_bytes: usize,
    traceparent: Option<&'a str>,
}

impl CallLog {
    /// What `--call-log` says: `log`, or a file.
    ///
    /// # Errors
    /// If the thread that writes the file can't be started.
    pub fn at(place: &Path) -> io::Result<Self> {
        let place = if place == Path::new("log") {
            Place::Log
        } else {
            let writer = Writer::start(PathBuf::from(place))?;
            Place::File(Arc::new(writer))
        };
        let names = Arc::default();
        Ok(Self { place, names })
    }

    /// What tokens are called from now on.
    pub fn name_tokens(&self, names: impl Iterator<Item = (Owner, Arc<str>)>) {
        let mut known = self.names.write().unwrap_or_else(PoisonError::into_inner);
        known.tokens = names.collect();
    }

    /// What profiles are called from now on.
    pub fn name_profiles(&self, names: impl Iterator<Item = (ProfileId, Arc<str>)>) {
        let mut known = self.names.write().unwrap_or_else(PoisonError::into_inner);
        known.profiles = names.collect();
    }

    /// A call comes.
    #[must_use]
    pub fn begin(&self, asked: &Asked<'_>) -> CallRecord {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let token = names.tokens.get(&asked.owner.in_profile(None)).cloned();
        let profile = asked.owner.profile();
        let profile = profile.and_then(|profile| names.profiles.get(&profile).cloned());
        CallRecord {
            log: self.clone(),
            at: Timestamp::now(),
            since: Instant::now(),
            asked: Kept {
                client: asked.client.map(cut),
                client_version: asked.client_version.map(cut),
                method: cut(asked.method),
                tool: asked.tool.map(cut),
                request_bytes: asked.request_bytes,
                traceparent: asked.traceparent.map(cut),
            },
            token,
            profile,
            server: None,
            end: None,
        }
    }

    /// The file was moved away: the next record begins another.
    pub fn reopen(&self) {
        match &self.place {
            Place::Log => {}
            Place::File(writer) => writer.reopen(),
        }
    }

    /// Waits until all is written, at most so long.
    pub fn finish(&self, limit: Duration) {
        match &self.place {
            Place::Log => {}
            Place::File(writer) => writer.finish(limit),
        }
    }

    /// Counts the records that could not be written.
    #[must_use]
    pub fn lost(&self) -> Counter {
        match &self.place {
            Place::Log => Counter::default(),
            Place::File(writer) => writer.lost(),
        }
    }

    fn put(&self, mut line: Vec<u8>) {
        match &self.place {
            Place::Log => log::info!("call {}", String::from_utf8_lossy(&line)),
            Place::File(writer) => {
                line.push(b'\n');
                writer.put(line.into());
            }
        }
    }
}

impl CallRecord {
    /// It goes to this server.
    pub fn goes_to(&mut self, server: &ServerName) {
        self.server = Some(server.clone());
    }

    /// It has ended, with a result or error of so many bytes.
    pub fn end(mut self, server: Option<&ServerName>, outcome: Outcome, response_bytes: usize) {
        self.server = server.cloned().or(self.server.take());
        self.end = Some((outcome, response_bytes));
    }

    fn line(&self) -> serde_json::Result<String> {
        let (outcome, response_bytes) = self.end.unwrap_or((Outcome::Lost, 0));
        let Kept {
            client,
            client_version,
            method,
            tool,
            request_bytes,
            traceparent,
        } = &self.asked;
        let micros = u32::try_from(self.since.elapsed().as_micros()).unwrap_or(u32::MAX);
        let line = serde_json::to_string(&Line {
            time: format!("{:.3}", self.at),
            token: self.token.as_deref(),
            client: client.as_deref(),
            client_version: client_version.as_deref(),
            profile: self.profile.as_deref(),
            server: self.server.as_ref().map(ServerName::as_str),
            method,
            tool: tool.as_deref(),
            outcome: outcome.word(),
            code: match outcome {
                Outcome::Error(code) => code,
                Outcome::Ok
                | Outcome::ToolError
                | Outcome::Cancelled
                | Outcome::TimedOut
                | Outcome::Lost => None,
            },
            duration_ms: f64::from(micros) / 1000.0,
            request_bytes: *request_bytes,
            response_bytes,
            traceparent: traceparent.as_deref(),
        })?;
        Ok(escaped(line))
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        if let Ok(line) = self.line() {
            self.log.put(line.into_bytes());
        }
    }
}

/// What acts on a terminal, or makes a name look like another, as JSON spells characters: the file is
/// read by people too. It can stand in strings only.
fn escaped(line: String) -> String {
    if !line.contains(is_unsafe) {
        return line;
    }
    let mut escaped = String::with_capacity(line.len());
    for c in line.chars() {
        if !is_unsafe(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let spelled = format!("\\u{unit:04x}");
            escaped.push_str(&spelled);
        }
    }
    escaped
}

/// The beginning of a text: no more of it is copied.
fn cut(text: &str) -> Box<str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
    let (start, _) = text.split_at(end.unwrap_or_default());
    [start, "…"].concat().into()
}
