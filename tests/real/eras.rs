//! Clients that know revision 2026-07-28, in front of servers that do not: what they see through the gateway is what
//! each server says over a bare pipe. And where it is not offered, those that would have liked it get on without.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::features::{home, remote, stage};
use crate::gateway;
use crate::job::{Era, Job, Observations, Over, REVISION};
use crate::script::{Script, Sdk};
use crate::stage::{ALL, Stage};

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";

/// The SDKs that know both.
const SDKS: [Sdk; 2] = [Sdk::Python2, Sdk::TypeScript2];

fn ensure_revision(seen: &Observations, job: &Job, wanted: &str) -> Result<()> {
    let revision = seen.saw(job, REVISION)?;
    ensure!(*revision == wanted, "{} in {revision}", job.name);
    Ok(())
}

/// Runs the same jobs with each SDK at the same time.
async fn each(stage: &Stage, jobs: &[Job]) -> Result<Vec<Observations>> {
    let started = SDKS.map(|sdk| Script::start(sdk, jobs, &stage.plan));
    let mut seen = Vec::new();
    for script in started.into_iter().collect::<Result<Vec<_>>>()? {
        seen.push(script.finish(jobs).await?);
    }
    Ok(seen)
}

#[tokio::test]
async fn modern_clients_see_what_the_servers_say() -> Result<()> {
    let stage = Stage::set(&ALL).await?;
    gateway::with_both_eras(stage.dir(), &stage.servers, async |gateway| {
        let job = |era| Job::through(gateway, Over::Http, "compare", "").in_era(era);
        let jobs = [job(Era::Modern), job(Era::Auto)];
        for seen in each(&stage, &jobs).await? {
            for job in &jobs {
                ensure_revision(&seen, job, MODERN)?;
            }
        }
        Ok(())
    })
    .await
}

/// A server with a process for each session is there: who asks is told to shake hands. And over HTTP+SSE everybody is.
#[tokio::test]
async fn where_it_is_not_offered_clients_fall_back() -> Result<()> {
    let stage = Stage::set(&["thinking", "time"]).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let job = |over| Job::through(gateway, over, "compare", "").in_era(Era::Auto);
        let jobs = [job(Over::Http), job(Over::Sse)];
        for seen in each(&stage, &jobs).await? {
            for job in &jobs {
                ensure_revision(&seen, job, LEGACY)?;
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn python_2_uses_everything_in_its_time() -> Result<()> {
    everything(Sdk::Python2).await
}

#[tokio::test]
async fn typescript_2_uses_everything_in_its_time() -> Result<()> {
    everything(Sdk::TypeScript2).await
}

/// Offers, progress, and all that the server asks; a call that is given up; and what is heard while somebody listens.
async fn everything(sdk: Sdk) -> Result<()> {
    let (stage, servers) = stage().await?;
    let [server, fetch] = &servers;
    let page = &stage.page.base;
    gateway::with_both_eras(stage.dir(), &servers, async |gateway| {
        let talk = |era| Job::through(gateway, Over::Http, "eras", server.name).in_era(era);
        let cancel = Job::through(gateway, Over::Http, "cancel", fetch.name);
        let jobs = [
            Job::bare("eras", server),
            Job::bare("cancel", fetch).with_page(page),
            talk(Era::Modern),
            cancel.in_era(Era::Modern).with_page(page),
            talk(Era::Auto),
        ];
        let seen = Script::start(sdk, &jobs, &stage.plan)?
            .finish(&jobs)
            .await?;
        let [talk, cancel, through @ ..] = &jobs;
        for (job, wanted) in through.iter().zip([talk, cancel, talk]) {
            ensure_revision(&seen, job, MODERN)?;
            seen.ensure_same(job, wanted)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn who_listens_hears_of_what_changes() -> Result<()> {
    let stage = Stage::furnish(&["everything"]).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let jobs =
            [Job::through(gateway, Over::Http, "listening", "everything").in_era(Era::Modern)];
        let uris = json!(["demo://resource/dynamic/text/9"]);
        // One after the other: each has the server begin with updates, and end.
        for sdk in SDKS {
            let script = Script::start(sdk, &jobs, &stage.plan)?;
            let seen = script.finish(&jobs).await?;
            let granted = seen.saw(&jobs[0], "granted")?;
            ensure!(granted["resourceSubscriptions"] == uris, "{granted}");
            ensure!(*seen.saw(&jobs[0], "the end of it")? == "local");
        }
        Ok(())
    })
    .await
}

/// mcp-remote gives clients of older revisions a modern way in.
#[tokio::test]
async fn mcp_remote_turns_the_new_into_the_old() -> Result<()> {
    let (stage, servers) = stage().await?;
    gateway::with_both_eras(stage.dir(), &servers, async |gateway| {
        let wanted = Job::bare("eras", &servers[0]);
        let through = Job::through(gateway, Over::Http, "eras", "everything");
        let command = remote(&gateway.http(), &["--protocol", "auto"]);
        let through = through.by("mcp-remote", command, home(stage.dir()));
        let jobs = [wanted, through];
        let seen = Script::start(Sdk::Python1, &jobs, &stage.plan)?;
        let seen = seen.finish(&jobs).await?;
        // It refuses to put a page to a client of an older revision, which wants an id for it.
        let not_passed = ["trigger-url-elicitation", "asked"];
        seen.ensure_same_but(&not_passed, &jobs[1], &jobs[0])
    })
    .await
}

/// Lists that change while calls run.
#[tokio::test]
async fn modern_clients_see_an_edit() -> Result<()> {
    let stage = Stage::set(&["time", "filesystem", "git", "memory"]).await?;
    let before = stage.without("time");
    let after = stage.without("git");
    gateway::with(stage.dir(), &before, async |gateway| {
        let jobs = [Job::through(gateway, Over::Http, "edit", "").in_era(Era::Modern)];
        let mut scripts = Vec::new();
        for sdk in SDKS {
            scripts.push(Script::start(sdk, &jobs, &stage.plan)?);
        }
        for script in &mut scripts {
            script.reaches("calls run").await?;
        }
        gateway.reconfigure(&after)?;
        for script in &mut scripts {
            script.reaches("changed").await?;
        }
        for script in scripts {
            script.finish(&jobs).await?;
        }
        Ok(())
    })
    .await
}
