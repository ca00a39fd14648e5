//! A gateway in front of ten echo servers, and sessions that call through it.

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::Plan;
use crate::echo;
use crate::load::Caller;
use crate::support::client::{Client, DEADLINE, Sse, Transport};
use crate::support::gateway::{Gateway, GatewayOptions};

/// Echo servers behind the gateway.
pub(crate) const UPSTREAMS: usize = 10;
/// Tools of each.
pub(crate) const TOOLS: usize = 20;

/// The name of an upstream, also its label in `/proc`.
pub(crate) fn upstream(number: usize) -> String {
    format!("u{:02}", number % UPSTREAMS)
}

/// What to start: the gateway with ten echo servers and a directory of its own.
///
/// # Errors
/// When this binary can't find itself.
pub(crate) fn options(plan: &Plan) -> anyhow::Result<GatewayOptions> {
    options_with(plan, &json!({}))
}

/// The same with more fields of the configuration.
///
/// # Errors
/// As above.
pub(crate) fn options_with(plan: &Plan, more: &Value) -> anyhow::Result<GatewayOptions> {
    let own = env::current_exe()?;
    let own = own.to_str().context("the path of this binary is UTF-8")?;
    let servers: Vec<_> = (0..UPSTREAMS)
        .map(upstream)
        .map(|name| json!({ "name": name, "command": own, "args": echo::arguments(TOOLS, &name) }))
        .collect();
    let mut config = serde_json::Map::from_iter([("servers".to_owned(), json!(servers))]);
    config.extend(more.as_object().cloned().into_iter().flatten());
    let config = Value::Object(config);
    let mut options = GatewayOptions::new(config.to_string());
    options.binary.clone_from(&plan.gateway);
    // One client alone does not get all that may be there.
    let room = (2 * plan.sessions).max(2_000).to_string();
    for limit in ["--max-sessions", "--max-connections"] {
        options = options.arg(limit).arg(room.as_str());
    }
    Ok(options)
}

/// A gateway that lists all tools.
///
/// # Errors
/// When it does not.
pub(crate) async fn gateway(plan: &Plan) -> anyhow::Result<Gateway> {
    ready(options(plan)?).await
}

/// The same with these options.
///
/// # Errors
/// As above.
pub(crate) async fn ready(options: GatewayOptions) -> anyhow::Result<Gateway> {
    let gateway = Gateway::start(options).await;
    Session::<Sse>::open(gateway.addr())
        .await
        .all_tools()
        .await?;
    Ok(gateway)
}

/// Ends a gateway and checks that it went well.
///
/// # Errors
/// When its exit code is not 0.
pub(crate) async fn end(mut gateway: Gateway) -> anyhow::Result<()> {
    let status = gateway.terminate().await;
    ensure!(status.success(), "the gateway ended with {status}");
    Ok(())
}

/// One client, initialised.
pub(crate) struct Session<T>(pub(crate) Client<T>);

impl<T: Transport> Session<T> {
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let client = T::client(addr).await;
        client.initialize().await;
        Self(client)
    }

    /// So many sessions.
    pub(crate) async fn open_many(addr: SocketAddr, count: usize) -> Vec<Arc<Self>> {
        let mut sessions = Vec::new();
        for _ in 0..count {
            sessions.push(Arc::new(Self::open(addr).await));
        }
        sessions
    }

    /// Asks for the tools until all are listed; the raw list.
    ///
    /// # Errors
    /// When they are not after 30 s, or the list is not one.
    pub(crate) async fn all_tools(&self) -> anyhow::Result<String> {
        let asking = async {
            loop {
                let list = self.0.call("tools/list", None, DEADLINE).await;
                if count_tools(&list)? == UPSTREAMS * TOOLS {
                    return Ok(list);
                }
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        let deadline = std::time::Duration::from_secs(30);
        tokio::time::timeout(deadline, asking)
            .await
            .context("waiting for all tools")?
    }

    /// # Errors
    /// When the session was sent an answer that it was not waiting for.
    pub(crate) fn check_nothing_extra(&self) -> anyhow::Result<()> {
        let extra = self.0.unclaimed();
        ensure!(
            extra.is_empty(),
            "answers that nobody asked for: {extra:.500?}"
        );
        Ok(())
    }
}

impl<T: Transport + Send + Sync + 'static> Caller for Session<T> {
    async fn call(&self, turn: usize, text: &str) -> anyhow::Result<String> {
        let name = format!("{}__tool_{:02}", upstream(turn), turn % TOOLS);
        let arguments = format!(r#"{{"text":"{text}"}}"#);
        Ok(self.0.call_tool(&name, &arguments).await)
    }
}

/// How many tools a raw answer to `tools/list` holds.
pub(crate) fn count_tools(list: &str) -> anyhow::Result<usize> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        result: List<'a>,
    }
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        tools: Vec<&'a RawValue>,
    }
    let answer: Answer = serde_json::from_str(list).with_context(|| list.to_owned())?;
    Ok(answer.result.tools.len())
}
