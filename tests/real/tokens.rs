//! A gateway that asks for a token: every SDK over both transports, mcp-remote and the Inspector get in
//! with it, each as the documents have it written, and are told clearly when it is wrong. Nothing secret
//! comes into the log, however talkative that is.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::features::{home, remote};
use crate::gateway::{self, Gateway, Port};
use crate::inspector;
use crate::job::{Job, Over};
use crate::script::{Script, Sdk};
use crate::stage::Stage;

const TOKEN: &str = "canary-token-8d1f0a44c2";
const WRONG: &str = "canary-wrong-5b7e90d3aa";
/// In the environment and the arguments of a server.
const SECRET: &str = "canary-secret-47aa01fe";

const SDKS: [Sdk; 4] = [
    Sdk::Python1,
    Sdk::Python2,
    Sdk::TypeScript1,
    Sdk::TypeScript2,
];

#[tokio::test]
async fn clients_with_the_token_get_in_and_others_are_told_why_not() -> Result<()> {
    let mut stage = Stage::set(&["memory", "time"]).await?;
    let server = &mut stage.servers[0];
    server.env.insert("MEMORY_SECRET", SECRET.to_owned());
    server.args.push(SECRET.to_owned());
    gateway::with_port(
        Port::Guarded(TOKEN),
        stage.dir(),
        &stage.servers,
        async |gateway| {
            every_sdk(gateway, &stage).await?;
            by_remote(gateway, &stage).await?;
            inspector::lists_tools_with(gateway, &stage, TOKEN).await?;
            for secret in [TOKEN, WRONG, SECRET] {
                ensure!(!gateway.has_logged(secret), "{secret} is in the log");
            }
            ensure!(gateway.has_logged("[DEBUG]"), "the log is not talkative");
            Ok(())
        },
    )
    .await
}

async fn every_sdk(gateway: &Gateway, stage: &Stage) -> Result<()> {
    let mut jobs = Vec::new();
    for over in [Over::Http, Over::Sse] {
        let stranger = || Job::through(gateway, over, "stranger", "");
        jobs.push(Job::through(gateway, over, "compare", "").with_token(TOKEN));
        jobs.push(stranger().with_token(WRONG).named("wrong"));
        jobs.push(stranger().named("none"));
    }
    let started = SDKS.map(|sdk| Script::start(sdk, &jobs, &stage.plan));
    for script in started.into_iter().collect::<Result<Vec<_>>>()? {
        let name = script.name.clone();
        let seen = script.finish(&jobs).await?;
        for job in jobs.iter().filter(|job| job.scenario == "stranger") {
            let refusal = seen.saw(job, "the refusal")?;
            eprintln!("{name}: {}: {refusal}", job.name);
            ensure!(is_clear(refusal), "{name}: {}: {refusal}", job.name);
        }
    }
    Ok(())
}

/// Clients that start stdio servers only: the header is written without a space, and its value comes
/// from the environment.
async fn by_remote(gateway: &Gateway, stage: &Stage) -> Result<()> {
    let job = |scenario, token: &str, over| {
        let (url, mut options) = match over {
            Over::Http => (gateway.http(), vec!["--transport", "http-only"]),
            Over::Sse => (gateway.sse(), vec!["--transport", "sse-only"]),
        };
        options.extend(["--header", "Authorization:${AUTH}"]);
        let mut env: BTreeMap<&str, String> = home(stage.dir());
        env.insert("AUTH", format!("Bearer {token}"));
        let through = Job::through(gateway, over, scenario, "");
        through.by("mcp-remote", remote(&url, &options), env)
    };
    let jobs = [
        job("compare", TOKEN, Over::Http),
        job("compare", TOKEN, Over::Sse),
        job("stranger", WRONG, Over::Http),
        job("stranger", WRONG, Over::Sse),
    ];
    let seen = Script::start(Sdk::Python1, &jobs, &stage.plan)?;
    let seen = seen.finish(&jobs).await?;
    for job in &jobs[2..] {
        let refusal = seen.saw(job, "the refusal")?;
        eprintln!("{}: {refusal}", job.name);
    }
    Ok(())
}

/// Whether somebody who reads it knows that it is the token: the status, or the gateway's own words.
fn is_clear(refusal: &Value) -> bool {
    let text = refusal.to_string();
    ["401", "Unauthorized", "token is"]
        .iter()
        .any(|word| text.contains(word))
}
