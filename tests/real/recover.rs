//! The gateway is killed in the middle of its clients' work and started again at the same port, with
//! the same state: whose SDK can goes on without help. `RECOVERY.md` says what each user sees.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::gateway;
use crate::job::{Job, Observations, Over};
use crate::script::{Script, Sdk};
use crate::stage::Stage;

/// What becomes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Calls succeed from the restart on, and the client is told of changes again.
    GoesOn,
    /// The SDK itself ends it: a call found nobody at the port.
    IsGivenUp,
}

/// Each SDK, with a user who waits for the gateway (`recover`) and with one who calls all the time
/// (`busy`).
const CLIENTS: [(Sdk, &str, Fate); 8] = [
    (Sdk::Python1, "recover", Fate::GoesOn),
    (Sdk::Python1, "busy", Fate::IsGivenUp),
    (Sdk::Python2, "recover", Fate::GoesOn),
    (Sdk::Python2, "busy", Fate::IsGivenUp),
    (Sdk::TypeScript1, "recover", Fate::GoesOn),
    (Sdk::TypeScript1, "busy", Fate::GoesOn),
    (Sdk::TypeScript2, "recover", Fate::GoesOn),
    (Sdk::TypeScript2, "busy", Fate::GoesOn),
];

#[tokio::test]
async fn clients_go_on_after_the_gateway_was_killed() -> Result<()> {
    let stage = Stage::furnish(&["everything", "time"]).await?;
    let before = stage.without("time");
    gateway::with(stage.dir(), &before, async |gateway| {
        let mut running = Vec::new();
        for (sdk, scenario, fate) in CLIENTS {
            let job = Job::through(gateway, Over::Http, scenario, "everything");
            let script = Script::start(sdk, std::slice::from_ref(&job), &stage.plan)?;
            running.push((script, job, fate));
        }
        for (script, _, _) in &mut running {
            script.reaches("in flight").await?;
        }
        gateway.kill_and_start(&before).await?;
        for (script, _, fate) in &mut running {
            // Whoever gave up may have ended by now.
            let told = script.tell("up again").await;
            told.or_else(|failure| ok_if(*fate == Fate::IsGivenUp, failure))?;
        }
        for (script, _, fate) in &mut running {
            if *fate == Fate::GoesOn {
                script.reaches("goes on").await?;
            }
        }
        gateway.reconfigure(&stage.servers)?;
        for (script, job, fate) in running {
            let name = script.name.clone();
            let seen = script.finish(std::slice::from_ref(&job)).await?;
            check(&job, &seen, fate).with_context(|| format!("{name}: {seen:#?}"))?;
        }
        Ok(())
    })
    .await
}

fn ok_if(is_fine: bool, failure: anyhow::Error) -> Result<()> {
    if is_fine { Ok(()) } else { Err(failure) }
}

fn check(job: &Job, seen: &Observations, fate: Fate) -> Result<()> {
    if fate == Fate::IsGivenUp {
        return seen.saw(job, "the session's end").map(drop);
    }
    for (about, wanted) in [
        ("failed after the restart", json!(0)),
        ("a changed list", json!("told")),
    ] {
        let value = seen.saw(job, about)?;
        ensure!(*value == wanted, "{about}: {value}, not {wanted}");
    }
    Ok(())
}
