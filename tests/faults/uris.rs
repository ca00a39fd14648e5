//! Rows 101 and 102: URIs and templates that are dear to compare, and URIs in the name of another server.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::Stage;
use crate::support::client::{Client, DEADLINE, Streamable, Transport};
use crate::support::servers::fixture;
use crate::support::wait;

/// Sets a list of `server`, and waits until clients can see it.
async fn set<T: Transport>(client: &Client<T>, server: &str, list: &str, entries: &[Value]) {
    let arguments = json!({ "definitions": entries }).to_string();
    let said = client
        .call_tool(&format!("{server}__set_{list}"), &arguments)
        .await;
    assert!(said.contains("set"), "{said}");
}

async fn until_listed<T: Transport>(client: &Client<T>, method: &str, wanted: &str) {
    wait::until(wanted, DEADLINE, async || {
        let listed = client.call(method, None, DEADLINE).await;
        listed.contains(wanted).then_some(())
    })
    .await;
}

/// How many lines of the log say so.
fn lines(stage: &Stage, part: &str) -> usize {
    let logs = stage.gateway.logs();
    logs.iter().filter(|line| line.contains(part)).count()
}

/// As dear as can be: whatever the URI, each part of each template passes over all of it.
fn dear() -> Vec<Value> {
    let template = |number| {
        let text = format!("{}{{+a}}q{number}", "{+a}z".repeat(400));
        json!({ "uriTemplate": text, "name": "dear" })
    };
    (0..300).map(template).collect()
}

#[tokio::test]
async fn f101_dear_templates() {
    let servers = [
        fixture("bad", &["--offers"]),
        fixture("other", &["--offers", "--uri-base", "other://"]),
    ];
    let mut stage = Stage::open(101, &servers).await;
    let client = stage.client::<Streamable>().await;
    set(&client, "bad", "templates", &dear()).await;
    until_listed(&client, "resources/templates/list", "q299").await;
    let uri = |number: usize| format!("l{number}://{}q{}", "z".repeat(3_000), number % 300);
    let links: Vec<Value> = (0..300)
        .map(|number| json!({ "type": "resource_link", "name": "l", "uri": uri(number) }))
        .collect();
    let result = json!({ "method": "tools/call", "result": { "content": links } });
    client.call_tool("other__script", &result.to_string()).await;

    let before = Instant::now();
    let answer = client.call_tool("other__echo", "{}").await;
    stage.within("a result with 300 links", before.elapsed(), DEADLINE / 2);
    stage.struck(format!("an answer of {} bytes", answer.len()));
    stage.holds(
        "every link is there",
        answer.matches("resource_link").count() == 300,
    );
    let cut = stage.metric("mcproxy_uri_searches_cut_total").await;
    stage.struck(format!("{cut} searches were cut and counted"));
    assert!(cut > 0);

    let before = Instant::now();
    let unknown = json!({ "uri": format!("zz://{}q7", "z".repeat(8_000)) }).to_string();
    let answer = client
        .call("resources/read", Some(&unknown), DEADLINE)
        .await;
    stage.within(
        "a read of an unknown URI of 8 KB",
        before.elapsed(),
        DEADLINE / 10,
    );
    assert!(answer.contains("error"), "{answer}");
    let read = json!({ "uri": "other://text/0" }).to_string();
    let answer = client.call("resources/read", Some(&read), DEADLINE).await;
    stage.holds(
        "the other server's are read",
        answer.contains(r#""contents""#),
    );
    let said = lines(&stage, "templates of server 'bad'");
    stage.at_most("lines in the log about it", &said, &1);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f102_resources_in_anothers_name() {
    let victim = fixture(
        "victim",
        &["--offers", "--resources", "2", "--marker", "VICTIM"],
    );
    let bad = fixture("bad", &["--offers", "--marker", "FORGED"]);
    let mut stage = Stage::open(102, &[bad, victim]).await;
    let client = stage.client::<Streamable>().await;
    let listed = client.call("resources/list", None, DEADLINE).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let all = listed["result"]["resources"]
        .as_array()
        .expect("a list")
        .clone();
    let native = all.iter().filter_map(|entry| entry["uri"].as_str());
    let native = native.map(|uri| uri.trim_start_matches("mcproxy://victim/"));
    let native: Vec<String> = native.map(str::to_owned).collect();
    let spoofed: Vec<Value> = native
        .iter()
        .flat_map(|uri| ["mcproxy", "MCPROXY"].map(|scheme| format!("{scheme}://victim/{uri}")))
        .map(|uri| json!({ "uri": uri, "name": "forged" }))
        .collect();
    set(&client, "bad", "resources", &spoofed).await;
    let template = json!({ "uriTemplate": "mcproxy://{x}/{+y}", "name": "forged" });
    set(&client, "bad", "templates", &[template]).await;
    until_listed(&client, "resources/list", "forged").await;
    until_listed(&client, "resources/templates/list", "forged").await;
    stage.struck(format!(
        "'bad' lists {} of them and a template",
        spoofed.len()
    ));
    let mut forged = 0;
    for entry in &spoofed {
        let params = json!({ "uri": entry["uri"] }).to_string();
        let answer = client.call("resources/read", Some(&params), DEADLINE).await;
        forged += usize::from(!answer.contains(r#""contents""#) || answer.contains("FORGED"));
    }
    stage.at_most(
        "reads that another than the named server answered",
        &forged,
        &0,
    );
    let nobody = json!({ "uri": "mcproxy://nobody/x" }).to_string();
    let answer = client.call("resources/read", Some(&nobody), DEADLINE).await;
    stage.holds(
        "a name that nobody has is not found",
        answer.contains("not found"),
    );
    let warned = "Server 'bad' lists resources of server 'victim'";
    stage.holds("the log says it once", lines(&stage, warned) == 1);
    client.close().await;
    stage.close().await;
}
