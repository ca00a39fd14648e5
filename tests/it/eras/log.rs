//! Log messages and progress of requests without a session: for who asked, while it asks, in its own words.

use serde_json::json;

use super::{SOON, member, open};
use crate::support::modern::{Ask, ModernClient};
use crate::support::streamable::Reply;

const LOG: &str = r#"{"level":"error","text":"t"}"#;

/// What came before the answer of this call.
async fn told(client: &ModernClient, ask: &Ask) -> Vec<String> {
    let mut told = Vec::new();
    match client.post(ask).await {
        Reply::Whole(_) => {}
        Reply::Stream(mut stream) => {
            while let Some(event) = stream.message().await {
                told.push(event.data);
            }
            told.pop().expect("an answer");
        }
    }
    told
}

#[tokio::test]
async fn who_names_a_level_hears_the_log_and_nobody_else() {
    for flags in [&[][..], &["--era=modern"]] {
        let (_gateway, client) = open(flags, &json!({})).await;
        let log = Ask::tool("fx__log", LOG);
        assert_eq!(told(&client, &log).await, [""; 0]);
        let heard = told(&client, &log.clone().meta("/logLevel", r#""warning""#)).await;
        assert_eq!(heard.len(), 1, "{flags:?}");
        assert_eq!(member(&heard[0], "/method"), "notifications/message");
        assert_eq!(member(&heard[0], "/params/data/text"), "t");
        let above = log.clone().meta("/logLevel", r#""critical""#);
        assert_eq!(told(&client, &above).await, [""; 0]);
        let (status, answer) = client.answer(&log.meta("/logLevel", r#""loud""#)).await;
        assert_eq!(
            (status, member(&answer, "/error/code")),
            (400, json!(-32602))
        );
    }
}

/// Nothing in a message says whose it is: while two want it, nobody gets it.
#[tokio::test]
async fn of_two_who_ask_at_once_none_hears_the_other() {
    let (gateway, client) = open(&[], &json!({})).await;
    let begun = r#"{"ms":60000,"stderr":"it has begun\n"}"#;
    let other = Ask::tool("fx__sleep", begun).meta("/logLevel", r#""debug""#);
    let running = client.begin(&other.id("2")).await;
    gateway.wait_for_log("it has begun", SOON).await;
    let log = Ask::tool("fx__log", LOG).meta("/logLevel", r#""debug""#);
    assert_eq!(told(&client, &log).await, [""; 0]);
    drop(running);
}

#[tokio::test]
async fn a_progress_token_comes_back_as_it_was() {
    for flags in [&[][..], &["--era=modern"]] {
        let (_gateway, client) = open(flags, &json!({})).await;
        for token in [r#""a \u00e9""#, "7", r#""7""#, "12345678901234567890"] {
            let ask = Ask::tool("fx__sleep", r#"{"ms":1,"steps":2}"#).meta("progressToken", token);
            let heard = told(&client, &ask).await;
            assert_eq!(heard.len(), 2);
            for message in heard {
                let whole = format!(r#""progressToken":{token},"#);
                assert!(message.contains(&whole), "{message} for {token}");
            }
        }
    }
}
