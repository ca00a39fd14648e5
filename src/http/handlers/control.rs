//! What the operator has done, over the control socket alone: `POST /control/reload` and
//! `POST /control/servers/NAME/restart` and `…/approve/DIGEST`; and what it is told, `GET /control/environment`. On the port
//! there are no such addresses.

use crate::http::Context;
use crate::http::problem::Problem;
use crate::ids::ServerName;
use crate::tree::{Approval, CallError, Restarted};
use hyper::StatusCode;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use warp::reply::Response;

/// How long a reload is waited for. A file system may hang.
const RELOAD: Duration = Duration::from_secs(30);
/// How long a restart is: one that installs what it needs takes longer, and goes on.
const RESTART: Duration = Duration::from_secs(120);

/// All that a SIGHUP does, and then what it changed.
pub(in crate::http) async fn reload(context: Arc<Context>) -> Result<Response, Problem> {
    let mut readings = context.steering.readings();
    readings.mark_unchanged();
    let asked = context.door.as_ref().map(|door| door.reload.send(()));
    if !matches!(asked, Some(Ok(()))) {
        return Err(CallError::Gone.into());
    }
    match timeout(RELOAD, readings.changed()).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(CallError::Gone.into()),
        Err(_) => return Err(CallError::Timeout.into()),
    }
    let changes = readings.borrow().changes.clone();
    let configuration = context.status.get().await?.configuration;
    let answer = json!({ "changes": changes, "configuration": configuration });
    Ok(super::json(StatusCode::OK, &answer))
}

/// What the gateway has around it, for who checks its file: a shell's variables and PATH are not the service's.
pub(in crate::http) fn environment(context: &Context) -> Response {
    let variables = std::env::vars_os();
    let texts = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let shown = |path: PathBuf| path.display().to_string();
    let door = context.door.as_ref();
    let state = door.and_then(|door| std::path::absolute(door.state_dir.as_ref()?).ok());
    let answer = json!({
        "configuration": door.map(|door| shown(door.config.clone())),
        "directory": std::env::current_dir().ok().map(shown),
        "state_directory": state.map(shown),
        "environment": texts.collect::<BTreeMap<_, _>>(),
    });
    super::json(StatusCode::OK, &answer)
}

/// Has clients see what is held of the server's tools, if it is what has this digest.
pub(in crate::http) async fn approve(
    name: String,
    digest: String,
    context: Arc<Context>,
) -> Result<Response, Problem> {
    let approval = match ServerName::new(&name) {
        Ok(server) => context.steering.approve(server, digest).await?,
        Err(_) => Approval::Unknown,
    };
    let status = match approval {
        Approval::Changed => return Err(Problem::HeldOther),
        Approval::Unknown => StatusCode::NOT_FOUND,
        Approval::Approved { .. } | Approval::NotHeld => StatusCode::OK,
    };
    Ok(super::json(status, &approval))
}

/// Waits until the server is ready again, or has failed.
pub(in crate::http) async fn restart(
    name: String,
    context: Arc<Context>,
) -> Result<Response, Problem> {
    let restarted = match ServerName::new(&name) {
        Ok(server) => context.steering.restart(server, RESTART).await,
        Err(_) => Ok(Restarted::Unknown),
    };
    match restarted {
        Ok(Restarted::Unknown) => {
            let answer = json!({ "outcome": "unknown" });
            Ok(super::json(StatusCode::NOT_FOUND, &answer))
        }
        Ok(restarted) => Ok(super::json(StatusCode::OK, &restarted)),
        Err(CallError::Timeout) => {
            let answer = json!({ "outcome": "late", "seconds": RESTART.as_secs() });
            Ok(super::json(StatusCode::OK, &answer))
        }
        Err(error) => Err(error.into()),
    }
}
