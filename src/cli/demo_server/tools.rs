//! The tools of the demo server: what they are called, what they take, what they do. A wrong
//! argument is a result with `isError` (revision 2025-11-25), since models read those.

use std::time::Duration;

use bytes::Bytes;
use jiff::Zoned;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep_until};

use super::rpc::{self, Error};
use crate::protocol::jsonrpc::code;
use crate::protocol::mcp::method;

/// The longest `wait`, in seconds.
const LONGEST_WAIT: f64 = 600.0;

/// What became of a call.
#[derive(Debug)]
pub(super) enum Called {
    /// The result.
    Done(Value),
    /// It takes its time: [`Wait::run`] gives the result.
    Wait(Wait),
}

/// The catalogue, with the fields that `revision` knows: annotations came with 2025-03-26, titles
/// and output schemas with 2025-06-18.
pub(super) fn list(revision: &str) -> Value {
    let mut tools = [echo(), add(), now(), wait(), fail()];
    for tool in tools.iter_mut().filter_map(Value::as_object_mut) {
        if revision < "2025-03-26" {
            tool.remove("annotations");
        }
        if !is_structured(revision) {
            tool.remove("title");
            tool.remove("outputSchema");
        }
    }
    tools.into()
}

fn is_structured(revision: &str) -> bool {
    revision >= "2025-06-18"
}

/// Does a `tools/call`. A protocol error is one for the program that calls, a result with
/// `isError` one for the model behind it.
pub(super) fn call(params: &Value, revision: &str) -> Result<Called, Error> {
    let invalid = |message: String| Error::new(code::INVALID_PARAMS, message);
    let name = params.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| invalid("\"name\" must be a string".to_owned()))?;
    let nothing = json!({});
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => &nothing,
        Some(arguments) if arguments.is_object() => arguments,
        Some(_) => return Err(invalid("\"arguments\" must be an object".to_owned())),
    };
    let outcome = match name {
        "echo" => call_echo(arguments),
        "add" => call_add(arguments),
        "now" => call_now(arguments),
        "wait" => match Wait::new(arguments, params.pointer("/_meta/progressToken")) {
            Ok(wait) => return Ok(Called::Wait(wait)),
            Err(message) => Err(message),
        },
        "fail" => Err(text_of(arguments, "message")
            .unwrap_or("this tool always fails")
            .to_owned()),
        _ => return Err(invalid(format!("Unknown tool: {name}"))),
    };
    Ok(Called::Done(match outcome {
        Ok(output) => output.into_result(revision),
        Err(message) => json!({ "content": content(&message), "isError": true }),
    }))
}

/// What a tool has to say, as text and, if it promised a schema, as data.
struct Output {
    text: String,
    structured: Option<Value>,
}

impl Output {
    fn into_result(self, revision: &str) -> Value {
        let content = content(&self.text);
        match self.structured.filter(|_| is_structured(revision)) {
            None => json!({ "content": content, "isError": false }),
            Some(data) => {
                json!({ "content": content, "structuredContent": data, "isError": false })
            }
        }
    }
}

fn content(text: &str) -> Value {
    json!([{ "type": "text", "text": text }])
}

fn text_of<'a>(arguments: &'a Value, key: &str) -> Option<&'a str> {
    arguments.get(key).and_then(Value::as_str)
}

fn echo() -> Value {
    json!({
        "name": "echo", "title": "Echo",
        "description": "Gives back the text it was sent.",
        "inputSchema": {
            "type": "object",
            "properties": { "text": { "type": "string", "description": "What to give back" } },
            "required": ["text"],
        },
        "annotations": { "readOnlyHint": true, "idempotentHint": true, "openWorldHint": false },
    })
}

fn call_echo(arguments: &Value) -> Result<Output, String> {
    let text = text_of(arguments, "text").ok_or("\"text\" is needed, as a string")?;
    Ok(Output {
        text: text.to_owned(),
        structured: None,
    })
}

fn add() -> Value {
    json!({
        "name": "add", "title": "Add",
        "description": "Adds two numbers. The sum of integers is exact.",
        "inputSchema": {
            "type": "object",
            "properties": { "a": { "type": "number" }, "b": { "type": "number" } },
            "required": ["a", "b"],
        },
        "outputSchema": {
            "type": "object",
            "properties": { "sum": { "type": "number" } },
            "required": ["sum"],
        },
        "annotations": { "readOnlyHint": true, "idempotentHint": true, "openWorldHint": false },
    })
}

fn call_add(arguments: &Value) -> Result<Output, String> {
    let number = |key: &str| {
        let number = arguments.get(key).filter(|value| value.is_number());
        number.ok_or_else(|| format!("\"{key}\" is needed, as a number"))
    };
    let (a, b) = (number("a")?, number("b")?);
    let exact = a
        .as_i64()
        .zip(b.as_i64())
        .and_then(|(a, b)| a.checked_add(b));
    let sum = if let Some(sum) = exact {
        json!(sum)
    } else {
        let sum = a.as_f64().zip(b.as_f64()).map(|(a, b)| a + b);
        let sum = sum.filter(|sum| sum.is_finite());
        json!(sum.ok_or("the sum is too large for a number")?)
    };
    Ok(Output {
        text: sum.to_string(),
        structured: Some(json!({ "sum": sum })),
    })
}

fn now() -> Value {
    json!({
        "name": "now", "title": "Now",
        "description": "Tells the time, here or in another time zone.",
        "inputSchema": {
            "type": "object",
            "properties": { "timezone": {
                "type": "string",
                "description": "An IANA name such as Europe/Berlin; without it the server's own zone",
            } },
        },
        "outputSchema": {
            "type": "object",
            "properties": {
                "time": { "type": "string", "format": "date-time" },
                "timezone": { "type": "string" },
            },
            "required": ["time", "timezone"],
        },
        "annotations": { "readOnlyHint": true, "openWorldHint": false },
    })
}

fn call_now(arguments: &Value) -> Result<Output, String> {
    let now = match arguments.get("timezone") {
        None | Some(Value::Null) => Zoned::now(),
        Some(Value::String(name)) => Zoned::now().with_time_zone(time_zone(name)?),
        Some(_) => return Err("\"timezone\" must be a string such as Europe/Berlin".to_owned()),
    };
    let time = now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let zone = now.time_zone().iana_name().unwrap_or("local time");
    Ok(Output {
        text: format!("{time} ({zone})"),
        structured: Some(json!({ "time": time, "timezone": zone })),
    })
}

/// Looks `name` up in the system's own time zone database (package `tzdata`).
fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        if name != "Etc/UTC" && TimeZone::get("Etc/UTC").is_err() {
            return "this machine has no time zone database (package tzdata)".to_owned();
        }
        format!("unknown time zone '{name}': an IANA name such as Europe/Berlin is needed")
    })
}

fn fail() -> Value {
    json!({
        "name": "fail", "title": "Fail",
        "description": "Always fails, to see how a failure is shown.",
        "inputSchema": {
            "type": "object",
            "properties": { "message": { "type": "string", "description": "What to say" } },
        },
        "annotations": { "readOnlyHint": true, "idempotentHint": true, "openWorldHint": false },
    })
}

fn wait() -> Value {
    json!({
        "name": "wait", "title": "Wait",
        "description": "Waits, with progress if the client asks for it. Can be cancelled.",
        "inputSchema": {
            "type": "object",
            "properties": { "seconds": {
                "type": "number", "minimum": 0, "maximum": LONGEST_WAIT,
            } },
            "required": ["seconds"],
        },
        "annotations": { "readOnlyHint": true, "idempotentHint": true, "openWorldHint": false },
    })
}

/// A call of `wait` that has not begun.
#[derive(Debug)]
pub(super) struct Wait {
    seconds: f64,
    /// As the client sent it: a string or a number.
    progress_token: Option<Value>,
}

impl Wait {
    fn new(arguments: &Value, progress_token: Option<&Value>) -> Result<Self, String> {
        let seconds = arguments.get("seconds").and_then(Value::as_f64);
        let seconds = seconds.filter(|seconds| (0.0..=LONGEST_WAIT).contains(seconds));
        Ok(Self {
            seconds: seconds.ok_or("\"seconds\" is needed, as a number from 0 to 600")?,
            progress_token: progress_token.cloned(),
        })
    }

    /// Waits; tells its progress ten times, but at most once a second when it takes long, and at
    /// the end, before the result.
    pub(super) async fn run(self, answers: &Sender<Bytes>) -> Value {
        let start = Instant::now();
        let step = (self.seconds / 10.0).clamp(0.05, 1.0);
        let mut elapsed = 0.0;
        while elapsed < self.seconds {
            elapsed = self.seconds.min(elapsed + step);
            sleep_until(start + Duration::from_secs_f64(elapsed)).await;
            if let Some(token) = &self.progress_token {
                let params = json!({
                    "progressToken": token,
                    "progress": elapsed,
                    "total": self.seconds,
                });
                let line = rpc::notification(method::PROGRESS, &params);
                // A closed channel ends the server, and this call with it.
                answers.send(line).await.ok();
            }
        }
        let text = format!("waited {} seconds", self.seconds);
        json!({ "content": content(&text), "isError": false })
    }
}
