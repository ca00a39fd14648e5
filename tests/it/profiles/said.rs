//! What whoever set this up is told: that profiles alone protect nothing, that a pin leads nowhere, and that
//! an endpoint of MetaMCP's shows everything.

use super::*;
use crate::support::servers::configuration;

#[tokio::test]
async fn profiles_without_tokens_are_said_to_be_no_protection() {
    let gateway = open(file(&two(), &json!({}))).await;
    let line = gateway.wait_for_log("no protection", SOON).await;
    assert!(
        line.contains("[WARN]") && line.contains("/mcp and /sse show everything"),
        "{line}"
    );
    let home = tempfile::tempdir().expect("a directory");
    let gateway = guarded(home.path(), &json!({ "office": {} })).await;
    let line = gateway.wait_for_log("pinned to profile 'kids'", SOON).await;
    assert!(line.contains("Token 'anna'"), "{line}");
    assert!(
        gateway
            .logs()
            .iter()
            .all(|line| !line.contains("no protection"))
    );
}

#[tokio::test]
async fn an_endpoint_of_metamcps_without_profiles_is_warned_of_once() {
    let config = configuration(&[offering("office"), offering("play")]);
    let gateway = open(config).await;
    for _ in 0..3 {
        for name in ["team", "other"] {
            let path = format!("/metamcp/{name}/mcp");
            let mut endpoint = Endpoint::at(gateway.addr(), &path);
            endpoint.initialize("2025-11-25", "{}").await;
        }
    }
    gateway
        .wait_for_log("MetaMCP's endpoint 'other'", SOON)
        .await;
    let said = |name: &str| {
        let part = format!("MetaMCP's endpoint '{name}'");
        let lines = gateway
            .logs()
            .into_iter()
            .filter(|line| line.contains(&part));
        lines.collect::<Vec<_>>()
    };
    let [line] = &*said("team") else {
        panic!("{:?}", said("team"));
    };
    assert!(
        line.contains("\"profiles\"") && line.contains("mcproxy import"),
        "{line}"
    );
    assert_eq!(said("other").len(), 1);
    let none = Endpoint::at(gateway.addr(), "/p/team/mcp");
    let none = none.post(&initialize(1, "2025-11-25", "{}")).await;
    assert_eq!(none.status(), 404, "there is no profile");
}
