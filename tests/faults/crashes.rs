//! Rows 1 to 7: servers that end, or do not begin.

use std::time::Duration;

use tokio::time::Instant;

use super::stage::Stage;
use crate::support::client::{DEADLINE, Sse};
use crate::support::fleet::{identify, send};
use crate::support::servers::fixture;
use crate::support::{fleet, proc, wait};

#[tokio::test]
async fn f02_killed_by_sigkill() {
    let mut stage = Stage::open(2, &[fixture("bad", &[])]).await;
    let client = stage.client::<Sse>().await;
    let before = identify(&client, "bad").await;
    let call = send(&client, "bad__sleep", r#"{"ms":600000}"#).await;
    identify(&client, "bad").await; // after the call before it

    proc::send(before.pid, nix::sys::signal::Signal::SIGKILL);
    let struck = Instant::now();
    wait::until("the server's end", DEADLINE, async || {
        (!proc::is_alive(before.pid)).then_some(())
    })
    .await;
    stage.struck(format!("pid {} is gone", before.pid));

    let answer = fleet::answer(&client, call).await;
    stage.within("error after", struck.elapsed(), Duration::from_millis(500));
    stage.holds(
        "the error names the server",
        answer.is_error && answer.text.contains("bad"),
    );
    fleet::successor(&client, "bad", &before, DEADLINE).await;
    stage.within(
        "ready again after",
        struck.elapsed(),
        Duration::from_secs(2),
    );
    client.close().await;
    stage.close().await;
}
