//! The upstream of the benchmark: a stdio MCP server that costs next to nothing. Each call is answered with the
//! text that it brought; the usual line is cut apart by hand, everything else goes through `serde_json`.

use std::borrow::Cow;
use std::env;
use std::io::{self, Read, Write};

use anyhow::Context;
use memchr::{memchr, memmem};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The text of a call that is never answered.
pub(crate) const HOLD: &str = "hold";

const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1"}}"#;

/// The arguments that make this binary an upstream; `label` tells it from the others in `/proc`.
pub(crate) fn arguments(tools: usize, label: &str) -> [String; 5] {
    let tools = tools.to_string();
    ["--echo-server", "--tools", &tools, "--label", label].map(str::to_owned)
}

/// How many tools to serve, when this process is to be an upstream. Without the argument parser of the
/// benchmark: ten of these start at once while the start of the gateway is measured.
pub(crate) fn requested() -> Option<usize> {
    let mut arguments = env::args().skip(1);
    if arguments.next()? != "--echo-server" {
        return None;
    }
    arguments.nth(1)?.parse().ok()
}

/// Serves stdin until it ends. All answers to what one read brought go out in one write.
pub(crate) fn serve(tools: usize) -> anyhow::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut chunk = vec![0; 64 * 1024];
    let mut line = Vec::new();
    let mut answers = Vec::new();
    loop {
        let count = input.read(&mut chunk)?;
        let Some(mut bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        while let Some(end) = memchr(b'\n', bytes) {
            let (head, rest) = bytes.split_at(end);
            bytes = rest.strip_prefix(b"\n").unwrap_or(rest);
            if line.is_empty() {
                answer(head, tools, &mut answers)?;
            } else {
                line.extend_from_slice(head);
                answer(&line, tools, &mut answers)?;
                line.clear();
            }
        }
        line.extend_from_slice(bytes);
        if !answers.is_empty() {
            output.write_all(&answers)?;
            output.flush()?;
            answers.clear();
        }
    }
}

fn answer(line: &[u8], tools: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
    if let Some((id, text)) = usual_call(line) {
        echo(id, text, out);
        return Ok(());
    }
    let request: Request =
        serde_json::from_slice(line).with_context(|| String::from_utf8_lossy(line).into_owned())?;
    let Some(id) = request.id.map(RawValue::get) else {
        return Ok(());
    };
    match &*request.method {
        "tools/call" => {
            let params = request.params.context("a call without params")?;
            let params: CallParams = serde_json::from_str(params.get())?;
            let text = params.arguments.text.get();
            let inner = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            echo(
                id.as_bytes(),
                inner.context("a text that is none")?.as_bytes(),
                out,
            );
        }
        "initialize" => result(id, INITIALIZED, out),
        "tools/list" => result(id, &catalogue(tools), out),
        _ => result(id, "{}", out),
    }
    Ok(())
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    arguments: Arguments<'a>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    text: &'a RawValue,
}

/// Id and text of a call as the load program and most gateways write it; `None` for anything else.
fn usual_call(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const TEXT: &[u8] = br#""arguments":{"text":""#;
    let rest = line.strip_prefix(br#"{"jsonrpc":"2.0","id":"#)?;
    let (id, rest) = rest.split_at(memchr(b',', rest)?);
    let rest = rest.strip_prefix(br#","method":"tools/call","params":{"name":""#)?;
    let text = rest.get(memmem::find(rest, TEXT)? + TEXT.len()..)?;
    let text = text.strip_suffix(br#""}}}"#)?;
    // A quote in the middle: escaped, or the end of the text and more arguments. Not for here.
    memchr(b'"', text).is_none().then_some((id, text))
}

fn echo(id: &[u8], text: &[u8], out: &mut Vec<u8>) {
    if text == HOLD.as_bytes() {
        return;
    }
    for part in [
        br#"{"jsonrpc":"2.0","id":"#,
        id,
        br#","result":{"content":[{"type":"text","text":""#,
        text,
        b"\"}]}}\n",
    ] {
        out.extend_from_slice(part);
    }
}

fn result(id: &str, result: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n").as_bytes(),
    );
}

fn catalogue(tools: usize) -> String {
    let tools: Vec<String> = (0..tools)
        .map(|number| {
            format!(
                r#"{{"name":"tool_{number:02}","description":"Answers with the text that it is given, unchanged.","inputSchema":{{"type":"object","properties":{{"text":{{"type":"string","description":"what to answer"}}}},"required":["text"]}}}}"#
            )
        })
        .collect();
    format!(r#"{{"tools":[{}]}}"#, tools.join(","))
}
