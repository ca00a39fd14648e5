//! A thousand lives leave nothing behind in the gateway: no descriptor, no memory, no zombie.

use std::time::Duration;

use crate::support::fleet::{Entry, config, script};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::{http, proc, wait};

/// Servers that are started and stopped at once.
const SERVERS: usize = 25;
/// Rounds before the measuring begins: pools grow to their size.
const WARM_UP: usize = 10;
/// Rounds that are measured: 1 000 lives.
const ROUNDS: usize = 40;
/// So much may be there in the end that was not before: 64 bytes a life.
const MOST: u64 = 64 * 1_000;
/// How often one look is enough, and how long it may take; the gateway says it every second.
const LOOKS: usize = 5;
const LOOK: Duration = Duration::from_secs(30);
/// What is before the figure in the log.
const IN_USE: &str = "Memory: ";

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

/// A gateway's descriptors, and the memory that it has asked for and not given back. What is resident
/// beside that is the allocator's own, which depends on how what lives is strewn over its pages.
#[derive(Debug)]
struct Size {
    fds: usize,
    memory: u64,
}

/// The least of some looks: what a stop or a read of the file still holds is given back in a moment.
async fn measure(gateway: &Gateway) -> Size {
    let mut least = None;
    for _ in 0..LOOKS {
        let mark = gateway.log_mark();
        let line = gateway.wait_for_log_after(mark, IN_USE, LOOK).await;
        let figure = line
            .split_once(IN_USE)
            .and_then(|(_, rest)| rest.split(' ').next());
        let memory: u64 = figure
            .and_then(|figure| figure.parse().ok())
            .expect("a figure");
        least = Some(least.map_or(memory, |least: u64| least.min(memory)));
    }
    Size {
        fds: proc::open_files(gateway.pid()).expect("it runs"),
        memory: least.expect("it was looked"),
    }
}

#[tokio::test]
async fn p12_thousand_cycles_fd_and_memory_flat() {
    // What threads keep of what they freed for the next time counts as used: none do.
    let options = GatewayOptions::new(servers(0))
        .env("MCPROXY_MEASURE_MEMORY", "1")
        .env("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");
    let gateway = Gateway::start(options).await;
    all_started(&gateway, 0).await;
    for round in 1..=WARM_UP {
        run_round(&gateway, round).await;
    }
    let before = measure(&gateway).await;
    for round in WARM_UP + 1..=WARM_UP + ROUNDS {
        run_round(&gateway, round).await;
    }
    let what = format!("as many descriptors and as much memory as before, {before:?}");
    wait::until(&what, Duration::from_secs(60), async || {
        let after = measure(&gateway).await;
        let is_flat = after.fds.abs_diff(before.fds) <= 2 && after.memory <= before.memory + MOST;
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
