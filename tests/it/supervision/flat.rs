//! A thousand lives leave nothing behind in the gateway: no descriptor, no memory, no zombie.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

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
const MOST: u64 = 64_000;
/// How often it is looked, and with what between: the figure is written every second.
const LOOKS: usize = 6;
const LOOK: Duration = Duration::from_secs(1);
/// For all that comes to an end by itself.
const LIMIT: Duration = Duration::from_secs(60);

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

/// Lives of so many rounds, the first of them from nothing; waits each time until every server is ready.
async fn live(gateway: &Gateway, rounds: Range<usize>) {
    for (lives, round) in rounds.enumerate() {
        gateway.write_config(&servers(round));
        // A file event would wait until the file is quiet; the signal does not.
        gateway.sighup();
        all_started(gateway, SERVERS * (lives + 1)).await;
    }
}

/// Waits for as many starts as there are then. The log may sum them up.
async fn all_started(gateway: &Gateway, all: usize) {
    wait::until("every server to be ready", LIMIT, async || {
        let metrics = http::get(gateway.addr(), "/metrics").await.text();
        let starts = sum(&metrics, "mcproxy_server_starts_total");
        let up = sum(&metrics, "mcproxy_server_up");
        (starts == all && up == SERVERS).then_some(())
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

/// The descriptors of a gateway without servers, and the memory that it has asked for and not given back.
/// What is resident beside that is the allocator's own, which depends on how what lives is strewn over its pages.
#[derive(Debug)]
struct Size {
    fds: usize,
    memory: u64,
}

/// Ends all servers, which hold buffers at some times and not at others. The least of some looks: what a stop
/// or a read of the file still holds is given back in a moment.
async fn measure(gateway: &Gateway, figure: &Path) -> Size {
    gateway.write_config(&config([]));
    gateway.sighup();
    wait::until("the end of all servers", LIMIT, async || {
        proc::children(gateway.pid()).is_empty().then_some(())
    })
    .await;
    let mut least = u64::MAX;
    for _ in 0..LOOKS {
        sleep(LOOK).await;
        let text = fs::read_to_string(figure).expect("it is written every second");
        // One that is just being written may be empty.
        least = least.min(text.parse().unwrap_or(u64::MAX));
    }
    Size {
        fds: proc::open_files(gateway.pid()).expect("it runs"),
        memory: least,
    }
}

#[tokio::test]
async fn p12_thousand_cycles_fd_and_memory_flat() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let figure = directory.path().join("memory");
    // What threads keep of what they freed for the next time counts as used: none do.
    let options = GatewayOptions::new(config([]))
        .env("MCPROXY_MEASURE_MEMORY", &figure.to_string_lossy())
        .env("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");
    let gateway = Gateway::start(options).await;
    live(&gateway, 0..WARM_UP).await;
    let before = measure(&gateway, &figure).await;
    live(&gateway, WARM_UP..WARM_UP + ROUNDS).await;
    let children = proc::children(gateway.pid());
    assert_eq!(
        children.len(),
        SERVERS,
        "no zombies and no twins: {children:?}"
    );
    let what = format!("as many descriptors and as much memory as before, {before:?}");
    wait::until(&what, LIMIT, async || {
        let after = measure(&gateway, &figure).await;
        let is_flat = after.fds.abs_diff(before.fds) <= 2 && after.memory <= before.memory + MOST;
        is_flat.then_some(())
    })
    .await;
}
