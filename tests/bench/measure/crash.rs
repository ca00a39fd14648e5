//! An upstream is killed while it holds calls: how soon they are answered with an error, and how soon the same
//! session can call that upstream again.

use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::join_all;
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::Plan;
use crate::echo::HOLD;
use crate::load::{self, Caller, median};
use crate::report::Report;
use crate::session::{self, Session, upstream};
use crate::support::client::DEADLINE;
use crate::support::client::Sse;
use crate::support::gateway::Gateway;

/// Calls in flight when the upstream dies.
const HELD: usize = 8;
/// Until it must work again.
const RECOVERY: Duration = Duration::from_secs(30);

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let gateway = session::gateway(plan).await?;
    let session = Session::<Sse>::open(gateway.addr()).await;
    let mut answered = Vec::new();
    let mut works = Vec::new();
    for victim in 0..plan.crashes {
        let killed = kill_in_flight(&gateway, &session, victim, &mut answered).await?;
        works.push(recovery(&session, victim, killed).await?);
    }
    session.check_nothing_extra()?;
    let what = format!("crash → error of {HELD} calls in flight");
    report.add("crash.error", &what, median(answered), "ms");
    report.add(
        "crash.works",
        "crash → works again, same session",
        median(works),
        "ms",
    );
    session::end(gateway).await
}

/// Kills one upstream and waits for the errors; the moment of its death.
async fn kill_in_flight(
    gateway: &Gateway,
    session: &Session<Sse>,
    victim: usize,
    answered: &mut Vec<f64>,
) -> anyhow::Result<Instant> {
    let mut held = Vec::new();
    for _ in 0..HELD {
        let name = upstream(victim);
        let params = format!(r#"{{"name":"{name}__tool_00","arguments":{{"text":"{HOLD}"}}}}"#);
        held.push(session.0.request("tools/call", Some(&params)).await);
    }
    // Answered after the others were read: the upstream has them all.
    load::check(
        &session.call(victim, "are you there").await?,
        "are you there",
    )?;
    let label = format!("--label {}", upstream(victim));
    let process = gateway.child(&label).context("the upstream is running")?;
    let killed = Instant::now();
    process.signal(Signal::SIGKILL);
    let answers = held
        .into_iter()
        .map(|id| session.0.wait_response(id, DEADLINE));
    let answers = join_all(answers).await;
    answered.push(killed.elapsed().as_secs_f64() * 1e3);
    for answer in answers {
        let is_error = answer.contains("\"error\"") || answer.contains("\"isError\":true");
        ensure!(
            is_error,
            "a call that could not be answered was: {answer:.300}"
        );
    }
    Ok(killed)
}

/// Calls until it succeeds; milliseconds since the death.
async fn recovery(session: &Session<Sse>, victim: usize, killed: Instant) -> anyhow::Result<f64> {
    loop {
        let answer = session.call(victim, "back").await?;
        if load::check(&answer, "back").is_ok() {
            return Ok(killed.elapsed().as_secs_f64() * 1e3);
        }
        ensure!(
            killed.elapsed() < RECOVERY,
            "not back after {RECOVERY:?}: {answer:.300}"
        );
        sleep(Duration::from_millis(5)).await;
    }
}
