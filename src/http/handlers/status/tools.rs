//! `GET /status/tools`: the tools of all servers as clients see them, without their schemas.

use crate::http::Context;
use crate::http::connection::RequestContext;
use crate::http::problem::Problem;
use crate::tree::{CallError, Cost, Share, Taker, beside};
use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
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

/// What all clients may be shown at a time, in bytes of tools: each reply is made anew, and kept until it is read.
pub(in crate::http) const SHOWN: usize = 64 << 20;
const ALL_SHOWN: &str = "others are being shown as many tools as may be at a time";

/// A part of what may be shown. One reply is always possible, however large.
pub(super) fn share(
    context: &Context,
    request_context: &RequestContext,
    size: usize,
) -> Result<Share, Problem> {
    let (holder, session) = (request_context.holder(), None);
    let taker = Arc::new(Taker { holder, session });
    let share = context.shown.take_for(&taker, size.min(SHOWN / 4));
    Ok(share.ok_or(CallError::Overloaded(ALL_SHOWN))?)
}

/// `value` as a reply, with its part of what may be shown, which is given back once it has been read.
pub(super) fn reply(value: &impl Serialize, share: Share) -> Response {
    // There is nothing in it that JSON could not say.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let body = Bytes::from_owner(ShownBody {
        text,
        _share: share,
    });
    let mut reply = Response::new(body.into());
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

struct ShownBody {
    text: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for ShownBody {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

pub(in crate::http) async fn answer(
    context: Arc<Context>,
    request_context: RequestContext,
) -> Result<Response, Problem> {
    let servers = context.status.tools().await?;
    let size = servers.iter().flat_map(|one| &one.tools).map(Bytes::len);
    let size = size.sum();
    let share = share(&context, &request_context, size)?;
    Ok(beside(size, || {
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
        reply(&tools.collect::<Vec<_>>(), share)
    }))
}

/// One that says something else than its members allow, which clients are shown as it is, is left out.
pub(super) fn read(raw: &Bytes) -> Option<ToolSaid<'_>> {
    serde_json::from_slice(raw).ok()
}
