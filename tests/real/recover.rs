//! The gateway is killed in the middle of its clients' work and started again at the same port, with
//! the same state: whose SDK can goes on without help. The README, "When the gateway is restarted",
//! says what each user sees.

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
    /// The SDK has ended it or gets no answers any more: its user has to connect again.
    IsLost,
}

impl Fate {
    /// What the script says of it.
    fn word(self) -> &'static str {
        match self {
            Self::GoesOn => "goes on",
            Self::IsLost => "is lost",
        }
    }
}

/// Each SDK, with a user who waits for the gateway (`recover`) and with one who calls all the time
/// (`busy`).
const OVER_HTTP: [(Sdk, &str, Fate); 8] = [
    (Sdk::Python1, "recover", Fate::GoesOn),
    (Sdk::Python1, "busy", Fate::IsLost),
    (Sdk::Python2, "recover", Fate::GoesOn),
    (Sdk::Python2, "busy", Fate::IsLost),
    (Sdk::TypeScript1, "recover", Fate::GoesOn),
    (Sdk::TypeScript1, "busy", Fate::GoesOn),
    (Sdk::TypeScript2, "recover", Fate::GoesOn),
    (Sdk::TypeScript2, "busy", Fate::GoesOn),
];

/// The same over HTTP+SSE.
const OVER_SSE: [(Sdk, &str, Fate); 8] = [
    (Sdk::Python1, "recover", Fate::IsLost),
    (Sdk::Python1, "busy", Fate::IsLost),
    (Sdk::Python2, "recover", Fate::IsLost),
    (Sdk::Python2, "busy", Fate::IsLost),
    (Sdk::TypeScript1, "recover", Fate::GoesOn),
    (Sdk::TypeScript1, "busy", Fate::GoesOn),
    (Sdk::TypeScript2, "recover", Fate::GoesOn),
    (Sdk::TypeScript2, "busy", Fate::GoesOn),
];

#[tokio::test]
async fn clients_of_streamable_http_live_through_a_restart() -> Result<()> {
    restart(Over::Http, OVER_HTTP).await
}

#[tokio::test]
async fn clients_of_sse_live_through_a_restart() -> Result<()> {
    restart(Over::Sse, OVER_SSE).await
}

async fn restart(over: Over, clients: [(Sdk, &'static str, Fate); 8]) -> Result<()> {
    let stage = Stage::furnish(&["everything", "time"]).await?;
    let before = stage.without("time");
    gateway::with(stage.dir(), &before, async |gateway| {
        let mut running = Vec::new();
        for (sdk, scenario, fate) in clients {
            let job = Job::through(gateway, over, scenario, "everything");
            let script = Script::start(sdk, std::slice::from_ref(&job), &stage.plan)?;
            running.push((script, job, fate));
        }
        for (script, _, _) in &mut running {
            script.reaches("in flight").await?;
        }
        gateway.kill().await?;
        for (script, job, _) in &mut running {
            if job.scenario == "busy" {
                script.reaches("a call failed").await?;
            }
        }
        gateway.start_again(&before).await?;
        for (script, _, fate) in &mut running {
            // Whoever gave up may have ended by now.
            let told = script.tell("up again").await;
            told.or_else(|failure| ok_if(*fate == Fate::IsLost, failure))?;
        }
        for (script, _, fate) in &mut running {
            script.reaches(fate.word()).await?;
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
    if fate == Fate::GoesOn {
        let told = seen.saw(job, "a changed list")?;
        ensure!(*told == json!("told"), "of a changed list it was {told}");
    }
    Ok(())
}
