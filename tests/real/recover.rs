//! The gateway is killed in the middle of its clients' work and started again at the same port, with
//! the same state: whose SDK can goes on without help. docs/restarts.md, "When the gateway is restarted",
//! says what each user sees.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::features::{home, remote};
use crate::gateway::{self, Gateway, Port};
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
    /// Lost if the kill met a request on its way, else it goes on.
    Varies,
}

impl Fate {
    /// Whether a script may end with this word.
    fn allows(self, word: &str) -> bool {
        match self {
            Self::GoesOn => word == "goes on",
            Self::IsLost => word == "is lost",
            Self::Varies => true,
        }
    }
}

/// Who the user speaks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The SDK alone.
    Sdk,
    /// mcp-remote between the SDK's stdio and the gateway.
    Remote,
}

/// A client, its user (one who waits for the gateway, `recover`, or calls all the time, `busy`), and what
/// becomes of the session when the port was the gateway's own, and when it was passed.
type Row = (Sdk, By, &'static str, [Fate; 2]);

const ON: [Fate; 2] = [Fate::GoesOn; 2];
const LOST: [Fate; 2] = [Fate::IsLost; 2];
const LOST_OR_LUCKY: [Fate; 2] = [Fate::IsLost, Fate::Varies];

const OVER_HTTP: [Row; 10] = [
    (Sdk::Python1, By::Sdk, "recover", ON),
    (Sdk::Python1, By::Sdk, "busy", LOST_OR_LUCKY),
    (Sdk::Python2, By::Sdk, "recover", ON),
    (Sdk::Python2, By::Sdk, "busy", LOST_OR_LUCKY),
    (Sdk::TypeScript1, By::Sdk, "recover", ON),
    (Sdk::TypeScript1, By::Sdk, "busy", ON),
    (Sdk::TypeScript2, By::Sdk, "recover", ON),
    (Sdk::TypeScript2, By::Sdk, "busy", ON),
    (Sdk::TypeScript1, By::Remote, "recover", ON),
    (Sdk::TypeScript1, By::Remote, "busy", ON),
];

const OVER_SSE: [Row; 10] = [
    (Sdk::Python1, By::Sdk, "recover", LOST),
    (Sdk::Python1, By::Sdk, "busy", LOST),
    (Sdk::Python2, By::Sdk, "recover", LOST),
    (Sdk::Python2, By::Sdk, "busy", LOST),
    (Sdk::TypeScript1, By::Sdk, "recover", ON),
    (Sdk::TypeScript1, By::Sdk, "busy", ON),
    (Sdk::TypeScript2, By::Sdk, "recover", ON),
    (Sdk::TypeScript2, By::Sdk, "busy", ON),
    (Sdk::TypeScript1, By::Remote, "recover", ON),
    (Sdk::TypeScript1, By::Remote, "busy", ON),
];

#[tokio::test]
async fn clients_of_streamable_http_live_through_a_restart() -> Result<()> {
    restart(Over::Http, Port::Bound, OVER_HTTP).await
}

#[tokio::test]
async fn clients_of_sse_live_through_a_restart() -> Result<()> {
    restart(Over::Sse, Port::Bound, OVER_SSE).await
}

#[tokio::test]
async fn clients_of_streamable_http_live_through_a_restart_behind_a_passed_socket() -> Result<()> {
    restart(Over::Http, Port::Passed, OVER_HTTP).await
}

#[tokio::test]
async fn clients_of_sse_live_through_a_restart_behind_a_passed_socket() -> Result<()> {
    restart(Over::Sse, Port::Passed, OVER_SSE).await
}

async fn restart(over: Over, port: Port, clients: [Row; 10]) -> Result<()> {
    let stage = Stage::furnish(&["everything", "time"]).await?;
    let before = stage.without("time");
    gateway::with_port(port, stage.dir(), &before, async |gateway| {
        let mut running = Vec::new();
        for (sdk, by, scenario, [bound, passed]) in clients {
            let mut job = Job::through(gateway, over, scenario, "everything");
            if by == By::Remote {
                job = behind_remote(job, over, gateway, &stage);
            }
            let script = Script::start(sdk, std::slice::from_ref(&job), &stage.plan)?;
            let fate = if port == Port::Bound { bound } else { passed };
            running.push((script, job, fate));
        }
        for (script, _, _) in &mut running {
            script.reaches("in flight").await?;
        }
        gateway.kill().await?;
        for (script, job, _) in &mut running {
            // Where the port stays open, calls wait.
            if job.scenario == "busy" && port == Port::Bound {
                script.reaches("a call failed").await?;
            }
        }
        gateway.start_again(&before).await?;
        for (script, _, fate) in &mut running {
            // Whoever gave up may have ended by now.
            let told = script.tell("up again").await;
            told.or_else(|failure| ok_if(*fate != Fate::GoesOn, failure))?;
        }
        for (script, _, fate) in &mut running {
            let word = comes_to(script).await?;
            ensure!(fate.allows(&word), "{}: its session {word}", script.name);
        }
        gateway.reconfigure(&stage.servers)?;
        for (script, job, fate) in running {
            let name = script.name.clone();
            let seen = script.finish(std::slice::from_ref(&job)).await?;
            eprintln!("{port:?} {name}: {seen:#?}");
            check(&job, &seen, fate).with_context(|| format!("{name}: {seen:#?}"))?;
        }
        Ok(())
    })
    .await
}

/// What has become of its session, in its own word.
async fn comes_to(script: &mut Script) -> Result<String> {
    let words = ["a call failed", "goes on", "is lost"];
    loop {
        let word = script.reaches_any(&words).await?;
        if word != "a call failed" {
            return Ok(word);
        }
    }
}

fn behind_remote(job: Job, over: Over, gateway: &Gateway, stage: &Stage) -> Job {
    let command = match over {
        Over::Http => remote(&gateway.http(), &[]),
        Over::Sse => remote(&gateway.sse(), &["--transport", "sse-only"]),
    };
    // Its own for each: they would take each other's lock for a login that is under way.
    let home = home(&stage.dir().join(job.scenario));
    job.by("mcp-remote", command, home)
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
