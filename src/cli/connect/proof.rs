//! That the gateway answers where a client will look for it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use super::{OK, UNAVAILABLE};
use crate::client::{Bounds, Client, ClientError, bearer, bearer_of, hidden};
use crate::config::Environment;
use crate::protocol::mcp::item::Kind;

/// How long the gateway may take: its servers may be in their first start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The header with the gateway's token: of its file, else of its variable.
pub(super) fn token(
    file: Option<&Path>,
    env: Environment<'_>,
) -> Result<Option<HeaderValue>, String> {
    if let Some(file) = file {
        return bearer(file).map(Some);
    }
    let token = env(super::VARIABLE).filter(|token| !token.is_empty());
    let token = token.map(|token| bearer_of(token.trim()));
    let wrong = |_| format!("{} holds no token", super::VARIABLE);
    token.transpose().map_err(wrong)
}

/// Lists the tools once, as a client would. Answers the exit code.
pub(super) fn prove(url: &Url, token: Option<HeaderValue>, err: &mut dyn Write) -> io::Result<u8> {
    let mut headers = HeaderMap::new();
    headers.extend(token.map(|token| (AUTHORIZATION, token)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listed = runtime.block_on(tools(url.clone(), headers.clone()));
    match listed {
        Ok((count, server)) => {
            let plural = if count == 1 { "" } else { "s" };
            writeln!(err, "{url} answers: {count} tool{plural}, {server}")?;
            Ok(OK)
        }
        Err(error) => {
            writeln!(err, "error: {url} {}", hidden(&error.to_string(), &headers))?;
            let is_late = matches!(error, ClientError::Late(..));
            if let Some(help) = error.help().filter(|_| !is_late) {
                writeln!(err, "    help: {help}")?;
            }
            Ok(UNAVAILABLE)
        }
    }
}

async fn tools(url: Url, headers: HeaderMap) -> Result<(usize, String), ClientError> {
    let mut client = Client::connect(url, headers, Bounds::within(PATIENCE)).await?;
    let tools = client.list_all(Kind::Tools).await?;
    let version = client.server().version;
    let revision = version.map_or_else(
        || "MCP".to_owned(),
        |version| format!("MCP {}", version.as_str()),
    );
    client.close().await;
    Ok((tools.len(), revision))
}
