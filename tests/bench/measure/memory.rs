//! The gateway's own memory: proportional set size, its children not counted, read when it has settled.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::Plan;
use crate::modern;
use crate::report::Report;
use crate::session::{self, Session};
use crate::support::client::{
    Client, Sse, SseClient, StreamableClient, StreamableOptions, Transport,
};
use crate::support::gateway::Gateway;
use crate::support::{http, proc};

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

/// The parent of `--hold-port`, after it has started the gateway again.
pub(crate) async fn holder(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let gateway = Gateway::start(session::options(plan)?.arg("--hold-port")).await;
    gateway.signal(Signal::SIGUSR2);
    gateway.wait_for_log("Restarting", DEADLINE).await;
    let answer = http::get(gateway.addr(), "/healthz").await;
    ensure!(answer.status == 200, "{}", answer.text());
    let own = proc::private(gateway.pid()).context("it has gone")?;
    let what = "private memory of the parent, --hold-port";
    report.add("memory.holder", what, mebibytes(own), "MiB");
    session::end(gateway).await
}

/// What one more client costs that does nothing: with its stream, over either transport, and over
/// Streamable HTTP without one.
pub(crate) async fn idle_sessions(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    listens(plan, report).await?;
    for (key, listen, how) in [
        ("memory.session.mcp", true, "with"),
        ("memory.session.quiet", false, "without"),
    ] {
        let open = async |addr| {
            let options = StreamableOptions {
                listen,
                ..StreamableOptions::default()
            };
            let client = StreamableClient::of(addr, &options);
            client.initialize().await;
            client
        };
        let (count, each) = idle(plan, open, StreamableClient::close_posts).await?;
        let what = format!("PSS per idle session, of {count}, /mcp {how} a GET stream");
        report.add(key, &what, each.memory, "KiB");
    }
    Ok(())
}

/// What one more client on HTTP+SSE costs that does nothing, and one more stream that listens without a
/// session.
pub(crate) async fn listens(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let open = async |addr| Session::<Sse>::open(addr).await.0;
    let (count, sse) = idle(plan, open, SseClient::close_posts).await?;
    let what = format!("PSS per idle session, of {count}, /sse");
    report.add("memory.session", &what, sse.memory, "KiB");
    let each = listening(plan).await?;
    let what = format!("PSS per stream that listens without a session, of {count}");
    report.add("memory.listen", &what, each.memory, "KiB");
    let what = "the same ÷ that of an idle session on /sse";
    report.add("memory.listen.ratio", what, each.memory / sse.memory, "×");
    let what = "CPU to open such a stream ÷ to open such a session";
    report.add("memory.listen.cpu", what, each.cpu / sse.cpu, "×");
    Ok(())
}

/// What one more of something costs.
struct Each {
    /// In KiB.
    memory: f64,
    /// In µs.
    cpu: f64,
}

/// What a gateway has used.
struct Used {
    memory: f64,
    cpu: Duration,
}

impl Used {
    async fn by(gateway: &Gateway, plan: &Plan) -> anyhow::Result<Self> {
        Ok(Self {
            memory: settled(gateway.pid(), plan).await?,
            cpu: proc::cpu_time(gateway.pid()).context("the gateway has gone")?,
        })
    }

    fn each(&self, before: &Self, count: u32) -> Each {
        let cpu = self.cpu.saturating_sub(before.cpu);
        Each {
            memory: (self.memory - before.memory) * 1024.0 / f64::from(count),
            cpu: cpu.as_secs_f64() * 1e6 / f64::from(count),
        }
    }
}

/// What one more stream takes that listens without a session.
async fn listening(plan: &Plan) -> anyhow::Result<Each> {
    let gateway = session::gateway(plan).await?;
    let before = Used::by(&gateway, plan).await?;
    let mut streams = Vec::new();
    for _ in 0..plan.sessions {
        streams.push(modern::listen(gateway.addr()).await);
    }
    let after = Used::by(&gateway, plan).await?;
    let count = u32::try_from(streams.len()).context("a few hundred")?;
    drop(streams);
    session::end(gateway).await?;
    Ok(after.each(&before, count))
}

/// Opens the plan's sessions one after the other, and gives how many they are and what each takes.
async fn idle<T: Transport>(
    plan: &Plan,
    open: impl AsyncFn(SocketAddr) -> Client<T>,
    close_posts: fn(&Client<T>),
) -> anyhow::Result<(u32, Each)> {
    let gateway = session::gateway(plan).await?;
    let before = Used::by(&gateway, plan).await?;
    let mut clients = Vec::new();
    for _ in 0..plan.sessions {
        clients.push(open(gateway.addr()).await);
    }
    // An idle client has at most its stream; its connections for posts have long timed out.
    clients.iter().for_each(close_posts);
    let after = Used::by(&gateway, plan).await?;
    let count = u32::try_from(clients.len()).context("a few hundred")?;
    for client in clients {
        let session = Session(client);
        session.check_nothing_extra()?;
    }
    session::end(gateway).await?;
    Ok((count, after.each(&before, count)))
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
