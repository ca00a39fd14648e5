//! The extension for tasks (`io.modelcontextprotocol/tasks`): a server may answer a tool's call with a
//! task in the place of a result, which its client then asks for by its id. Clients know a task by its
//! server's name and that id, so that the id says where it is.

use std::ops::Range;

use bytes::Bytes;

use super::super::jsonrpc::{self, code};
use super::super::raw;

/// The extension's name.
pub const NAME: &str = "io.modelcontextprotocol/tasks";
/// What a result says that is a task.
pub const RESULT: &str = "task";
/// A task has changed.
pub const CHANGED: &str = "notifications/tasks";
/// What can be asked about one.
const METHODS: [&str; 3] = ["tasks/get", "tasks/update", "tasks/cancel"];
/// The member that names it.
pub const ID: &str = "taskId";
/// No server's id is longer: a client has to send it in a header.
const LONGEST_ID: usize = 4 * 1024;
/// No name of a server has it, nor a dot.
const SEPARATOR: char = ':';
/// No URI begins so.
const MARK: char = '\u{1}';

/// The method as a constant, if it asks about a task.
#[must_use]
pub fn method(method: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|known| *known == method)
}

/// The server and its own id in what clients know a task by.
#[must_use]
pub fn split(outward: &str) -> Option<(&str, &str)> {
    outward.split_once(SEPARATOR)
}

/// The reverse of [`split`].
#[must_use]
pub fn join(server: &str, id: &str) -> String {
    format!("{server}{SEPARATOR}{id}")
}

/// What tells of a task, its id decoded.
#[derive(Debug)]
pub struct Told {
    body: Bytes,
    id: Box<str>,
    span: Range<usize>,
}

impl Told {
    /// Reads a result, or the params of a notification. `None` if it names no task, or by too long an
    /// id.
    #[must_use]
    pub fn read(body: &Bytes) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let [id] = raw::members(Some(text), [ID]);
        let id = id?;
        let span = raw::span(text, id);
        let id = raw::string(id).filter(|id| id.len() <= LONGEST_ID && !id.is_empty())?;
        let (body, id) = (body.clone(), id.into());
        Some(Self { body, id, span })
    }

    /// The server's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The same as clients know it.
    #[must_use]
    pub fn outward(&self, server: &str) -> Bytes {
        let id = raw::quoted(&join(server, &self.id));
        raw::splice(&self.body, vec![(self.span.clone(), &id)]).into()
    }
}

/// A task among the resources that a server is to tell of, and the reverse.
#[must_use]
pub fn topic(id: &str) -> String {
    format!("{MARK}{id}")
}

/// The task that is meant by something among the resources, if it is one.
#[must_use]
pub fn of_topic(topic: &str) -> Option<&str> {
    topic.strip_prefix(MARK)
}

/// The raw error for a client that did not declare the extension.
#[must_use]
pub fn undeclared() -> Bytes {
    let data = format!(r#"{{"requiredCapabilities":{{"extensions":{{"{NAME}":{{}}}}}}}}"#);
    let text = format!("this needs the client's extension '{NAME}'");
    jsonrpc::error_object_with(code::MISSING_CAPABILITY, &text, data.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_where_the_task_is_whatever_it_is() {
        for id in ["7", "a:b", "_x", "other:1", "é \"q\"", "=?base64?eA==?="] {
            let body = format!(r#"{{"n":1.10,"taskId":{}}}"#, serde_json::json!(id));
            let told = Told::read(&Bytes::from(body)).unwrap();
            assert_eq!(told.id(), id);
            let outward = Told::read(&told.outward("my_")).unwrap();
            assert_eq!(split(outward.id()), Some(("my_", id)));
            assert!(outward.body.starts_with(br#"{"n":1.10,"#), "as it came");
            assert_eq!(of_topic(&topic(id)), Some(id));
        }
        assert_eq!((split("7"), of_topic("a:b")), (None, None));
    }

    #[test]
    fn what_has_no_usable_id_is_none() {
        let long = format!(r#"{{"taskId":"{}"}}"#, "x".repeat(64 * 1024));
        for bad in ["{}", r#"{"taskId":7}"#, r#"{"taskId":""}"#, "[]", &long] {
            assert!(Told::read(&Bytes::from(bad.to_owned())).is_none());
        }
    }
}
