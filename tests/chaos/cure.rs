//! Asks a struck server who it is until its answer shows that the strike is over.

#![cfg(test)]

use std::time::Duration;

use serde_json::Value;
use tokio::time;

use crate::ledger::Outcome;
use crate::over_http::one_post;
use crate::steady::read;
use crate::support::streamable::{Endpoint, call_tool};

const AGAIN: Duration = Duration::from_millis(20);
/// An attempt that takes longer was lost.
const PATIENCE: Duration = Duration::from_secs(40);

/// What its answer must show.
#[derive(Clone, Debug)]
pub(crate) enum Needs {
    /// Another process than these.
    AnotherThan(Vec<u32>),
    /// The command line it is configured with by now.
    Marker(String),
    /// Nothing will do: it is gone for good.
    Nothing,
}

/// Returns when the server has answered so, or never.
pub(crate) async fn until(nurse: &Endpoint, server: &str, needs: &Needs) {
    let call = call_tool(1, &format!("{server}__pid"), "{}");
    loop {
        let asked = time::timeout(PATIENCE, one_post(nurse, &mut None, &call)).await;
        if let Ok(Ok((_, messages))) = asked
            && messages.iter().any(|raw| shows(raw, needs))
        {
            return;
        }
        time::sleep(AGAIN).await;
    }
}

fn shows(raw: &[u8], needs: &Needs) -> bool {
    let message: Value = serde_json::from_slice(raw).unwrap_or_default();
    let Outcome::Answered { pid, marker, .. } = read(&message) else {
        return false;
    };
    match needs {
        Needs::AnotherThan(pids) => !pids.contains(&pid),
        Needs::Marker(wanted) => marker == *wanted,
        Needs::Nothing => false,
    }
}
