//! The gateway's own memory: proportional set size, its children not counted, read when it has settled.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};

use crate::Plan;
use crate::report::Report;
use crate::session::{self, Session};
use crate::support::client::Sse;
use crate::support::proc;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// A gateway whose memory never settles is weighed then.
const DEADLINE: Duration = Duration::from_secs(20);
/// Smaller changes are none: a thread's stack page or two.
const SLACK: u64 = 16 * 1024;

/// PSS in MiB once it has stayed the same for the plan's `quiet` time.
///
/// # Errors
/// When the process has gone.
pub(crate) async fn settled(pid: u32, plan: &Plan) -> anyhow::Result<f64> {
    let look = || proc::pss(pid).context("the gateway has gone");
    let begin = Instant::now();
    let mut since = begin;
    let mut reference = look()?;
    loop {
        sleep(LOOK).await;
        let now = look()?;
        if now.abs_diff(reference) > SLACK {
            reference = now;
            since = Instant::now();
        }
        if since.elapsed() >= plan.quiet || begin.elapsed() >= DEADLINE {
            return Ok(mebibytes(now));
        }
    }
}

/// With ten servers and nobody connected.
pub(crate) async fn at_rest(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let gateway = session::gateway(plan).await?;
    let pss = settled(gateway.pid(), plan).await?;
    report.add("memory.idle", "PSS, 10 servers, idle", pss, "MiB");
    session::end(gateway).await
}

/// What one more connected client costs that does nothing.
pub(crate) async fn idle_sessions(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let gateway = session::gateway(plan).await?;
    let before = settled(gateway.pid(), plan).await?;
    let sessions = Session::<Sse>::open_many(gateway.addr(), plan.sessions).await;
    for session in &sessions {
        // An idle client has its stream; its connections for posts have long timed out.
        session.0.close_posts();
    }
    let after = settled(gateway.pid(), plan).await?;
    let count = u32::try_from(sessions.len()).context("a few hundred")?;
    let what = format!("PSS per idle session, of {count}");
    let each = (after - before) * 1024.0 / f64::from(count);
    report.add("memory.session", &what, each, "KiB");
    for session in &sessions {
        session.check_nothing_extra()?;
    }
    drop(sessions);
    session::end(gateway).await
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
