//! What is offered keeps its name, and leads to its server, whichever worker has it and whichever front is asked.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{FRONTS, SOON, Worker, client, fronts, list, names, offering};
use crate::support::client::{Client, DEADLINE, Streamable};
use crate::support::servers::{fixture, text_of};
use crate::support::wait;

const METHODS: [&str; 2] = ["tools/list", "prompts/list"];
const SERVERS: [&str; 3] = ["fx", "alt", "gx"];

/// `fx` and `alt` run by one worker, `gx` by another: all with the same prompts, URIs and templates.
async fn workers() -> (Worker, Worker) {
    (
        Worker::start(json!([offering("fx"), offering("alt")])).await,
        Worker::start(json!([offering("gx")])).await,
    )
}

async fn ask(client: &Client<Streamable>, method: &str, params: &Value) -> Value {
    let answer = client
        .call(method, Some(&params.to_string()), DEADLINE)
        .await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert!(answer["result"].is_object(), "{method} {params}: {answer}");
    answer["result"].clone()
}

#[tokio::test]
async fn names_are_the_workers_and_each_leads_to_its_server() {
    let (one, two) = workers().await;
    let fronts = fronts(&[&one, &two], &[]).await;
    let direct = [client(&one.gateway).await, client(&two.gateway).await];
    for front in &fronts {
        let client = client(front).await;
        for method in METHODS {
            let mut expected = list(&direct[0], method).await;
            expected.extend(list(&direct[1], method).await);
            assert_eq!(list(&client, method).await, expected, "{method}");
        }
        for server in SERVERS {
            let answer = client.call_tool(&format!("{server}__pid"), "{}").await;
            let said: Value = serde_json::from_str(&text_of(&answer)).expect("JSON");
            assert_eq!(said["marker"], server);
            let name = format!("{server}__prompt_0");
            let prompt = ask(&client, "prompts/get", &json!({ "name": name })).await;
            assert!(prompt.to_string().contains(server), "{prompt}");
            let asked = json!({
                "ref": { "type": "ref/prompt", "name": name },
                "argument": { "name": "a", "value": "" },
            });
            let completed = ask(&client, "completion/complete", &asked).await;
            assert!(completed.to_string().contains(server), "{completed}");
        }
        let hello = client.initialize().await;
        for server in SERVERS {
            assert!(hello.contains(&format!("Read {server} first.")), "{hello}");
        }
    }
}

#[tokio::test]
async fn uris_are_told_apart_and_each_leads_to_its_server() {
    let (one, two) = workers().await;
    let fronts = fronts(&[&one, &two], &[]).await;
    assert_eq!(fronts.len(), FRONTS);
    for front in &fronts {
        let client = client(front).await;
        let listed = list(&client, "resources/list").await;
        let uris = listed.iter().map(|it| it["uri"].as_str().expect("a URI"));
        let uris: Vec<String> = uris.map(str::to_owned).collect();
        assert_eq!(uris.len(), 6, "{uris:?}");
        assert_eq!(uris.iter().collect::<BTreeSet<_>>().len(), 6, "{uris:?}");
        let templates = list(&client, "resources/templates/list").await;
        let made = templates.iter().map(|it| {
            let template = it["uriTemplate"].as_str().expect("a template");
            let (start, rest) = template.split_once('{').expect("a variable");
            let (_, end) = rest.split_once('}').expect("its end");
            format!("{start}7{end}")
        });
        let made: Vec<String> = made.collect();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 3, "{made:?}");
        for uri in uris.iter().chain(&made) {
            let result = ask(&client, "resources/read", &json!({ "uri": uri })).await;
            let content = &result["contents"][0];
            assert_eq!(content["uri"], uri.as_str(), "{result}");
            let server = if uri.starts_with("mcproxy://w1/") {
                "gx"
            } else if uri.starts_with("mcproxy://alt/") {
                "alt"
            } else {
                assert!(uri.starts_with("fx://"), "{uri}");
                "fx"
            };
            let is_text = content["text"].as_str();
            assert!(
                is_text.is_none_or(|text| text.starts_with(server)),
                "{uri}: {result}"
            );
        }
    }
}

#[tokio::test]
async fn what_changes_is_told_through_both_hops() {
    let (one, two) = workers().await;
    let fronts = fronts(&[&one, &two], &[]).await;
    let clients = [client(&fronts[0]).await, client(&fronts[1]).await];
    for client in &clients {
        for (uri, server) in [
            ("fx://text/0", "fx"),
            ("mcproxy://alt/fx://text/0", "alt"),
            ("mcproxy://w1/fx://text/0", "gx"),
        ] {
            ask(client, "resources/subscribe", &json!({ "uri": uri })).await;
            let tool = format!("{server}__update");
            let sent = wait::until("it to be heard of", SOON, async || {
                let answer = client.call_tool(&tool, r#"{"uri":"fx://text/0"}"#).await;
                (text_of(&answer) == "sent").then_some(())
            });
            sent.await;
            let told = client
                .next_notification("notifications/resources/updated", SOON)
                .await;
            assert!(told.contains(&format!(r#""uri":"{uri}""#)), "{uri}: {told}");
            ask(client, "resources/unsubscribe", &json!({ "uri": uri })).await;
        }
    }
    clients[0]
        .call_tool("gx__set_tools", r#"{"names":["extra"]}"#)
        .await;
    for client in &clients {
        client
            .next_notification("notifications/tools/list_changed", SOON)
            .await;
        wait::until("the new one", SOON, async || {
            let names = names(client).await;
            names.contains(&"gx__extra".to_owned()).then_some(())
        })
        .await;
        ask(client, "logging/setLevel", &json!({ "level": "info" })).await;
        let log = r#"{"level":"error","text":"told"}"#;
        client.call_tool("alt__log", log).await;
        let told = client
            .next_notification("notifications/message", SOON)
            .await;
        assert!(told.contains("told"), "{told}");
    }
}

/// It leads to its server, and calls that one's tools as that one does, whatever is in between.
#[tokio::test]
async fn the_page_of_an_app_and_its_server_find_each_other() {
    const PAGE: &str = "ui://x/text/0";
    const OTHER: &str = "ui://w1/ui://x/text/0";
    let app = |name: &str| {
        let (base, page, prefix) = ("ui://x/", PAGE, format!("{name}_"));
        let flags = [
            "--offers",
            "--marker",
            name,
            "--uri-base",
            base,
            "--app",
            page,
        ];
        let tools = ["--tools", "1", "--name-prefix", &prefix];
        fixture(name, &[&flags[..], &tools].concat())
    };
    let one = Worker::start(json!([app("a")])).await;
    let two = Worker::start(json!([app("b")])).await;
    for front in fronts(&[&one, &two], &[]).await {
        let client = client(&front).await;
        let tools = list(&client, "tools/list").await;
        for (server, page) in [("a", PAGE), ("b", OTHER)] {
            let show = tools
                .iter()
                .find(|it| it["name"] == format!("{server}__show"));
            let show = show.unwrap_or_else(|| panic!("{tools:?}"));
            assert_eq!(show["_meta"]["ui"]["resourceUri"], page, "{show}");
            let read = ask(&client, "resources/read", &json!({ "uri": page })).await;
            let content = &read["contents"][0];
            assert_eq!(content["uri"], page, "{read}");
            let text = content["text"].as_str().expect("a text");
            assert!(text.starts_with(server), "{read}");
            let tool = format!("{server}_0");
            assert_eq!(text_of(&client.call_tool(&tool, "{}").await), tool);
        }
        let both = client.call_tool("echo", "{}").await;
        assert!(both.contains("Unknown tool"), "{both}");
    }
}
