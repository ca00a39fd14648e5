//! The Rust SDK's client without a handshake, and where it would have liked to be.

use anyhow::{Result, ensure};
use rmcp::model::ProtocolVersion;
use rmcp::service::ClientServiceExt as _;
use rmcp::{ClientLifecycleMode, ServiceError};
use serde_json::{Value, json};

use crate::gateway::{self, Gateway};
use crate::rust::{Client, User, bare, from, pipe, transport};
use crate::stage::Stage;

const DOCUMENT: &str = "demo://resource/static/document/features.md";

fn discover() -> ClientLifecycleMode {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    ClientLifecycleMode::Discover { preferred_versions }
}

fn auto() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    }
}

async fn connect(gateway: &Gateway, lifecycle: ClientLifecycleMode) -> Result<Client> {
    let through = transport(gateway);
    let client = User::default().serve_with_lifecycle(through, lifecycle);
    Ok(client.await?)
}

#[tokio::test]
async fn rmcp_uses_everything_in_its_time() -> Result<()> {
    let stage = Stage::furnish(&["everything"]).await?;
    let [everything] = &stage.servers[..] else {
        unreachable!("one was asked for");
    };
    let servers = [everything.clone().isolated()];
    gateway::with_both_eras(stage.dir(), &servers, async |gateway| {
        let wanted = uses(pipe(everything).await?, "").await?;
        for lifecycle in [discover(), auto()] {
            let seen = uses(connect(gateway, lifecycle).await?, "everything__").await?;
            for ((about, seen), (_, wanted)) in seen.iter().zip(&wanted) {
                ensure!(
                    seen == wanted,
                    "{about}:\nthrough the gateway: {seen:#}\nover a bare pipe: {wanted:#}"
                );
            }
        }
        Ok(())
    })
    .await
}

/// With a server that has a process for each session, whoever asks is told to shake hands.
#[tokio::test]
async fn rmcp_falls_back() -> Result<()> {
    let stage = Stage::furnish(&["thinking"]).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let client = connect(gateway, auto()).await?;
        let tools = client.list_all_tools().await?;
        ensure!(tools.len() == 1, "{tools:?}");
        client.cancel().await?;
        ensure!(connect(gateway, discover()).await.is_err(), "it is offered");
        Ok(())
    })
    .await
}

/// Everything that clients of either era can do; each finding under its name.
async fn uses(client: Client, prefix: &str) -> Result<Vec<(&'static str, Value)>> {
    let steps = json!({ "duration": 0.4, "steps": 4 });
    let team = json!({ "department": "Sales", "name": "Eve" });
    let team = json!({ "name": format!("{prefix}completable-prompt"), "arguments": team });
    let mut seen = Vec::new();
    for (about, tool, arguments) in [
        ("a call", "echo", json!({ "message": "grüße" })),
        ("a long call", "trigger-long-running-operation", steps),
        (
            "sampling",
            "trigger-sampling-request",
            json!({ "prompt": "wörter" }),
        ),
        ("elicitation", "trigger-elicitation-request", json!({})),
        ("roots", "get-roots-list", json!({})),
    ] {
        let call = json!({ "name": format!("{prefix}{tool}"), "arguments": arguments });
        seen.push((about, plain(client.call_tool(from(call)?).await)?));
    }
    let prompt = client.get_prompt(from(team)?).await;
    let document = client
        .read_resource(from(json!({ "uri": DOCUMENT }))?)
        .await;
    seen.extend([
        ("a prompt", plain(prompt)?),
        ("a resource", plain(document)?),
        ("prompts", bare(&client.list_all_prompts().await?, prefix)?),
        ("resources", json!(client.list_all_resources().await?)),
        (
            "templates",
            json!(client.list_all_resource_templates().await?),
        ),
        ("asked", json!(client.service().told("asked"))),
    ]);
    client.cancel().await?;
    Ok(seen)
}

/// A result without what only this revision puts there.
fn plain(result: Result<impl serde::Serialize, ServiceError>) -> Result<Value> {
    let mut result = serde_json::to_value(result?)?;
    if let Value::Object(members) = &mut result {
        members
            .retain(|name, _| !["resultType", "ttlMs", "cacheScope", "_meta"].contains(&&**name));
    }
    Ok(result)
}
