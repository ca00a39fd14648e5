//! `tools/call` and `tools/list`: the two places where a name, and nothing else, is changed on
//! the way through. Descriptions, schemas, arguments and whatever else is beside a name keep every
//! byte (a number like `1.10`, a field that no revision knows, an absent `arguments`).

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::raw;

/// The params of a `tools/call`, with the places that have to be rewritten.
#[derive(Debug, Clone)]
pub struct ToolCall {
    params: Bytes,
    name: String,
    name_span: Range<usize>,
    token: Option<(Box<str>, Range<usize>)>,
}

impl ToolCall {
    /// Finds the name and the progress token. The error says what is wrong with the params.
    pub fn parse(params: &Bytes) -> Result<Self, String> {
        let text = raw::text(params, "the params' bytes")?;
        let [name, meta] = raw::pick(text, ["name", "_meta"])
            .map_err(|error| format!("the params are unusable: {error}"))?;
        let raw_name = name.once("name")?.ok_or("the params have no 'name'")?;
        let name = raw::string(raw_name).ok_or("the tool's 'name' is not a string")?;
        let token = match meta.value("_meta")? {
            None => None,
            Some(meta) => progress_token(meta)?,
        };
        Ok(Self {
            params: params.clone(),
            name: name.into(),
            name_span: raw::span(text, raw_name),
            token: token.map(|token| (token.into(), raw::span(text, token))),
        })
    }

    /// The tool's name as the client knows it, decoded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client's progress token, as raw JSON, so that it can be given back as it is written.
    #[must_use]
    pub fn progress_token(&self) -> Option<&str> {
        self.token.as_ref().map(|(raw, _)| raw.as_ref())
    }

    /// The params with `name` in place of the name and `token` in place of the client's progress
    /// token, on one line. A call that asked for no progress gets no token; without `token` the
    /// client's stays.
    #[must_use]
    pub fn rewrite(&self, name: &str, token: Option<u64>) -> Bytes {
        let name = raw::quoted(name);
        let token = token.map(|token| token.to_string());
        let mut edits = vec![(self.name_span.clone(), name.as_slice())];
        if let (Some((_, span)), Some(token)) = (&self.token, &token) {
            edits.push((span.clone(), token.as_bytes()));
        }
        raw::splice(&self.params, edits).into()
    }
}

fn progress_token(meta: &str) -> Result<Option<&str>, String> {
    let [token] = raw::pick(meta, ["progressToken"])
        .map_err(|error| format!("'_meta' is unusable: {error}"))?;
    let token = token.value("progressToken")?;
    let is_token = |raw: &&str| raw.starts_with(|c: char| matches!(c, '"' | '-' | '0'..='9'));
    match token {
        Some(raw) if !is_token(&raw) => {
            Err("'_meta.progressToken' must be a string or an integer".to_owned())
        }
        Some(_) | None => Ok(token),
    }
}

/// One entry of a server's tool list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    raw: Bytes,
    name: String,
    name_span: Range<usize>,
}

impl Tool {
    /// Takes the raw JSON of an entry. `None` if it has no name to call it by: it is no object,
    /// `name` is missing, repeated, empty or no text.
    #[must_use]
    pub fn parse(entry: &Bytes) -> Option<Self> {
        let text = std::str::from_utf8(entry).ok()?;
        let [name] = raw::pick(text, ["name"]).ok()?;
        let raw_name = name.once("name").ok()??;
        let name = raw::string(raw_name).filter(|name| !name.is_empty())?;
        Some(Self {
            raw: entry.clone(),
            name: name.into(),
            name_span: raw::span(text, raw_name),
        })
    }

    /// The server's own name for it, decoded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole entry as the server wrote it. It shares the memory of the page it came on.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The entry under another name, on one line, otherwise as the server wrote it.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Vec<u8> {
        let name = raw::quoted(name);
        raw::splice(&self.raw, vec![(self.name_span.clone(), name.as_slice())])
    }
}

/// One page of a server's `tools/list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolsPage {
    /// In the server's order.
    pub tools: Vec<Tool>,
    /// The raw JSON of the cursor to ask for the next page with; `""` is one like any other.
    pub next_cursor: Option<String>,
    /// Entries left out because they have no usable name.
    pub skipped: usize,
}

/// Reads the result of a `tools/list`. The error says why it is none.
pub fn tools_page(result: &Bytes) -> Result<ToolsPage, String> {
    let text = raw::text(result, "the result's bytes")?;
    let [tools, cursor] = raw::pick(text, ["tools", "nextCursor"])
        .map_err(|error| format!("the result is unusable: {error}"))?;
    let tools = tools.value("tools")?.ok_or("the result has no 'tools'")?;
    let entries: Vec<&RawValue> =
        serde_json::from_str(tools).map_err(|error| format!("'tools' is unusable: {error}"))?;
    let count = entries.len();
    let slices = entries
        .iter()
        .map(|entry| result.slice_ref(entry.get().as_bytes()));
    let tools: Vec<Tool> = slices.filter_map(|entry| Tool::parse(&entry)).collect();
    let cursor = cursor.value("nextCursor")?;
    if cursor.is_some_and(|raw| !raw.starts_with('"')) {
        return Err("'nextCursor' is not a string".to_owned());
    }
    Ok(ToolsPage {
        skipped: count - tools.len(),
        next_cursor: cursor.map(str::to_owned),
        tools,
    })
}

/// The params that ask for the page at `cursor`, raw JSON as [`ToolsPage`] has it.
#[must_use]
pub fn list_params(cursor: Option<&str>) -> Option<Bytes> {
    cursor.map(|cursor| format!("{{\"cursor\":{cursor}}}").into())
}

/// The cursor that a client's `tools/list` asks for, as raw JSON; `null` counts as absent.
#[must_use]
pub fn list_cursor(params: &Bytes) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow)]
        cursor: Option<&'a RawValue>,
    }
    let params: Params<'_> = serde_json::from_slice(params).ok()?;
    params.cursor.map(|cursor| cursor.get().into())
}

/// The result of a `tools/list` from raw entries, on one page.
pub fn tools_list_result<'a>(tools: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut out = b"{\"tools\":[".to_vec();
    for (position, tool) in tools.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        raw::push_single_line(&mut out, tool);
    }
    out.extend_from_slice(b"]}");
    out.into()
}

/// The result of a `tools/call` that failed in a way its caller, a model, should read about.
#[must_use]
pub fn failed_call(text: &str) -> Bytes {
    let mut out = br#"{"content":[{"type":"text","text":"#.to_vec();
    raw::push_string(&mut out, text);
    out.extend_from_slice(br#"}],"isError":true}"#);
    out.into()
}

#[cfg(test)]
mod tests;
