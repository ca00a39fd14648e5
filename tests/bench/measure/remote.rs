//! Servers that are asked by HTTP: what a call through a gateway costs that asks another one, beside what it costs
//! that one, which asks processes; and what an idle remote server takes. Both gateways take turns.

use serde_json::{Value, json};

use super::{memory, speed};
use crate::Plan;
use crate::load::{SHAPES, median};
use crate::report::Report;
use crate::session;
use crate::support::both;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::remote::RemoteServer;

/// Idle remote servers to weigh, and the few that they are compared with: what the first one needs is needed once.
const MANY: usize = 40;
const FEW: usize = 5;

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let near = session::gateway(plan).await?;
    let url = format!("http://{}/mcp", near.addr());
    let far = session::ready(options(
        plan,
        &[json!({ "name": "far", "url": url, "prefix": "" })],
    ))
    .await?;
    for shape in &SHAPES {
        let (mut ratios, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            let by_pipe = speed::cpu_of_calls(plan, shape, &near).await?;
            let by_http = speed::cpu_of_calls(plan, shape, &far).await?;
            ratios.push(by_http / by_pipe);
            costs.push(by_http);
        }
        let name = shape.name;
        let what = format!("{name}: gateway /mcp to a remote server, the gateway's CPU per call");
        report.add(&format!("{name}.remote.cpu"), &what, median(costs), "µs");
        let what = format!("{what} ÷ that to a process");
        report.add(
            &format!("{name}.remote.ratio.cpu"),
            &what,
            median(ratios),
            "×",
        );
    }
    session::end(far).await?;
    session::end(near).await?;
    idle(plan, report).await
}

async fn idle(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let server = RemoteServer::start().await;
    let mut seen = [0.0; 2];
    for (count, seen) in [FEW, MANY].into_iter().zip(&mut seen) {
        let entries: Vec<Value> = (0..count)
            .map(|number| server.entry(&format!("r{number}")))
            .collect();
        let gateway = Gateway::start(options(plan, &entries)).await;
        both::ready(&gateway).await;
        *seen = memory::settled(gateway.pid(), plan).await?;
        session::end(gateway).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let each = (seen[1] - seen[0]) * 1024.0 / (MANY - FEW) as f64;
    let what = format!("PSS per idle remote server, of {MANY}");
    report.add("memory.remote", &what, each, "KiB");
    Ok(())
}

fn options(plan: &Plan, servers: &[Value]) -> GatewayOptions {
    let config = json!({ "servers": servers });
    let mut options = GatewayOptions::new(config.to_string());
    options.binary.clone_from(&plan.gateway);
    options
}
