//! Whether anything grows over very many calls: memory, open files and threads after all of them, beside what they
//! were after the first tenth.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::memory;
use crate::load::{self, Caller};
use crate::modern::Modern;
use crate::report::Report;
use crate::session::{self, Session};
use crate::support::client::Streamable;
use crate::support::gateway::Gateway;
use crate::support::proc;
use crate::{Plan, progress};

/// Calls at a time.
const IN_FLIGHT: usize = 16;
/// Calls are counted in pieces of this time.
const PIECE: Duration = Duration::from_secs(1);

/// What a process holds.
struct Held {
    memory: f64,
    files: usize,
    threads: usize,
}

/// Each era at a gateway of its own.
///
/// # Errors
/// When an answer is lost or wrong, or a gateway ends.
pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let gateway = session::gateway(plan).await?;
    let session = Arc::new(Session::<Streamable>::open(gateway.addr()).await);
    grows(plan, report, ("mcp", "/mcp"), (&gateway, &session)).await?;
    session.check_nothing_extra()?;
    session::end(gateway).await?;
    let gateway = session::gateway(plan).await?;
    let client = Arc::new(Modern::new(gateway.addr()));
    let what = ("modern", "/mcp without a session");
    grows(plan, report, what, (&gateway, &client)).await?;
    session::end(gateway).await
}

async fn grows<C: Caller>(
    plan: &Plan,
    report: &mut Report,
    (key, what): (&str, &str),
    (gateway, caller): (&Gateway, &Arc<C>),
) -> anyhow::Result<()> {
    call(caller, plan.calls / 10).await?;
    let before = Held::look(plan, gateway).await?;
    progress(&format!("{what}: the other nine tenths"));
    call(caller, plan.calls - plan.calls / 10).await?;
    let after = Held::look(plan, gateway).await?;
    let rows = [
        ("memory", "PSS", after.memory / before.memory),
        ("files", "open files", ratio(after.files, before.files)),
        ("threads", "threads", ratio(after.threads, before.threads)),
    ];
    for (end, of, value) in rows {
        let what = format!("{what}: {of} after all calls ÷ after the first tenth");
        report.add(&format!("growth.{key}.{end}"), &what, value, "×");
    }
    Ok(())
}

/// At least so many.
async fn call<C: Caller>(caller: &Arc<C>, count: usize) -> anyhow::Result<()> {
    let callers = [Arc::clone(caller)];
    let mut done = 0;
    while done < count {
        done += load::run(&callers, IN_FLIGHT, PIECE).await?.calls();
    }
    Ok(())
}

impl Held {
    async fn look(plan: &Plan, gateway: &Gateway) -> anyhow::Result<Self> {
        let memory = memory::settled(gateway.pid(), plan).await?;
        let gone = "the gateway has gone";
        Ok(Self {
            memory,
            files: proc::open_files(gateway.pid()).context(gone)?,
            threads: proc::stat(gateway.pid()).context(gone)?.threads,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few dozen")]
fn ratio(after: usize, before: usize) -> f64 {
    after as f64 / before as f64
}
