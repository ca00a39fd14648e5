//! The longest lines that pass: their memory is given back. Those over the limit are rows 10 and 11 of the
//! fault suite.

use std::time::Duration;

use super::{SOON, echo};
use crate::support::proc;
use crate::support::servers::{fixture, serve_ready};
use crate::support::wait;

const MIB: u64 = 1 << 20;
/// The limit on a line, in MiB.
const LIMIT: u64 = 64;
/// An unoptimised build copies 70 MiB, beside other tests.
const LONG: Duration = Duration::from_secs(120);

/// As long as a line may be, or nearly: it passes, and costs no more than a copy or two for the moment.
#[tokio::test]
async fn a_line_under_the_limit_passes_and_the_memory_is_given_back() {
    let (gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    echo(&client, "a", "before").await;
    let pss = || proc::pss(gateway.pid()).expect("it runs");
    let before = pss();
    let bytes = (LIMIT - 1) * MIB;
    let params = format!(r#"{{"name":"a__huge","arguments":{{"bytes":{bytes}}}}}"#);
    let answer = client.call("tools/call", Some(&params), LONG).await;
    assert!(answer.len() as u64 > bytes, "{answer:.300}");
    assert!(!answer.contains("isError"));
    drop(answer);
    client.close_posts(); // about to be closed by the gateway: they have been idle for long
    echo(&client, "a", "after").await;
    wait::until("the memory to be given back", SOON, async || {
        (pss() < before + 16 * MIB).then_some(())
    })
    .await;
}
