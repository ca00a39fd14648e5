//! What a server asks while a call runs, for a client without a session: shown in the result, answered with the call
//! that comes again. A server with a handshake, in a process for each call; one without, shared by all.

use serde_json::{Value, json};

use super::{member, open};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::text_of;

const ALL: &str = r#"{"elicitation":{"form":{}},"sampling":{},"roots":{}}"#;

/// What both kinds are asked to do: the flags of the fixture, and its entry.
fn kinds() -> [(Vec<&'static str>, Value); 3] {
    [
        (vec![], json!({ "isolation": "session" })),
        (vec!["--era=modern"], json!({})),
        (vec!["--era=modern"], json!({ "isolation": "session" })),
    ]
}

/// Five rounds of three questions each.
fn rounds() -> String {
    let round = json!({
        "a": { "method": "elicitation/create", "params": { "message": "?", "requestedSchema": { "type": "object", "properties": {} } } },
        "b": { "method": "sampling/createMessage", "params": { "messages": [], "maxTokens": 1 } },
        "c": { "method": "roots/list" },
    });
    json!({ "rounds": vec![round; 5] }).to_string()
}

/// What a user would answer to each kind, with a number to know it by.
fn reply(method: &str, number: usize) -> Value {
    match method {
        "elicitation/create" => json!({ "action": "accept", "content": { "n": number } }),
        "sampling/createMessage" => {
            json!({ "role": "assistant", "model": "m", "content": { "type": "text", "text": number.to_string() } })
        }
        _ => json!({ "roots": [{ "uri": format!("file:///{number}") }] }),
    }
}

/// Answers all that the result asks: the same request again.
fn answered(ask: &Ask, result: &str, number: usize) -> Ask {
    let requests = member(result, "/result/inputRequests");
    let requests = requests
        .as_object()
        .unwrap_or_else(|| panic!("no questions: {result}"));
    let reply = |(key, asked): (&String, &Value)| {
        let method = asked["method"].as_str().expect("a method");
        (key.clone(), reply(method, number))
    };
    let replies: serde_json::Map<String, Value> = requests.iter().map(reply).collect();
    let state = member(result, "/result/requestState").to_string();
    ask.clone()
        .retry(&Value::Object(replies).to_string(), Some(&state))
}

async fn say(client: &ModernClient, ask: &Ask) -> String {
    client.answer(ask).await.1
}

#[tokio::test]
async fn five_rounds_of_three_questions_are_answered() {
    for (flags, entry) in kinds() {
        let (_gateway, client) = open(&flags, &entry).await;
        let ask = Ask::tool("fx__rounds", &rounds()).can(ALL);
        let mut said = say(&client, &ask).await;
        for number in 1..=5 {
            assert_eq!(
                member(&said, "/result/resultType"),
                "input_required",
                "{said}"
            );
            let requests = member(&said, "/result/inputRequests");
            assert_eq!(
                requests.as_object().map(serde_json::Map::len),
                Some(3),
                "{said}"
            );
            let id = format!(r#""{number}""#);
            said = say(&client, &answered(&ask, &said, number).id(&id)).await;
            assert_eq!(member(&said, "/id"), number.to_string());
        }
        let heard: Value = serde_json::from_str(&text_of(&said)).expect("JSON");
        for (place, round) in heard.as_array().expect("rounds").iter().enumerate() {
            let number = place + 1;
            assert_eq!(round["a"], reply("elicitation/create", number), "{flags:?}");
            assert_eq!(round["b"], reply("sampling/createMessage", number));
            assert_eq!(round["c"], reply("roots/list", number));
        }
    }
}

/// One abandoned call after another, and the next is as good as the first.
#[tokio::test]
async fn calls_that_nobody_comes_back_to_do_not_hinder_the_next() {
    for (flags, entry) in kinds() {
        let (_gateway, client) = open(&flags, &entry).await;
        let ask = Ask::tool("fx__ask", r#"{"method":"roots/list"}"#).can(ALL);
        for _ in 0..8 {
            let said = say(&client, &ask).await;
            assert_eq!(
                member(&said, "/result/resultType"),
                "input_required",
                "{said}"
            );
        }
        let said = say(&client, &ask).await;
        let said = say(&client, &answered(&ask, &said, 9)).await;
        assert!(text_of(&said).contains("file:///9"), "{said}");
    }
}

#[tokio::test]
async fn a_state_is_good_for_one_request_and_once() {
    let (_gateway, client) = open(&[], &json!({ "isolation": "session" })).await;
    let ask = Ask::tool("fx__ask", r#"{"method":"roots/list"}"#).can(ALL);
    let said = say(&client, &ask).await;
    let state = member(&said, "/result/requestState").to_string();
    let other = |name, arguments| {
        Ask::tool(name, arguments)
            .can(ALL)
            .retry("{}", Some(&state))
    };
    let made_up = format!("{}x\"", state.trim_end_matches('"'));
    let wrong = [
        other("fx__ask", r#"{"method":"roots/list","wait":true}"#),
        other("fx__echo", r#"{"method":"roots/list"}"#),
        ask.clone().retry("{}", Some(&made_up)),
        ask.clone().retry("{}", Some("\"\"")),
    ];
    for wrong in wrong {
        let refused = say(&client, &wrong).await;
        assert_eq!(
            member(&refused, "/error/code"),
            -32602,
            "{}: {refused}",
            wrong.line()
        );
    }
    // Nothing of this has disturbed it; without answers it is shown once more.
    let again = say(&client, &ask.clone().retry("{}", Some(&state))).await;
    assert_eq!(
        member(&again, "/result/resultType"),
        "input_required",
        "{again}"
    );
    let good = answered(&ask, &again, 1);
    assert!(text_of(&say(&client, &good).await).contains("file:///1"));
    let used = say(&client, &good).await;
    assert_eq!(member(&used, "/error/code"), -32602, "{used}");
}

#[tokio::test]
async fn who_can_not_be_asked_is_told_what_is_missing() {
    for (flags, entry) in kinds() {
        let (_gateway, client) = open(&flags, &entry).await;
        let rounds = r#"{"rounds":[{"a":{"method":"sampling/createMessage","params":{}}}]}"#;
        let ask = Ask::tool("fx__rounds", rounds).can(r#"{"roots":{}}"#);
        let (status, said) = client.answer(&ask).await;
        // This server with a handshake goes on without the answer: then it is the result that counts.
        if flags.is_empty() {
            assert_eq!(status, 200, "{said}");
            continue;
        }
        assert_eq!((status, member(&said, "/error/code")), (400, json!(-32021)));
        let missing = member(&said, "/error/data/requiredCapabilities");
        assert_eq!(missing, json!({ "sampling": {} }));
    }
}
