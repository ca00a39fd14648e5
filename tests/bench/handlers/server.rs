//! The upstream of the handlers' benchmark: what it offers, and how large what it says is, it is told. What
//! is asked of it comes as calls of its first tool, `do`, with a [`Deed`].

use std::env;
use std::fmt::Write as _;
use std::io::{self, BufRead, Write};
use std::process;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::offer::Offer;

const FLAG: &str = "--told-server";

/// What follows the id of a request to the client.
const ASK: &str = r#"","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}
"#;

/// What a call of `do` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    /// A text of so many bytes.
    Text,
    /// A text of so many bytes that JSON has to escape.
    Quotes,
    /// So many bytes of links to resources.
    Links,
    /// A result that is nested so deep.
    Nested,
    /// Before the answer, so often: the lists have changed, and they have.
    Changes,
    /// Before the answer: so many resources are updated.
    Updates,
    /// Before the answer: so many log messages.
    Logs,
    /// Before the answer: a log message of so many bytes.
    LargeLog,
    /// Before the answer: so many progress notifications.
    Progress,
    /// Before the answer: a batch of so many notifications.
    Batch,
    /// Before the answer: so many lines that are no message.
    Junk,
    /// Before the answer: so many lines to stderr.
    Stderr,
    /// Before the answer: so many requests to the client.
    Asks,
    /// No answer.
    Hold,
    /// The end.
    Exit,
}

/// The arguments that make this binary such a server; `label` tells it from the others in `/proc`.
pub(crate) fn arguments(offer: &Offer, label: &str) -> anyhow::Result<[String; 4]> {
    let offer = serde_json::to_string(offer)?;
    Ok([FLAG, &offer, "--label", label].map(str::to_owned))
}

/// The arguments of `do`.
pub(crate) fn order(deed: Deed, n: usize) -> String {
    let deed = serde_json::to_string(&deed).unwrap_or_default();
    format!(r#"{{"deed":{deed},"n":{n}}}"#)
}

/// What to offer, when this process is to be such a server.
pub(crate) fn requested() -> Option<Offer> {
    let mut arguments = env::args().skip(1);
    if arguments.next()? != FLAG {
        return None;
    }
    serde_json::from_str(&arguments.next()?).ok()
}

/// Serves stdin until it ends.
pub(crate) fn serve(offer: Offer) -> anyhow::Result<()> {
    let mut server = Server { offer, version: 0 };
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if let Some(said) = server.answer(&line)? {
            output.write_all(said.as_bytes())?;
            output.flush()?;
        }
        line.clear();
    }
    Ok(())
}

struct Server {
    offer: Offer,
    /// Of the lists.
    version: usize,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<&'a str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Params {
    cursor: Option<String>,
    uri: Option<String>,
    arguments: Order,
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(rename = "progressToken")]
    token: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Order {
    deed: Deed,
    n: usize,
}

impl Default for Order {
    fn default() -> Self {
        let deed = Deed::Text;
        Self { deed, n: 0 }
    }
}

impl Server {
    fn answer(&mut self, line: &[u8]) -> anyhow::Result<Option<String>> {
        let request: Request = serde_json::from_slice(line).with_context(|| {
            String::from_utf8_lossy(line)
                .chars()
                .take(500)
                .collect::<String>()
        })?;
        let (Some(id), Some(method)) = (request.id, request.method) else {
            return Ok(None);
        };
        let params = request.params.map(|raw| serde_json::from_str(raw.get()));
        let params: Params = params.and_then(Result::ok).unwrap_or_default();
        let mut said = String::new();
        let result = match method {
            "initialize" => self.offer.handshake(),
            "tools/call" => match self.act(&params, &mut said) {
                Some(result) => result,
                None => return Ok(Some(said)),
            },
            "resources/read" => read(&params.uri.unwrap_or_default()),
            list => self
                .offer
                .page(list, params.cursor.as_deref(), self.version)
                .unwrap_or_else(|| "{}".to_owned()),
        };
        writeln!(
            said,
            r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
            id.get()
        )?;
        Ok(Some(said))
    }

    /// Says what is to be said before the answer, and gives that if there is one.
    fn act(&mut self, params: &Params, said: &mut String) -> Option<String> {
        let Order { deed, n } = params.arguments;
        let token = params.meta.token.as_ref().map_or("0", |raw| raw.get());
        match deed {
            Deed::Text => return Some(text(&"x".repeat(n))),
            Deed::Quotes => return Some(text(&r#"\""#.repeat(n / 2))),
            Deed::Links => return Some(self.offer.links(n)),
            Deed::Nested => {
                let (open, close) = ("[".repeat(n), "]".repeat(n));
                return Some(format!(
                    r#"{{"content":[],"structuredContent":{{"x":{open}{close}}}}}"#
                ));
            }
            Deed::Changes => {
                self.version += 1;
                for what in ["tools", "prompts", "resources"].repeat(n) {
                    notify(said, &format!("notifications/{what}/list_changed"), "{}");
                }
            }
            Deed::Updates => {
                for at in 0..n {
                    let uri = self.offer.uri(at);
                    let params = format!(r#"{{"uri":"{uri}"}}"#);
                    notify(said, "notifications/resources/updated", &params);
                }
            }
            Deed::Logs => {
                for at in 0..n {
                    let params = format!(r#"{{"level":"error","data":"message {at}"}}"#);
                    notify(said, "notifications/message", &params);
                }
            }
            Deed::LargeLog => {
                let params = format!(r#"{{"level":"error","data":"{}"}}"#, "x".repeat(n));
                notify(said, "notifications/message", &params);
            }
            Deed::Progress => {
                for at in 0..n {
                    let params = format!(r#"{{"progressToken":{token},"progress":{at}}}"#);
                    notify(said, "notifications/progress", &params);
                }
            }
            Deed::Batch => {
                let one = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":7}}"#;
                said.push('[');
                said.push_str(&vec![one; n].join(","));
                said.push_str("]\n");
            }
            Deed::Junk => said.push_str(&"this is no message\n".repeat(n)),
            Deed::Stderr => eprint!("{}", "a line of stderr\n".repeat(n)),
            Deed::Asks => {
                for at in 0..n {
                    said.extend([r#"{"jsonrpc":"2.0","id":"ask "#, &at.to_string(), ASK]);
                }
            }
            Deed::Hold => return None,
            Deed::Exit => process::exit(3),
        }
        Some(text("done"))
    }
}

fn notify(said: &mut String, method: &str, params: &str) {
    said.extend([
        r#"{"jsonrpc":"2.0","method":""#,
        method,
        r#"","params":"#,
        params,
        "}\n",
    ]);
}

fn text(text: &str) -> String {
    format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#)
}

fn read(uri: &str) -> String {
    let uri = serde_json::to_string(uri).unwrap_or_default();
    format!(r#"{{"contents":[{{"uri":{uri},"text":"what it is"}}]}}"#)
}
