//! Rows 14 to 16: answers that nobody asked for, and ids that are not as they were sent.

use futures_util::future::join_all;

use super::metrics;
use super::stage::Stage;
use crate::support::client::{Client, DEADLINE, Sse, Streamable, Transport};
use crate::support::fleet;
use crate::support::servers::{bare, fixture};

const CALLS: usize = 50; // of each client
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// As many calls at once, each answered with its own text; then, that no answer came that nobody waits for.
async fn calls<T: Transport>(client: &Client<T>) -> usize {
    let call = |number| async move {
        let text = format!("call {number}");
        let answer = fleet::echo(client, "bad", &text).await;
        assert_eq!((answer.text, answer.is_error), (text, false));
    };
    join_all((0..CALLS).map(call)).await;
    // What is left of them comes before the answer to this.
    fleet::echo(client, "bad", "behind them").await;
    client.call("ping", None, DEADLINE).await;
    client.unclaimed().len()
}

/// Calls over both transports; gives how many answers nobody had asked for.
async fn over_both(stage: &Stage) -> usize {
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let (one, two) = tokio::join!(calls(&old_way), calls(&new_way));
    old_way.close().await;
    new_way.close().await;
    one + two
}

/// A server with this flag answers every request wrongly; each time is counted under `reason`.
async fn drops(row: u16, flag: &str, reason: &str) {
    let mut stage = Stage::open(row, &[fixture("bad", &[flag])]).await;
    let superfluous = over_both(&stage).await;
    let labels = [("server", "bad"), ("reason", reason)];
    let series: (&str, &[(&str, &str)]) = ("mcproxy_answers_dropped_total", &labels);
    let all = f64::from(u32::try_from(2 * CALLS).expect("small"));
    let dropped = metrics::at_least(&stage.gateway, series, all, DEADLINE).await;
    stage.struck(format!("bare, it says {:?}", bare(&[flag], &[PING])));
    stage.struck(format!(
        "{dropped} answers were dropped and counted as {reason}"
    ));
    stage.at_most("answers nobody had asked for", &superfluous, &0);
    stage.holds("each call got its own answer", true);
    stage.close().await;
}

#[tokio::test]
async fn f14_answers_twice() {
    drops(14, "--twice", "duplicate").await;
}

#[tokio::test]
async fn f15_answers_unknown_ids() {
    drops(15, "--wrong-id", "unknown").await;
}

#[tokio::test]
async fn f16_changes_id_types() {
    let said = bare(&["--string-ids"], &[PING]);
    let mut stage = Stage::open(16, &[fixture("bad", &["--string-ids"])]).await;
    stage.struck(format!("1 was answered {}", said[0]));
    assert!(said[0].contains(r#""id":"1""#), "{said:?}");
    let superfluous = over_both(&stage).await;
    stage.holds("each call got its own answer", true);
    stage.at_most("answers nobody had asked for", &superfluous, &0);
    stage.close().await;
}
