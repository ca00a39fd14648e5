//! `GET /status/servers/NAME`: what the status says of one server, and its tools with their schemas;
//! for who may read it, what of them is held back, and what the server said last itself.

use super::held::HeldBack;
use super::tools::{self, Size};
use crate::http::Context;
use crate::http::connection::RequestContext;
use crate::http::problem::Problem;
use crate::ids::ServerName;
use crate::tree::{ServerDetail, ServerLog, ServerStatus, beside};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use warp::reply::Response;

#[derive(Serialize)]
struct Detail<'d> {
    server: ServerStatus,
    tools: Vec<ShownTool<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<HeldBack<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<ServerLog>,
}

#[derive(Serialize)]
struct ShownTool<'t> {
    name: String,
    title: Option<String>,
    description: Option<String>,
    input_schema: Option<&'t RawValue>,
    #[serde(flatten)]
    size: Size,
}

pub(in crate::http) async fn answer(
    name: String,
    context: Arc<Context>,
    request_context: RequestContext,
) -> Result<Response, Problem> {
    let ServerDetail {
        status,
        tools,
        held,
        history,
    } = detail(&context, &name).await?;
    let reads_output = request_context.trust.reads_output();
    let log = reads_output.then(|| history.log());
    let held = held.as_deref().filter(|_| reads_output);
    let size = tools.iter().map(Bytes::len).sum::<usize>();
    let size = size + held.map_or(0, |held| HeldBack::size(held));
    let share = tools::share(&context, &request_context, size)?;
    Ok(beside(size, || {
        let read = tools
            .iter()
            .filter_map(|raw| Some((raw, tools::read(raw)?)));
        let tools = read.map(|(raw, said)| ShownTool {
            title: said.title(),
            name: said.name.into_owned(),
            description: said.description.map(String::from),
            input_schema: said.input_schema,
            size: Size::of(raw),
        });
        let detail = Detail {
            server: status,
            tools: tools.collect(),
            held: held.map(|held| HeldBack::of(held)),
            log,
        };
        tools::reply(&detail, share)
    }))
}

/// What root knows of the server that is called so.
pub(super) async fn detail(context: &Context, name: &str) -> Result<ServerDetail, Problem> {
    let name = ServerName::new(name).map_err(|_| Problem::NoServer)?;
    let detail = context.status.server(name).await?;
    detail.ok_or(Problem::NoServer)
}
