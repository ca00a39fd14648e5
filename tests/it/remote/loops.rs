//! A gateway that would offer what it offers, without an end.

use serde_json::json;

use super::*;

fn config(url: &str) -> String {
    json!({ "servers": [{ "name": "far", "url": url }] }).to_string()
}

async fn bare() -> (Gateway, String) {
    let gateway = servers::gateway(&[]).await;
    let url = format!("http://{}/mcp", gateway.addr());
    (gateway, url)
}

const WORDS: &str = "is this gateway itself";

#[tokio::test]
async fn a_gateway_is_not_its_own_server() {
    let (gateway, url) = bare().await;
    gateway.rename_config(&config(&url));
    let line = gateway.wait_for_log(WORDS, SOON).await;
    assert!(!line.contains("by way of others"), "{line}");
    is(&gateway, "far", "backoff").await;
}

#[tokio::test]
async fn nor_is_it_by_way_of_others() {
    let (one, one_url) = bare().await;
    let (two, two_url) = bare().await;
    let (three, three_url) = bare().await;
    two.rename_config(&config(&one_url));
    is(&two, "far", "ready").await;
    three.rename_config(&config(&two_url));
    is(&three, "far", "ready").await;
    one.rename_config(&config(&three_url));
    let line = one.wait_for_log(WORDS, SOON).await;
    assert!(line.contains("by way of others"), "{line}");
    for others in [&two, &three] {
        assert_eq!(status(others, "far").await["state"], "ready");
    }
}

#[tokio::test]
async fn two_that_close_the_ring_at_once_do_not_both_go_on() {
    let (one, one_url) = bare().await;
    let (two, two_url) = bare().await;
    one.rename_config(&config(&two_url));
    two.rename_config(&config(&one_url));
    wait::until("one of them finds it", SOON, async || {
        let logs = [one.logs(), two.logs()].concat();
        logs.iter().any(|line| line.contains(WORDS)).then_some(())
    })
    .await;
    wait::until("one edge is left", Duration::from_secs(60), async || {
        let states = [status(&one, "far").await, status(&two, "far").await];
        let ready = states.iter().filter(|status| status["state"] == "ready");
        (ready.count() == 1).then_some(())
    })
    .await;
}
