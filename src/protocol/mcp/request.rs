//! What a client asks of a server: a tool, a prompt, a resource. The name or URI in it says which
//! server; it, and the progress token, are all that changes on the way through. Arguments and
//! whatever else is beside them keep every byte (a number like `1.10`, a field that no revision
//! knows, an absent `arguments`).

use std::ops::Range;

use bytes::Bytes;

use super::super::modern::tasks;
use super::super::raw::{self, Member};
use super::super::version::Era;
use super::method;

mod rewrite;

pub use rewrite::Server;

/// What of a request is remembered until its answer comes, or for as long as a subscription, is not
/// longer than this: its name or URI, and its progress token.
const LONGEST_KEY: usize = 8 * 1024;
const LONGEST_TOKEN: usize = 1024;

/// What a request is about: which table says where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A tool's name.
    Tool,
    /// A prompt's name.
    Prompt,
    /// A resource's URI, or a resource template in a reference of `completion/complete`.
    Resource,
    /// A task's id.
    Task,
    /// What only some extension knows: the method says who is asked.
    Extension,
}

/// What stands for the methods of extensions that are not known here.
const OF_EXTENSION: &str = "a method of an extension";

/// The params of a request that goes to a server, with the places that have to be rewritten.
#[derive(Debug, Clone)]
pub struct ClientRequest {
    era: Era,
    gives_back: bool,
    method: &'static str,
    /// The method's own name, where `method` stands for it.
    own_method: Option<Box<str>>,
    subject: Subject,
    params: Bytes,
    /// Where the `_meta` is.
    meta: Option<Range<usize>>,
    /// Whether something in it belongs to one era only.
    is_of_era: bool,
    key: String,
    span: Range<usize>,
    token: Option<(Box<str>, Range<usize>)>,
    /// Where a call wishes for a task.
    task: Option<Range<usize>>,
    input: Option<Bytes>,
}

impl ClientRequest {
    /// Whether requests of this kind go to a server: the method, as a constant.
    #[must_use]
    pub fn routed(method: &str) -> Option<&'static str> {
        const ROUTED: [&str; 6] = [
            method::TOOLS_CALL,
            method::PROMPTS_GET,
            method::RESOURCES_READ,
            method::RESOURCES_SUBSCRIBE,
            method::RESOURCES_UNSUBSCRIBE,
            method::COMPLETE,
        ];
        ROUTED.into_iter().find(|routed| *routed == method)
    }

    /// Finds the name, URI or task and the progress token in the params of a [`Self::routed`] method, or of
    /// one of [`tasks::method`].
    /// `era` is the client's. The error says what is wrong with the params.
    pub fn parse(era: Era, method: &'static str, params: &Bytes) -> Result<Self, String> {
        let text = raw::text(params, "the params' bytes")?;
        let names = [
            key_of(method),
            "ref",
            "_meta",
            "task",
            "requestState",
            "inputResponses",
        ];
        let [key, reference, meta, task, state, input] =
            raw::pick_read(text, names).ok_or("the params are unusable: they are no object")?;
        let (subject, raw_key) = if method == method::COMPLETE {
            reference_key(reference.once("ref")?.ok_or("the params have no 'ref'")?)?
        } else {
            let name = key_of(method);
            let missing = || format!("the params have no '{name}'");
            (subject_of(method), key.once(name)?.ok_or_else(missing)?)
        };
        let name = match subject {
            Subject::Tool | Subject::Prompt => "name",
            Subject::Resource => "uri",
            Subject::Task | Subject::Extension => tasks::ID,
        };
        if raw_key.len() > LONGEST_KEY {
            return Err(format!("'{name}' is longer than {LONGEST_KEY} bytes"));
        }
        let key = raw::string(raw_key).ok_or_else(|| format!("'{name}' is not a string"))?;
        let is_of_era = [task, state, input]
            .iter()
            .any(|found| *found != Member::Absent);
        let token = meta.value("_meta")?.map(progress_token).transpose()?;
        let task = match subject {
            Subject::Tool => task.once("task")?,
            Subject::Prompt | Subject::Resource | Subject::Task | Subject::Extension => None,
        };
        Ok(Self {
            era,
            input: None,
            gives_back: era == Era::Modern && state != Member::Absent,
            task: task.map(|task| raw::member_span(text, task)),
            method,
            subject,
            params: params.clone(),
            meta: meta.once("_meta")?.map(|meta| raw::span(text, meta)),
            is_of_era,
            key: key.into(),
            span: raw::span(text, raw_key),
            token: token
                .flatten()
                .map(|token| (token.into(), raw::span(text, token))),
            own_method: None,
        })
    }

    /// A request with a method that only some extension knows, of a client without a handshake. Nothing of
    /// its params is the gateway's to change but the progress token.
    pub fn of_extension(method: &str, params: &Bytes) -> Result<Self, String> {
        let text = raw::text(params, "the params' bytes")?;
        let [meta] =
            raw::pick_read(text, ["_meta"]).ok_or("the params are unusable: they are no object")?;
        let token = meta.value("_meta")?.map(progress_token).transpose()?;
        Ok(Self {
            own_method: Some(method.into()),
            key: method.to_owned(),
            meta: meta.once("_meta")?.map(|meta| raw::span(text, meta)),
            is_of_era: true,
            token: token
                .flatten()
                .map(|token| (token.into(), raw::span(text, token))),
            ..Self::bare(OF_EXTENSION, Subject::Extension, params.clone())
        })
    }

    /// The gateway's own wish to be told of a task, by the id that its client knows.
    #[must_use]
    pub fn to_hear_of_task(id: &str) -> Self {
        Self {
            key: id.to_owned(),
            ..Self::bare(method::RESOURCES_SUBSCRIBE, Subject::Task, Bytes::new())
        }
    }

    fn bare(method: &'static str, subject: Subject, params: Bytes) -> Self {
        Self {
            era: Era::Modern,
            gives_back: false,
            method,
            own_method: None,
            subject,
            params,
            meta: None,
            is_of_era: false,
            key: String::new(),
            span: 0..0,
            token: None,
            task: None,
            input: None,
        }
    }

    /// The client's era.
    #[must_use]
    pub fn era(&self) -> Era {
        self.era
    }

    /// The method, or what stands for it.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The method as it is written.
    #[must_use]
    pub fn own_method(&self) -> &str {
        self.own_method.as_deref().unwrap_or(self.method)
    }

    /// Whether its client answers what it was asked, and gives back the state that it was shown.
    #[must_use]
    pub fn gives_back(&self) -> bool {
        self.gives_back
    }

    /// The same as if its client had been asked nothing.
    #[must_use]
    pub fn as_new(self) -> Self {
        let gives_back = false;
        Self { gives_back, ..self }
    }

    /// How large its params are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.params.len()
    }

    /// Its params as its client sent them.
    #[must_use]
    pub fn params(&self) -> &Bytes {
        &self.params
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// The name or URI as the client knows it, decoded.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The client's progress token, as raw JSON, so that it can be given back as it is written.
    #[must_use]
    pub fn progress_token(&self) -> Option<&str> {
        self.token.as_ref().map(|(raw, _)| raw.as_ref())
    }

    /// The same with what its client answered to the questions of its server: members of the params,
    /// without braces, for a server that has no handshake.
    #[must_use]
    pub fn with_input(self, members: Bytes) -> Self {
        let input = Some(members);
        Self { input, ..self }
    }
}

fn subject_of(method: &str) -> Subject {
    match method {
        method::TOOLS_CALL => Subject::Tool,
        method::PROMPTS_GET => Subject::Prompt,
        other if tasks::method(other).is_some() => Subject::Task,
        _ => Subject::Resource,
    }
}

fn key_of(method: &str) -> &'static str {
    match subject_of(method) {
        Subject::Tool | Subject::Prompt => "name",
        Subject::Resource => "uri",
        Subject::Task | Subject::Extension => tasks::ID,
    }
}

/// What a `completion/complete` is about: `ref/prompt` has a name, `ref/resource` a URI
/// (2025-11-25, server/utilities/completion, "Reference Types").
fn reference_key(reference: &str) -> Result<(Subject, &str), String> {
    let [kind, name, uri] = raw::pick(reference, ["type", "name", "uri"])
        .map_err(|error| format!("'ref' is unusable: {error}"))?;
    let kind = kind.once("ref.type")?.ok_or("'ref' has no 'type'")?;
    if raw::is_text(kind, "ref/prompt") {
        let name = name.once("ref.name")?.ok_or("'ref' has no 'name'")?;
        return Ok((Subject::Prompt, name));
    }
    if raw::is_text(kind, "ref/resource") {
        let uri = uri.once("ref.uri")?.ok_or("'ref' has no 'uri'")?;
        return Ok((Subject::Resource, uri));
    }
    Err("'ref.type' must be 'ref/prompt' or 'ref/resource'".to_owned())
}

fn progress_token(meta: &str) -> Result<Option<&str>, String> {
    let [token] =
        raw::pick_read(meta, ["progressToken"]).ok_or("'_meta' is unusable: it is no object")?;
    let token = token.value("progressToken")?;
    let is_token = |raw: &&str| raw.starts_with(|c: char| matches!(c, '"' | '-' | '0'..='9'));
    match token {
        Some(raw) if !is_token(&raw) => {
            Err("'_meta.progressToken' must be a string or an integer".to_owned())
        }
        Some(raw) if raw.len() > LONGEST_TOKEN => Err(format!(
            "'_meta.progressToken' is longer than {LONGEST_TOKEN} bytes"
        )),
        Some(_) | None => Ok(token),
    }
}

#[cfg(test)]
mod tests;
