//! Row 12: more notifications than anybody can read.

use std::time::Duration;

use tokio::time::Instant;

use super::stage::{Stage, wait as real_or};
use crate::support::client::{Client, Sse, Streamable, Transport};
use crate::support::fleet;
use crate::support::proc::{self, Sampling, Stopwatch};
use crate::support::servers::fixture;

/// How many the server has said before this one: `flood 123`.
fn number_of(notification: &str) -> Option<u64> {
    let (_, rest) = notification.split_once("flood ")?;
    rest.split('"').next()?.parse().ok()
}

/// A call with a text of its own; how long it took without waiting for a core.
async fn timed<T: Transport>(gateway: u32, client: &Client<T>, text: &str) -> Duration {
    let watch = Stopwatch::start(&[gateway]);
    let answer = fleet::echo(client, "bad", text).await;
    assert_eq!((answer.text.as_str(), answer.is_error), (text, false));
    watch.elapsed()
}

/// Whoever has a call under way gets them all, as fast as the gateway reads.
#[tokio::test]
async fn f12_notification_flood() {
    let bad = fixture("bad", &["--flood-notifications", "100000"]);
    let mut stage = Stage::open(12, &[bad]).await;
    let pid = stage.gateway.pid();
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let before = proc::pss(pid).expect("it runs");
    let sampling = Sampling::start(pid);
    let start = Instant::now();
    let period = Duration::from_secs(real_or(5, 60));
    let (mut took, mut numbers, mut received) = (Vec::new(), Vec::new(), 0);
    while start.elapsed() < period {
        let text = format!("in spite of it {}", took.len());
        took.push(timed(pid, &old_way, &text).await);
        took.push(timed(pid, &new_way, &text).await);
        for taken in [old_way.take_notifications(), new_way.take_notifications()] {
            received += taken.len();
            numbers.extend(taken.iter().filter_map(|raw| number_of(raw)));
        }
    }
    let said = numbers.iter().max().zip(numbers.iter().min());
    let said = said.map(|(last, first)| last - first).expect("some arrive");
    let rate = said / start.elapsed().as_secs().max(1);
    let calls = took.len();
    stage.struck(format!(
        "{rate} notifications a second were read of it, {received} of {} passed on to two clients",
        2 * said
    ));
    stage.holds("more than 1000 a second", rate > 1000);
    let peak = sampling
        .stop()
        .await
        .into_iter()
        .max()
        .expect("it was looked at");
    let more = i64::try_from(peak).expect("it fits") - i64::try_from(before).expect("it fits");
    stage.memory("more at the peak", more, 32 << 20);
    took.sort_unstable();
    let p99 = took[calls * 99 / 100];
    let what = format!("p99 of {calls} calls of the flooding server, all answered");
    stage.within(&what, p99, Duration::from_secs(1));
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}
