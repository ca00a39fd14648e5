//! What whoever set this up is told: that profiles alone protect nothing, that a pin leads nowhere, and that
//! an endpoint of MetaMCP's shows everything.

use super::*;
use crate::support::servers::configuration;
use crate::support::wait;

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
async fn the_status_says_what_profiles_show_and_to_how_many() {
    let gateway = open(file(&two(), &json!({ "default_profile": "kids" }))).await;
    let profiles = async || {
        let status = http::get(gateway.addr(), "/status").await;
        let status: Value = serde_json::from_slice(&status.body).expect("JSON");
        (status["profiles"].clone(), status["servers"].clone())
    };
    let sessions = async |counts: [i64; 2]| {
        wait::until(&format!("sessions: {counts:?}"), SOON, async || {
            let (profiles, _) = profiles().await;
            let found = [0, 1].map(|at| profiles[at]["sessions"].as_i64());
            (found == counts.map(Some)).then_some(())
        })
        .await;
    };
    sessions([0, 0]).await;
    let (said, servers) = profiles().await;
    let cost = |of: &Value| {
        ["tools", "tools_bytes", "tools_tokens"]
            .map(|member| of[member].as_u64().expect("a number"))
    };
    let [kids, office] = [0, 1].map(|at| &said[at]);
    assert_eq!(said.as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&office["name"], &kids["name"]),
        (&json!("office"), &json!("kids"))
    );
    assert_eq!(
        (&office["default"], &kids["default"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (&office["servers"], &kids["servers"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(cost(office), cost(&servers[0]), "all of its one server");
    let ([tools, bytes, tokens], [all, all_bytes, _]) = (cost(kids), cost(&servers[1]));
    assert_eq!((tools, tokens), (all - 1, bytes / 4), "all but one");
    assert!(bytes < all_bytes && bytes > all_bytes / 2);
    let line = gateway.wait_for_log("Clients of /mcp (profile 'kids') are offered", SOON);
    assert!(line.await.contains("; by profile: "));
    // Sessions are counted where they are shown something, as long as they live.
    let office = begin(&gateway, "/p/office/mcp", FREE)
        .await
        .expect("it is there");
    begin(&gateway, "/mcp", FREE).await.expect("it is there");
    begin(&gateway, "/p/kids/mcp", FREE)
        .await
        .expect("it is there");
    sessions([2, 1]).await;
    let gone = office.request("DELETE", &[]).await.status();
    assert!((200..300).contains(&gone), "{gone}");
    sessions([2, 0]).await;
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
