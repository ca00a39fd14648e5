//! `GET /status/tools`: the tools of all servers as clients see them, without their schemas.

use crate::http::Context;
use crate::http::handlers::json;
use crate::http::problem::Problem;
use crate::tree::{Cost, beside};
use bytes::Bytes;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;
use warp::reply::Response;

/// What a tool costs a model that reads all of it.
#[derive(Serialize)]
pub(super) struct Size {
    bytes: usize,
    tokens: usize,
}

impl Size {
    pub(super) fn of(raw: &Bytes) -> Self {
        let bytes = raw.len();
        Self {
            bytes,
            tokens: Cost { tools: 1, bytes }.tokens(),
        }
    }
}

/// What a server says of a tool, as far as it is shown.
#[derive(Deserialize)]
pub(super) struct ToolSaid<'t> {
    #[serde(borrow)]
    pub(super) name: Cow<'t, str>,
    #[serde(borrow, default)]
    title: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    pub(super) description: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    annotations: Option<Annotations<'t>>,
    #[serde(borrow, default, rename = "inputSchema")]
    pub(super) input_schema: Option<&'t RawValue>,
}

/// Where revisions before 2025-06-18 have the title.
#[derive(Deserialize)]
struct Annotations<'t> {
    #[serde(borrow, default)]
    title: Option<Cow<'t, str>>,
}

impl ToolSaid<'_> {
    pub(super) fn title(&self) -> Option<String> {
        let older = self.annotations.as_ref();
        let older = || older.and_then(|annotations| annotations.title.as_deref());
        self.title.as_deref().or_else(older).map(str::to_owned)
    }
}

#[derive(Serialize)]
struct ListedTool {
    server: String,
    name: String,
    title: Option<String>,
    description: Option<String>,
    #[serde(flatten)]
    size: Size,
}

pub(in crate::http) async fn answer(context: Arc<Context>) -> Result<Response, Problem> {
    let servers = context.status.tools().await?;
    let size = servers.iter().flat_map(|one| &one.tools).map(Bytes::len);
    Ok(beside(size.sum(), || {
        let tools = servers.iter().flat_map(|one| {
            let read = one.tools.iter().filter_map(|raw| Some((raw, read(raw)?)));
            read.map(|(raw, said)| ListedTool {
                server: one.server.to_string(),
                title: said.title(),
                name: said.name.into_owned(),
                description: said.description.map(String::from),
                size: Size::of(raw),
            })
        });
        json(StatusCode::OK, &tools.collect::<Vec<_>>())
    }))
}

/// One that says something else than its members allow, which clients are shown as it is, is left out.
pub(super) fn read(raw: &Bytes) -> Option<ToolSaid<'_>> {
    serde_json::from_slice(raw).ok()
}
