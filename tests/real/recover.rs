//! The gateway is killed in the middle of its clients' work and started again at the same port, with
//! the same state: whose SDK can goes on without help. `RECOVERY.md` says what each user sees.

use anyhow::{Context, Result, ensure};

use crate::gateway;
use crate::job::{Job, Observations, Over};
use crate::script::{Script, Sdk};
use crate::stage::Stage;

/// A client, and how many of its calls fail after the restart before one succeeds.
struct Client {
    sdk: Sdk,
    over: Over,
    failed_calls: usize,
    /// Whether it is told again what changes.
    is_told: bool,
}

const CLIENTS: [Client; 4] = [
    Client {
        sdk: Sdk::Python1,
        over: Over::Http,
        failed_calls: 0,
        is_told: true,
    },
    Client {
        sdk: Sdk::Python2,
        over: Over::Http,
        failed_calls: 0,
        is_told: true,
    },
    Client {
        sdk: Sdk::TypeScript1,
        over: Over::Http,
        failed_calls: 0,
        is_told: true,
    },
    Client {
        sdk: Sdk::TypeScript2,
        over: Over::Http,
        failed_calls: 0,
        is_told: true,
    },
];

#[tokio::test]
async fn clients_go_on_after_the_gateway_was_killed() -> Result<()> {
    let stage = Stage::furnish(&["everything", "time"]).await?;
    let before = stage.without("time");
    gateway::with(stage.dir(), &before, async |gateway| {
        let mut running = Vec::new();
        for client in &CLIENTS {
            let job = Job::through(gateway, client.over, "recover", "everything");
            let script = Script::start(client.sdk, std::slice::from_ref(&job), &stage.plan)?;
            running.push((client, job, script));
        }
        for (_, _, script) in &mut running {
            script.reaches("in flight").await?;
        }
        gateway.kill_and_start(&before).await?;
        for (_, _, script) in &mut running {
            script.tell("up again").await?;
        }
        for (_, _, script) in &mut running {
            script.reaches("goes on").await?;
        }
        gateway.reconfigure(&stage.servers)?;
        for (client, job, script) in running {
            let seen = script.finish(std::slice::from_ref(&job)).await?;
            client
                .check(&job, &seen)
                .with_context(|| format!("{:?}", client.sdk))?;
        }
        Ok(())
    })
    .await
}

impl Client {
    fn check(&self, job: &Job, seen: &Observations) -> Result<()> {
        let calls = seen.saw(job, "calls after the restart")?;
        let calls = calls.as_array().context("a list of calls")?;
        let good = calls.iter().filter(|call| call[0] == "result").count();
        ensure!(
            (calls.len(), good) == (self.failed_calls + 1, 1),
            "calls after the restart: {calls:#?}"
        );
        let told = if self.is_told { "told" } else { "not told" };
        ensure!(
            seen.saw(job, "a changed list")? == told,
            "of a changed list: {}",
            seen.saw(job, "a changed list")?
        );
        Ok(())
    }
}
