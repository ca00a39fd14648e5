//! `mcproxy call`: calls a tool as a client does, and shows what comes of it.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::contents::{Content, Folder, show};
use super::gateway::{Failed, Gateway, Where};
use super::progress::ProgressLine;
use super::screen::{Screen, shown};
use super::{DONE, FAILED, INTERRUPTED, USAGE};
use crate::client::ClientError;
use crate::protocol::jsonrpc::Notification;
use crate::protocol::mcp::method;

pub(super) const EXAMPLES: &str = r#"Examples:
  mcproxy call demo__add '{"a": 2, "b": 40}'
  mcproxy call demo__now
  echo '{"text": "hello"}' | mcproxy call demo__echo -
  mcproxy call browser__screenshot --output shots    a file for each image, and its name
  mcproxy call demo__add '{"a": 2, "b": 40}' --json  the raw result

Exit codes: 0; 1 if the tool says that it failed, or the call is answered with an error; 69 if no gateway
can be asked; 130 if Ctrl-C or SIGTERM cancelled the call."#;

/// More than the gateway takes.
const LARGEST: u64 = 64 << 20;

/// A gateway that does not hear of the end is not waited for.
const GOODBYE: Duration = Duration::from_secs(1);

/// What to call.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CallWish {
    /// The tool, by the name that clients see
    #[arg(value_name = "SERVER__TOOL")]
    tool: String,
    /// Its arguments, a JSON object; '-' reads them from stdin
    #[arg(
        allow_hyphen_values = true,
        default_value = "{}",
        hide_default_value = true
    )]
    arguments: String,
    /// Where images, audio and other bytes are written, a file each
    #[arg(long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Print the raw result, and write no files
    #[arg(long)]
    json: bool,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = crate::config::patience)]
    timeout: Duration,
    #[command(flatten)]
    at: Where,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallResult {
    #[serde(default)]
    content: Vec<Content>,
    structured_content: Option<Value>,
    is_error: Option<bool>,
}

pub(super) async fn run(
    wish: &CallWish,
    state_dir: Option<&Path>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    let arguments = arguments(&wish.arguments)?;
    let gateway = Gateway::find(&wish.at, state_dir)?;
    let result = ask(&gateway, wish, &arguments, screen).await?;
    let is_error = |is_error: Option<bool>| if is_error == Some(true) { FAILED } else { DONE };
    let read: CallResult = gateway.read(&result)?;
    if wish.json {
        screen.json_line(&String::from_utf8_lossy(&result))?;
        return Ok(is_error(read.is_error));
    }
    let mut folder = Folder::new(&wish.output, &wish.tool);
    let mut code = is_error(read.is_error);
    for content in &read.content {
        match show(content, &mut folder, screen) {
            // The others are still of use.
            Err(Failed::Said {
                code: failed,
                words,
            }) => {
                writeln!(screen.err, "error: {}", shown(&words))?;
                code = failed;
            }
            done => done?,
        }
    }
    if let (true, Some(structured)) = (read.content.is_empty(), &read.structured_content) {
        screen.passage(&format!("{structured:#}"))?;
    }
    Ok(code)
}

/// The result. A call that nobody waits for any more is cancelled.
async fn ask(
    gateway: &Gateway,
    wish: &CallWish,
    arguments: &RawValue,
    screen: &mut Screen<'_>,
) -> Result<Bytes, Failed> {
    let mut ended = pin!(ended()?);
    let interrupted = || Failed::said(INTERRUPTED, "interrupted: the call is cancelled");
    let connected = tokio::select! {
        connected = gateway.client(wish.timeout) => connected,
        () = &mut ended => Err(interrupted()),
    };
    let mut client = connected?;
    let params = json!({
        "name": wish.tool, "arguments": arguments, "_meta": { "progressToken": 1 },
    });
    let params = params.to_string().into_bytes();
    let mut line = ProgressLine::new(screen.has_status_line);
    let answer = {
        let (err, line) = (&mut *screen.err, &mut line);
        let mut told = |told: &Notification| line.heard(told, err);
        tokio::select! {
            answer = client.request_told(method::TOOLS_CALL, Some(&params), &mut told) => Some(answer),
            () = &mut ended => None,
        }
    };
    line.clear(screen.err)?;
    let Some(answer) = answer else {
        let goodbye = async {
            client.cancel().await;
            client.close().await;
        };
        timeout(GOODBYE, goodbye).await.ok();
        return Err(interrupted());
    };
    client.close().await;
    match answer {
        Ok(result) => Ok(result),
        Err(ClientError::Answered { message, .. }) => Err(Failed::said(FAILED, message)),
        Err(error) => Err(gateway.failed(&error)),
    }
}

/// Until this process is to end.
fn ended() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut end = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = end.recv() => {}
        }
    })
}

/// The arguments as they were written: numbers keep their digits.
fn arguments(given: &str) -> Result<Box<RawValue>, Failed> {
    let mut read = String::new();
    let text = if given == "-" {
        let bounded = stdin().take(LARGEST).read_to_string(&mut read);
        bounded.map_err(|error| Failed::said(USAGE, format!("stdin cannot be read: {error}")))?;
        read.as_str()
    } else {
        given
    };
    let wrong = |why: String| {
        let example = r#"such as '{"path": "/tmp"}'"#;
        Failed::said(
            USAGE,
            format!("the arguments are to be a JSON object, {example}: {why}"),
        )
    };
    let value: Box<RawValue> =
        serde_json::from_str(text.trim()).map_err(|error| wrong(error.to_string()))?;
    if !value.get().starts_with('{') {
        return Err(wrong("this is none".to_owned()));
    }
    Ok(value)
}

#[expect(clippy::disallowed_methods, reason = "a verb without workers")]
fn stdin() -> io::Stdin {
    io::stdin()
}
