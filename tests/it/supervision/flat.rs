//! A thousand lives leave nothing behind in the gateway: no descriptor, no memory, no zombie.

use std::time::Duration;

use crate::support::fleet::{Entry, config, script};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::{http, proc, wait};

/// Servers that are started and stopped at once.
const SERVERS: usize = 25;
/// Rounds before the measuring begins: allocators and pools grow to their size.
const WARM_UP: usize = 60;
/// Rounds that are measured: 1 000 lives.
const ROUNDS: usize = 40;

/// As little of a server as is possible, for many starts in little time: it answers `initialize`, offers
/// nothing, and ends with its stdin.
const TINY: &str = r#"
read -r hello
id=${hello#*\"id\":}; id=${id%%[,\}]*}
echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"tiny","version":"1"}}}'
while read -r line; do :; done
"#;

fn servers(round: usize) -> String {
    let tiny = |number: usize| -> Entry {
        script(&format!("tiny{number}"), &format!("# {round}\n{TINY}"))
    };
    config((0..SERVERS).map(tiny))
}

/// Starts all of them anew, and waits until each is ready.
async fn run_round(gateway: &Gateway, round: usize) {
    gateway.write_config(&servers(round));
    // A file event would wait until the file is quiet; the signal does not.
    gateway.sighup();
    all_started(gateway, round).await;
}

/// Waits for as many starts as there are until the end of this round. The log may sum them up.
async fn all_started(gateway: &Gateway, round: usize) {
    let limit = Duration::from_secs(30);
    wait::until("every server to be ready", limit, async || {
        let metrics = http::get(gateway.addr(), "/metrics").await.text();
        let starts = sum(&metrics, "mcproxy_server_starts_total");
        let up = sum(&metrics, "mcproxy_server_up");
        (starts == SERVERS * (round + 1) && up == SERVERS).then_some(())
    })
    .await;
}

/// The sum of a metric over all servers.
fn sum(metrics: &str, name: &str) -> usize {
    let of_it = |line: &&str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('{'))
    };
    let value = |line: &str| line.rsplit(' ').next()?.parse::<usize>().ok();
    metrics.lines().filter(of_it).filter_map(value).sum()
}

#[derive(Debug)]
struct Size {
    fds: usize,
    rss: u64,
}

fn measure(gateway: &Gateway) -> Size {
    Size {
        fds: proc::open_files(gateway.pid()).expect("it runs"),
        rss: proc::rss(gateway.pid()).expect("it runs"),
    }
}

#[tokio::test]
async fn p12_thousand_cycles_fd_and_rss_flat() {
    let gateway = Gateway::start(GatewayOptions::new(servers(0))).await;
    all_started(&gateway, 0).await;
    for round in 1..=WARM_UP {
        run_round(&gateway, round).await;
    }
    let before = measure(&gateway);
    for round in WARM_UP + 1..=WARM_UP + ROUNDS {
        run_round(&gateway, round).await;
    }
    // What a stop or a read of the file still holds is given back in a moment, memory in some seconds.
    let what = format!("as many descriptors and as much memory as before, {before:?}");
    wait::until(&what, Duration::from_secs(20), async || {
        let after = measure(&gateway);
        // Less memory is no leak, but a figure taken before it was given back would hide one.
        let is_flat = after.fds.abs_diff(before.fds) <= 2
            && after.rss.abs_diff(before.rss) * 20 <= before.rss;
        is_flat.then_some(())
    })
    .await;
    let children = proc::children(gateway.pid());
    assert_eq!(
        children.len(),
        SERVERS,
        "no zombies and no twins: {children:?}"
    );
}
