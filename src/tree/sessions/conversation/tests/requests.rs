//! What a session answers by itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::{House, tool_names};
use crate::protocol::mcp::request::Server;
use crate::testing::offer;

#[test]
fn initialize_answers_in_the_clients_revision_and_promises_list_changed() {
    let house = House::of(&[]);
    let mut client = house.client();
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
    ] {
        client.asks(asked, "initialize", json!({"protocolVersion": asked}));
        let answer = client.next();
        assert_eq!(answer["id"], asked);
        assert_eq!(answer["result"]["protocolVersion"], answered);
        assert_eq!(
            answer["result"]["capabilities"]["tools"]["listChanged"],
            true
        );
    }
}

#[test]
fn every_list_is_the_merged_one_and_a_cancelled_request_for_one_is_not_answered() {
    let house = House::of(&["s", "slow"]);
    let mut server = house.offering("s", 1, &offer(&["t"], &["a:1"]));
    let mut client = house.client();
    let lists = [
        ("tools/list", "tools", 1),
        ("prompts/list", "prompts", 0),
        ("resources/list", "resources", 1),
        ("resources/templates/list", "resourceTemplates", 0),
    ];
    client.asks("no", "tools/list", Value::Null);
    for (method, ..) in lists {
        client.asks(method, method, Value::Null);
    }
    client.tells("notifications/cancelled", &json!({"requestId": "no"}));
    client.hears_nothing();
    let _slow = house.server("slow", 2, &[]);
    for (method, member, count) in lists {
        let answer = client.next();
        assert_eq!(answer["id"], method);
        let entries = answer["result"][member].as_array().unwrap();
        assert_eq!(entries.len(), count, "{answer}");
    }
    for (method, params, key) in [
        ("resources/read", json!({"uri": "a:1"}), "a:1"),
        ("resources/unsubscribe", json!({"uri": "a:1"}), "a:1"),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/resource", "uri": "a:1"}}),
            "a:1",
        ),
        ("tools/call", json!({"name": "s__t"}), "t"),
    ] {
        client.asks(method, method, params);
        let reply_token = server.reply_token();
        let routed = reply_token.routed().unwrap();
        assert_eq!((routed.request.method(), &*routed.key), (method, key));
        reply_token.answer(super::result("{}"));
        assert_eq!(client.next()["id"], method);
    }
    // While only one has resources, it may know more than it lists.
    let _slow = house.offering("slow", 3, &offer(&[], &["c:1"]));
    for (method, params, code) in [
        ("resources/read", json!({"uri": "b:1"}), -32002),
        ("prompts/get", json!({"name": "p"}), -32602),
        ("tasks/get", json!({"taskId": "1"}), -32601),
    ] {
        client.asks(method, method, params);
        let mut answer = client.next();
        if answer["method"].is_string() {
            answer = client.next(); // a list has changed
        }
        assert_eq!(answer["error"]["code"], code, "{method}");
    }
}

#[test]
fn the_wish_for_a_task_is_dropped_and_arguments_keep_theirs() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let client = house.client();
    let params = json!({"name": "s__t", "arguments": {"task": 1}, "task": {"ttl": 1}});
    client.asks(1, "tools/call", params);
    let reply_token = server.reply_token();
    let sent = reply_token
        .routed()
        .unwrap()
        .request
        .rewrite("t", None, Server::Legacy);
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(sent, json!({"name": "t", "arguments": {"task": 1}}));
}

#[test]
fn ping_is_answered_and_what_is_unknown_is_not_offered_and_the_session_lives_on() {
    let house = House::of(&["s"]);
    let mut client = house.client();
    client.asks(1, "server/discover", Value::Null);
    let answer = client.next();
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(1), &json!(-32601))
    );
    client.asks("p", "ping", Value::Null);
    assert_eq!(
        client.next(),
        json!({"jsonrpc": "2.0", "id": "p", "result": {}})
    );
}

#[test]
fn a_reconnected_client_that_never_initialises_is_served() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    client.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&client.next()), ["s__t"]);
    client.calls(2, "s__t");
    server.reply_token().answer(super::result("{}"));
    assert_eq!(client.next()["id"], 2);
}

#[test]
fn lists_and_unknown_names_wait_for_the_boot_latch_and_no_longer() {
    let house = House::of(&["a", "b"]);
    let mut client = house.client();
    let _a = house.server("a", 1, &["t"]);
    client.asks(1, "tools/list", json!({}));
    client.calls(2, "b__t");
    client.calls(3, "nobody__t");
    client.hears_nothing_for(Duration::from_secs(5));

    let mut b = house.server("b", 2, &["t"]);
    assert_eq!(tool_names(&client.next()), ["a__t", "b__t"]);
    let unknown = client.next();
    assert_eq!(
        (&unknown["id"], &unknown["error"]["code"]),
        (&json!(3), &json!(-32602))
    );
    assert_eq!(unknown["error"]["message"], "Unknown tool: nobody__t");
    b.reply_token().answer(super::result("{}"));
    assert_eq!(client.next()["id"], 2);

    client.calls(4, "nobody__t");
    assert_eq!(client.next()["error"]["code"], -32602);
}

#[test]
fn what_is_malformed_is_refused() {
    let house = House::of(&[]);
    let mut client = house.client();
    house.settle();
    client.asks(1, "tools/list", json!({"cursor": "x"}));
    client.asks(2, "tools/call", Value::Null);
    client.asks(3, "tools/call", json!({"nam": "x"}));
    client.asks(
        4,
        "tools/call",
        json!({"name": "x", "_meta": {"progressToken": {}}}),
    );
    for id in 1..=4 {
        let answer = client.next();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(id), &json!(-32602))
        );
        let text = answer["error"]["message"].as_str().unwrap();
        assert!(id != 2 || text.ends_with("no 'name'"), "{text}");
    }
    // These get no answer, whatever they say.
    client.tells("notifications/initialized", &json!({}));
    client.tells("notifications/cancelled", &json!({"requestId": 99}));
    client.tells("notifications/cancelled", &json!([]));
    client.tells("notifications/unknown", &json!({}));
    client.posts(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    client.hears_nothing();
}

#[test]
fn a_session_has_so_many_requests_without_an_answer_and_pings_beside() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    house.settle();
    for id in 0..64 {
        client.calls(id, "s__t");
    }
    client.calls("one more", "s__t");
    client.asks("list", "tools/list", Value::Null);
    for id in ["one more", "list"] {
        let answer = client.next();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(id), &json!(-32003))
        );
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with("busy")
        );
    }
    client.asks("ping", "ping", Value::Null);
    assert_eq!(client.next()["id"], "ping");
    let line = "mcproxy_requests_refused_total{reason=\"busy\"} 2";
    let text = house.metrics().text();
    assert!(text.lines().any(|seen| seen == line), "{text}");

    server.reply_token().answer(super::result("{}"));
    assert_eq!(client.next()["id"], 0);
    client.calls("again", "s__t");
    for _ in 1..64 {
        server.reply_token().answer(super::result("{}"));
        client.next();
    }
    server.reply_token().answer(super::result("{}"));
    assert_eq!(client.next()["id"], "again");
    assert_eq!(server.free(), 128);
}
