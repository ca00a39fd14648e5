//! From exec to the first HTTP answer, and until the tools of all servers are listed, with nothing kept from
//! an earlier run.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::sleep;

use crate::Plan;
use crate::load::median;
use crate::report::Report;
use crate::session::{self, Session};
use crate::support::client::Sse;
use crate::support::gateway::Gateway;
use crate::support::http;

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let mut answered = Vec::new();
    let mut listed = Vec::new();
    for _ in 0..plan.starts {
        let mut gateway = Gateway::launch(session::options(plan)?);
        let begin = gateway.started();
        let addr = loop {
            if let Some(addr) = gateway.listening() {
                break addr;
            }
            ensure!(
                begin.elapsed() < Duration::from_secs(10),
                "it does not listen"
            );
            sleep(Duration::from_millis(1)).await;
        };
        let health = http::get(addr, "/healthz").await;
        answered.push(begin.elapsed().as_secs_f64() * 1e3);
        ensure!(
            health.status == 200,
            "/healthz: {} {}",
            health.status,
            health.text()
        );
        Session::<Sse>::open(addr).await.all_tools().await?;
        listed.push(begin.elapsed().as_secs_f64() * 1e3);
        session::end(gateway).await?;
    }
    report.add(
        "start.answer",
        "exec → first HTTP answer",
        median(answered),
        "ms",
    );
    report.add(
        "start.listed",
        "exec → all 200 tools of 10 servers listed",
        median(listed),
        "ms",
    );
    Ok(())
}
