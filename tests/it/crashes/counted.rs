//! Every kind of actor dies in every way, with calls in flight: restarts are counted, and when the clients
//! have gone every gauge is at zero. No end of an actor may skip what counts down.

use std::time::Duration;

use mcproxy::supervise::Intensity;

use super::house::House;
use crate::status::exposition::Scrape;
use crate::support::chaos::How;
use crate::support::client::DEADLINE;
use crate::support::fleet::{config, fixture};
use crate::support::{http, wait};

async fn scrape(house: &House) -> Option<Scrape> {
    // The listener may be between two lives: then there is no whole answer.
    let mut connection = http::Connection::open(house.addr()).await.ok()?;
    let head = http::request_head(house.addr(), "GET", "/metrics", &[]);
    let response = connection.exchange(&head, b"").await.ok()?;
    (response.status == 200).then(|| Scrape::read(&response.text()))
}

async fn value_is(house: &House, series: &str, value: f64) {
    wait::until(&format!("{series} at {value}"), DEADLINE, async || {
        let found = scrape(house).await?.value(series);
        (found == Some(value)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_end_of_any_actor_leaves_a_gauge_wrong() {
    let servers = config([fixture("one", &["--hang-on", "abort"])]);
    let house = House::open_with(servers, |settings| {
        settings.supervision.intensity = Intensity {
            max: 100,
            window: Duration::from_secs(1),
        };
    })
    .await;
    let hang = r#"{"name":"one__abort","arguments":{}}"#;
    let kinds = [
        "upstream", "session", "config", "registry", "sessions", "listener",
    ];
    for (round, how) in (1..).zip(How::ALL) {
        for kind in kinds {
            // On a later step of the ladder a call is not parked.
            value_is(&house, r#"mcproxy_server_up{server="one"}"#, 1.0).await;
            let client = house.client().await;
            client.request("tools/call", Some(hang)).await;
            value_is(&house, r#"mcproxy_calls_in_flight{server="one"}"#, 1.0).await;
            house.chaos.strike(kind, how).await;
            client.close().await;
            wait::until("every gauge of sessions at zero", DEADLINE, async || {
                let scrape = scrape(&house).await?;
                let value = |series| scrape.value(series) == Some(0.0);
                let is_idle = value("mcproxy_sessions")
                    && value("mcproxy_session_calls_in_flight")
                    && value(r#"mcproxy_calls_in_flight{server="one"}"#);
                is_idle.then_some(())
            })
            .await;
        }
        for actor in ["config", "registry", "sessions"] {
            let series = format!(r#"mcproxy_actor_restarts_total{{actor="{actor}"}}"#);
            value_is(&house, &series, f64::from(round)).await;
        }
        // It goes with the sessions, too.
        let listener = r#"mcproxy_actor_restarts_total{actor="listener"}"#;
        value_is(&house, listener, 2.0 * f64::from(round)).await;
    }
    assert_eq!(house.chaos.struck(), 3 * kinds.len());
    // A server that has ended holds no permit for what it was cancelled.
    house.chaos.strike("upstream", How::Kill).await;
    wait::until("every gauge at zero", DEADLINE, async || {
        scrape(&house).await?.held().is_empty().then_some(())
    })
    .await;
    house.close().await;
}
