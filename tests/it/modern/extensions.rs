//! What servers declare beside the core (MCP 2026-07-28, "Extensions"): shown together, tasks found again by their
//! ids, methods of others led to their one owner, and all of it only for clients that declare it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::SOON;
use crate::support::both::ready;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::{configuration, fixture, gateway};
use crate::support::wait;

/// What a client says that knows tasks.
const KNOWS_TASKS: &str = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;

/// Two servers with tasks, one of them with skills, beside one without a handshake's revision.
async fn open() -> (Gateway, ModernClient) {
    let tasks = ["--era", "modern", "--tasks", "--marker"];
    let one = [&tasks[..], &["one", "--extension", "x/skills"]].concat();
    let two = [&tasks[..], &["two", "--extension", "y/both"]].concat();
    let both = [
        "--era",
        "modern",
        "--extension",
        "z/both",
        "--marker",
        "three",
    ];
    let entries = [
        fixture("old", &[]),
        fixture("one", &one),
        fixture("two", &two),
        fixture("three", &both),
    ];
    let gateway = gateway(&entries).await;
    ready(&gateway).await;
    let client = ModernClient::new(gateway.addr());
    (gateway, client)
}

fn read(answer: &str) -> Value {
    serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// The status, and the result or the error.
async fn ask(client: &ModernClient, ask: &Ask) -> (u16, Value) {
    let (status, answer) = client.answer(ask).await;
    let mut answer = read(&answer);
    let outcome = answer["result"].take();
    let is_result = !outcome.is_null();
    (
        status,
        if is_result {
            outcome
        } else {
            answer["error"].take()
        },
    )
}

async fn task(client: &ModernClient, tool: &str, arguments: &Value) -> Value {
    let call = Ask::tool(tool, &arguments.to_string()).can(KNOWS_TASKS);
    ask(client, &call).await.1
}

fn about(method: &str, id: &str) -> Ask {
    Ask::new(method, &json!({ "taskId": id }).to_string()).can(KNOWS_TASKS)
}

#[tokio::test]
async fn all_that_is_declared_is_shown_and_the_first_server_counts() {
    let (gateway, client) = open().await;
    let discover = Ask::new("server/discover", "{}");
    let shown = async || ask(&client, &discover).await.1["capabilities"]["extensions"].take();
    let wanted = json!({"io.modelcontextprotocol/tasks": {"of": "one"}, "x/skills": {"of": "one"},
        "y/both": {"of": "two"}, "z/both": {"of": "three"}});
    assert_eq!(shown().await, wanted);
    gateway.write_config(&configuration(&[fixture("old", &[])]));
    wait::until("nothing is declared", SOON, async || {
        shown().await.is_null().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_task_is_found_by_its_id_whatever_that_is() {
    let (_gateway, client) = open().await;
    for id in ["7", "one:7", "_x", "a__b:c"] {
        let arguments = json!({"id": id, "seconds": 60});
        let made = task(&client, "two__slow_compute", &arguments).await;
        let outward = format!("two:{id}");
        assert_eq!(
            (&made["resultType"], &made["taskId"]),
            (&json!("task"), &json!(outward))
        );
        let (status, shown) = ask(&client, &about("tasks/get", &outward)).await;
        assert_eq!(
            (status, &shown["status"]),
            (200, &json!("working")),
            "{shown}"
        );
        assert_eq!(
            (&shown["taskId"], &shown["resultType"]),
            (&json!(outward), &json!("complete"))
        );
        let (_, done) = ask(&client, &about("tasks/cancel", &outward)).await;
        assert_eq!(done["resultType"], "complete", "{done}");
        let (_, shown) = ask(&client, &about("tasks/get", &outward)).await;
        assert_eq!(shown["status"], "cancelled");
    }
    // The other server has none of them, and nobody else has any.
    for id in ["one:7", "old:7", "nobody:7", "7", ":7", "two:"] {
        let (status, error) = ask(&client, &about("tasks/get", id)).await;
        assert_eq!(
            (status, &error["code"]),
            (200, &json!(-32602)),
            "{id}: {error}"
        );
    }
    let long = about("tasks/get", &"x".repeat(10_000));
    assert_eq!(ask(&client, &long).await.1["code"], -32602);
}

#[tokio::test]
async fn what_a_task_asks_is_answered() {
    let (_gateway, client) = open().await;
    let made = task(&client, "one__multi_input", &json!({})).await;
    let id = made["taskId"].as_str().unwrap();
    let (_, shown) = ask(&client, &about("tasks/get", id)).await;
    assert_eq!(
        shown["inputRequests"]["second"]["method"],
        "elicitation/create"
    );
    for key in ["first", "second"] {
        let answers = json!({"taskId": id, "inputResponses": {key: {"action": "accept"}}});
        let update = Ask::new("tasks/update", &answers.to_string()).can(KNOWS_TASKS);
        assert_eq!(ask(&client, &update).await.0, 200);
    }
    let (_, shown) = ask(&client, &about("tasks/get", id)).await;
    assert_eq!(shown["result"]["content"][0]["text"], "multi_input is done");
}

#[tokio::test]
async fn who_does_not_declare_tasks_has_none() {
    let (_gateway, client) = open().await;
    let needed = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    let listen = r#"{"notifications":{"taskIds":["one:1"]}}"#;
    let undeclared = [
        Ask::new("tasks/get", r#"{"taskId":"nobody:1"}"#),
        Ask::new(
            "tasks/update",
            r#"{"taskId":"nobody:1","inputResponses":{}}"#,
        ),
        Ask::new("tasks/cancel", r#"{"taskId":"nobody:1"}"#),
        Ask::new("subscriptions/listen", listen),
    ];
    for undeclared in &undeclared {
        let (status, error) = ask(&client, undeclared).await;
        assert_eq!((status, &error["code"]), (400, &json!(-32021)), "{error}");
        assert_eq!(error["data"]["requiredCapabilities"], needed);
    }
    let (status, result) = ask(&client, &Ask::tool("one__slow_compute", "{}")).await;
    assert_eq!((status, &result["resultType"]), (200, &json!("complete")));
    for gone in ["tasks/list", "tasks/result"] {
        let (status, error) = ask(&client, &about(gone, "one:1")).await;
        assert_eq!((status, &error["code"]), (404, &json!(-32601)));
    }
}

#[tokio::test]
async fn who_listens_for_a_task_hears_of_it() {
    let (_gateway, client) = open().await;
    let mut ids = Vec::new();
    for server in ["one", "two"] {
        let arguments = json!({"id": "t", "seconds": 60});
        let made = task(&client, &format!("{server}__slow_compute"), &arguments).await;
        ids.push(made["taskId"].as_str().unwrap().to_owned());
    }
    let filter = json!({"notifications": {"taskIds": ["two:t", "nobody:t"]}});
    let listen = Ask::new("subscriptions/listen", &filter.to_string());
    let mut stream = client
        .post(&listen.id("\"l\"").can(KNOWS_TASKS))
        .await
        .stream();
    let first = read(&stream.expect().await.data);
    assert_eq!(
        first["params"]["notifications"],
        json!({"taskIds": ["two:t"]}),
        "{first}"
    );
    // The gateway asks the server within a moment, and says so before the server has.
    let heard = async {
        loop {
            for id in &ids {
                ask(&client, &about("tasks/cancel", id)).await;
            }
            let next = tokio::time::timeout(std::time::Duration::from_millis(100), stream.expect());
            if let Ok(told) = next.await {
                break read(&told.data);
            }
        }
    };
    let told = tokio::time::timeout(SOON, heard).await.unwrap();
    assert_eq!(told["method"], "notifications/tasks");
    let params = &told["params"];
    assert_eq!(
        (&params["taskId"], &params["status"]),
        (&json!("two:t"), &json!("cancelled"))
    );
    assert_eq!(
        params["_meta"]["io.modelcontextprotocol/subscriptionId"],
        "l"
    );
}

#[tokio::test]
async fn a_method_goes_to_the_only_server_that_can_own_it() {
    let (_gateway, client) = open().await;
    let params = r#"{"name":"one__echo","n":1.10}"#;
    let (status, result) = ask(&client, &Ask::new("skills/list", params).meta("v", "1.10")).await;
    assert_eq!(
        (status, &result["method"]),
        (200, &json!("skills/list")),
        "{result}"
    );
    let said = result["params"].as_str().unwrap();
    assert!(said.ends_with(r#","name":"one__echo","n":1.10}"#) && said.contains(r#""v":1.10"#));
    assert!(said.contains(r#""io.modelcontextprotocol/clientInfo":{"name":"test""#));
    for nobodys in [
        "both/do",
        "none/list",
        "tasks/other",
        "tools/skills",
        "skills",
    ] {
        let (status, error) = ask(&client, &Ask::new(nobodys, "{}")).await;
        assert_eq!((status, &error["code"]), (404, &json!(-32601)), "{nobodys}");
    }
}

#[tokio::test]
async fn a_result_of_another_kind_is_for_those_who_know_it() {
    let (_gateway, client) = open().await;
    let odd = r#"{"result":{"resultType":"odd","n":1.10}}"#;
    let made = r#"{"result":{"resultType":"task","taskId":"t"}}"#;
    let both = r#"{"extensions":{"io.modelcontextprotocol/tasks":{},"z/both":{}}}"#;
    for (tool, result, knows, passes) in [
        ("one__raw", odd, "{}", false),
        ("one__raw", odd, KNOWS_TASKS, false),
        ("one__raw", odd, r#"{"extensions":{"x/skills":{}}}"#, true),
        ("two__raw", odd, r#"{"extensions":{"x/skills":{}}}"#, false),
        ("one__raw", made, "{}", false),
        ("one__raw", made, KNOWS_TASKS, true),
        ("three__raw", made, both, false),
        ("three__raw", odd, both, true),
        (
            "one__raw",
            r#"{"result":{"resultType":"task"}}"#,
            both,
            false,
        ),
    ] {
        let (status, answer) = ask(&client, &Ask::tool(tool, result).can(knows)).await;
        assert_eq!(status, 200);
        let is_result = answer["resultType"].is_string();
        assert_eq!(is_result, passes, "{tool} {result} {knows}: {answer}");
        assert!(passes || answer["code"] == -32603, "{answer}");
    }
}

#[tokio::test]
async fn a_task_is_its_own_clients_alone() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("tokens");
    let tokens = [
        "a-token-of-forty-characters-for-the-first",
        "a-token-of-forty-characters-for-another",
    ];
    std::fs::write(&file, tokens.join("\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let entries = [fixture("one", &["--era", "modern", "--tasks"])];
    let options = GatewayOptions::new(configuration(&entries));
    let gateway = Gateway::start(options.arg(format!("--token-file={}", file.display()))).await;
    ready(&gateway).await;
    let client = |token| ModernClient::new(gateway.addr()).with_token(token);
    let [one, other] = tokens.map(client);
    let arguments = json!({"id": "t", "seconds": 60});
    let made = task(&one, "one__slow_compute", &arguments).await;
    let id = made["taskId"].as_str().unwrap();
    for (client, id, is_found) in [
        (&one, id, true),
        (&other, id, false),
        (&one, "one:t", false),
        (&other, "one:t", false),
    ] {
        let (status, answer) = ask(client, &about("tasks/get", id)).await;
        assert_eq!(
            (status, answer["status"] == "working"),
            (200, is_found),
            "{id}: {answer}"
        );
        assert_eq!(answer["code"] == -32602, !is_found);
    }
}
