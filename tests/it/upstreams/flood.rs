//! A server that floods its stdout: the gateway reads as fast as it handles, keeps little, and everybody's
//! calls are answered.

use std::time::Duration;

use tokio::time::Instant;

use super::echo;
use crate::support::proc;
use crate::support::servers::{fixture, serve_ready};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn a_flood_of_notifications_among_junk_is_borne() {
    let flags = ["--flood-notifications", "0", "--garbage", "--invalid-utf8"];
    let (gateway, client) = serve_ready(&[fixture("a", &flags), fixture("b", &[])]).await;
    let pss = || proc::pss(gateway.pid()).expect("it runs");
    let before = pss();
    let mut peak = before;
    let mut bystander = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        for server in ["a", "b"] {
            let asked = Instant::now();
            echo(&client, server, "in spite of it").await;
            let took = asked.elapsed();
            // Its own calls wait behind what it said before; those of others do not.
            if server == "b" {
                assert!(took < Duration::from_secs(3), "{took:?}");
                bystander.push(took);
            }
        }
        peak = peak.max(pss());
    }
    let grown = (peak - before) / MIB;
    assert!(grown <= 32, "{grown} MiB more");
    bystander.sort();
    let median = bystander[bystander.len() / 2];
    assert!(median < Duration::from_millis(250), "{bystander:?}");
}
