//! The Rust SDK's client (`rmcp`) over Streamable HTTP: everything that a server offers and asks, seen
//! through the gateway as over a bare pipe.

#![expect(
    deprecated,
    reason = "a later revision drops what servers of today still ask for"
)]

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientRequest, CreateMessageRequestParams,
    CreateMessageResult, ElicitRequestParams, ElicitResult, Implementation, ListRootsResult,
    LoggingMessageNotificationParam, ProgressNotificationParam, ResourceUpdatedNotificationParam,
};
use rmcp::service::{
    NotificationContext, PeerRequestOptions, RequestContext, RunningService, ServiceError,
};
use rmcp::transport::{ConfigureCommandExt as _, StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ErrorData, RoleClient, ServiceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::gateway::{self, Gateway};
use crate::page::Page;
use crate::servers::Server;
use crate::stage::Stage;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

const DOCUMENT: &str = "demo://resource/static/document/features.md";

pub(crate) type Client = RunningService<RoleClient, User>;

/// To the gateway.
pub(crate) fn transport(gateway: &Gateway) -> StreamableHttpClientTransport<reqwest::Client> {
    StreamableHttpClientTransport::from_uri(gateway.http())
}

#[tokio::test]
async fn rmcp_uses_everything() -> Result<()> {
    let stage = Stage::furnish(&["everything", "fetch"]).await?;
    let [everything, fetch] = [&stage.servers[0], &stage.servers[1]];
    let servers = [everything.clone().isolated(), fetch.clone()];
    gateway::with(stage.dir(), &servers, async |gateway| {
        let wanted = features(pipe(everything).await?, "").await?;
        let through = transport(gateway);
        let client = User::default().serve(through).await?;
        let seen = features(client, "everything__").await?;
        for ((about, seen), (_, wanted)) in seen.iter().zip(&wanted) {
            ensure!(
                seen == wanted,
                "{about}:\nthrough the gateway: {seen:#}\nover a bare pipe: {wanted:#}"
            );
        }
        cancel(pipe(fetch).await?, "", &stage.page).await?;
        let through = transport(gateway);
        cancel(
            User::default().serve(through).await?,
            "fetch__",
            &stage.page,
        )
        .await
    })
    .await
}

/// Its user calls again when the gateway is up, and has nothing else to do.
#[tokio::test]
async fn rmcp_lives_through_a_restart() -> Result<()> {
    let stage = Stage::furnish(&["everything"]).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let through = transport(gateway);
        let client = User::default().serve(through).await?;
        let echo = json!({ "name": "everything__echo", "arguments": { "message": "a" } });
        let before = ask(&client, "tools/call", &echo).await?;
        let steps = json!({ "duration": 60, "steps": 600 });
        let long =
            json!({ "name": "everything__trigger-long-running-operation", "arguments": steps });
        let options = PeerRequestOptions::no_options();
        let long = client
            .send_cancellable_request(request("tools/call", &long)?, options)
            .await?;
        client.service().hears("progress", |_| true).await?;
        gateway.kill().await?;
        gateway.start_again(&stage.servers).await?;
        let after = ask(&client, "tools/call", &echo).await?;
        ensure!(after == before, "{after} after {before}");
        let lost = timeout(PATIENCE, long.await_response()).await?;
        let lost = format!("{lost:?}");
        ensure!(lost.contains("gateway was restarted"), "{lost}");
        client.cancel().await?;
        Ok(())
    })
    .await
}

pub(crate) async fn pipe(server: &Server) -> Result<Client> {
    let command = Command::new(&server.command).configure(|command| {
        command.args(&server.args).envs(&server.env);
    });
    Ok(User::default()
        .serve(TokioChildProcess::new(command)?)
        .await?)
}

/// Everything in one go; each finding under its name.
async fn features(client: Client, prefix: &str) -> Result<Vec<(&'static str, Value)>> {
    // Some tools are there for a client that can be asked; the server adds them a moment after its
    // start.
    let echo = json!({ "name": format!("{prefix}echo"), "arguments": { "message": "grüße" } });
    let echo = ask(&client, "tools/call", &echo).await?;
    let late = format!("{prefix}get-roots-list");
    let tools = async {
        loop {
            let tools = client.list_all_tools().await?;
            if tools.iter().any(|tool| tool.name == late) {
                return anyhow::Ok(tools);
            }
        }
    };
    let tools = timeout(PATIENCE, tools).await.context("all tools")??;
    let templates = client.list_all_resource_templates().await?;
    let mut seen = vec![
        ("a call", echo),
        ("tools", bare(&tools, prefix)?),
        ("prompts", bare(&client.list_all_prompts().await?, prefix)?),
        ("resources", json!(client.list_all_resources().await?)),
        ("templates", json!(templates)),
    ];
    for (about, method, params) in questions(prefix) {
        seen.push((about, ask(&client, method, &params).await?));
    }
    let user = client.service().clone();
    user.hears("updated", |told| told["uri"] == DOCUMENT)
        .await?;
    let is_of_subscription = |text: &str| text.contains("Received Subscribe");
    user.hears("message", |told| {
        told["data"].as_str().is_some_and(is_of_subscription)
    })
    .await?;
    // Nobody promises that the SDK is done with a step before it hands out the answer.
    user.hears("progress", |told| told["progress"] == told["total"])
        .await?;
    seen.push(("progress", json!(user.told("progress"))));
    seen.push(("asked", json!(user.told("asked"))));
    client.cancel().await?;
    Ok(seen)
}

/// What is asked, by which method, with which parameters.
fn questions(prefix: &str) -> Vec<(&'static str, &'static str, Value)> {
    let name = |own: &str| format!("{prefix}{own}");
    let call = |tool: &str, arguments: Value| {
        let params = json!({ "name": name(tool), "arguments": arguments });
        ("tools/call", params)
    };
    let team = name("completable-prompt");
    let arguments = json!({ "department": "Sales", "name": "Eve" });
    let of_team = json!({
        "ref": { "type": "ref/prompt", "name": team },
        "argument": { "name": "department", "value": "S" },
    });
    let steps = json!({ "duration": 0.4, "steps": 4 });
    let questions = [
        (
            "a prompt",
            (
                "prompts/get",
                json!({ "name": team, "arguments": arguments }),
            ),
        ),
        ("a resource", ("resources/read", json!({ "uri": DOCUMENT }))),
        ("a completion", ("completion/complete", of_team)),
        ("a level", ("logging/setLevel", json!({ "level": "info" }))),
        (
            "a subscription",
            ("resources/subscribe", json!({ "uri": DOCUMENT })),
        ),
        ("a long call", call("trigger-long-running-operation", steps)),
        (
            "sampling",
            call("trigger-sampling-request", json!({ "prompt": "wörter" })),
        ),
        (
            "elicitation",
            call("trigger-elicitation-request", json!({})),
        ),
        ("roots", call("get-roots-list", json!({}))),
        ("updates", call("toggle-subscriber-updates", json!({}))),
    ];
    questions
        .map(|(about, (method, params))| (about, method, params))
        .into()
}

/// A call that is given up ends at the server, which here holds a connection to a page.
async fn cancel(client: Client, prefix: &str, page: &Page) -> Result<()> {
    let key = format!("{prefix}rmcp");
    let url = format!("{}/never/{key}", page.base);
    let params = json!({ "name": format!("{prefix}fetch"), "arguments": { "url": url } });
    let request = request("tools/call", &params)?;
    let options = PeerRequestOptions::no_options();
    let call = client.send_cancellable_request(request, options).await?;
    page.sees("arrived", &key).await?;
    call.cancel(None).await?;
    page.sees("gone", &key).await?;
    client.cancel().await?;
    Ok(())
}

fn request(method: &str, params: &Value) -> Result<ClientRequest> {
    from(json!({ "method": method, "params": params }))
}

/// One request of any kind; an answer that is an error is an answer too.
async fn ask(client: &Client, method: &str, params: &Value) -> Result<Value> {
    let answer = timeout(PATIENCE, client.send_request(request(method, params)?));
    match answer
        .await
        .with_context(|| format!("no answer to {method}"))?
    {
        Ok(result) => Ok(serde_json::to_value(result)?),
        Err(ServiceError::McpError(error)) => Ok(json!({ "error": error })),
        Err(failure) => bail!("{method}: {failure}"),
    }
}

/// Those items of the list that have the gateway's prefix, without it.
pub(crate) fn bare(items: &[impl Serialize], prefix: &str) -> Result<Value> {
    let mut own = Vec::new();
    for item in items {
        let mut item = serde_json::to_value(item)?;
        let name = item["name"]
            .as_str()
            .and_then(|name| name.strip_prefix(prefix));
        if let Some(name) = name.map(str::to_owned) {
            item["name"] = json!(name);
            own.push(item);
        }
    }
    Ok(json!(own))
}

pub(crate) fn from<T: DeserializeOwned>(value: Value) -> Result<T> {
    Ok(serde_json::from_value(value)?)
}

/// Whoever sits at the client: answers what servers ask, and remembers what they tell.
#[derive(Clone)]
pub(crate) struct User {
    told: Arc<watch::Sender<Vec<(&'static str, Value)>>>,
}

impl Default for User {
    fn default() -> Self {
        Self {
            told: Arc::new(watch::Sender::default()),
        }
    }
}

impl User {
    fn hear(&self, what: &'static str, told: impl Serialize) {
        self.told.send_modify(|all| all.push((what, json!(told))));
    }

    pub(crate) fn told(&self, what: &str) -> Vec<Value> {
        let all = self.told.borrow();
        let found = all.iter().filter(|(name, _)| *name == what);
        found.map(|(_, told)| told.clone()).collect()
    }

    async fn hears(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let mut told = self.told.subscribe();
        let heard =
            told.wait_for(|all| all.iter().any(|(name, told)| *name == what && wanted(told)));
        let found = timeout(PATIENCE, heard).await;
        found.with_context(|| format!("nobody told {what}: {:?}", self.told.borrow()))??;
        Ok(())
    }
}

/// An answer of this test's own, as the SDK wants it.
fn answer<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value)
        .map_err(|failure| ErrorData::internal_error(failure.to_string(), None))
}

impl ClientHandler for User {
    fn get_info(&self) -> ClientConfig {
        let capabilities =
            json!({ "sampling": {}, "elicitation": { "form": {}, "url": {} }, "roots": {} });
        let capabilities = from::<ClientCapabilities>(capabilities).unwrap_or_default();
        ClientConfig::new(capabilities, Implementation::new("tests-real", "1"))
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.hear("asked", params);
        let content = json!({ "type": "text", "text": "grüße from a model" });
        answer(json!({ "role": "assistant", "content": content, "model": "none" }))
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.hear("asked", params);
        answer(json!({ "action": "accept", "content": { "name": "Ünal", "integer": 7 } }))
    }

    async fn list_roots(
        &self,
        _: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        answer(json!({ "roots": [{ "uri": "file:///first", "name": "first" }] }))
    }

    async fn on_progress(
        &self,
        mut told: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        // Each connection counts its tokens.
        told.progress_token = rmcp::model::ProgressToken(rmcp::model::NumberOrString::Number(0));
        self.hear("progress", told);
    }

    async fn on_logging_message(
        &self,
        told: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.hear("message", told);
    }

    async fn on_resource_updated(
        &self,
        told: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.hear("updated", told);
    }
}
