//! Questions that reach nobody: the server gets an error at once, never silence.

use super::{ALL, SAMPLING, SOON, begin_ask, isolated, settle, shared};
use crate::support::both::serve_with;
use crate::support::client::Transport;
use crate::support::servers::{error_code, text_of};

on_both_transports!(
    a_client_that_lacks_the_capability_is_not_asked,
    a_shared_server_cannot_ask,
    what_no_client_can_be_asked_is_refused,
    pings_of_servers_are_answered,
);

/// What a server is answered, and that the client has not been asked.
async fn refused<T: Transport>(entry: serde_json::Value, capabilities: &str, method: &str) {
    let (_gateway, client) = serve_with::<T>(&[entry], capabilities).await;
    let ask = format!(r#"{{"method":"{method}","params":{{"messages":[]}},"id":"q"}}"#);
    let call = begin_ask(&client, "x", &ask).await;
    let got = text_of(&client.wait_response(call, SOON).await);
    assert_eq!(error_code(&got), -32601, "{method}: {got}");
    assert!(got.contains(r#""id":"q""#), "{got}");
    settle(&client).await;
    assert_eq!(client.notifications(), Vec::<String>::new());
}

async fn a_client_that_lacks_the_capability_is_not_asked<T: Transport>() {
    for (capabilities, method) in [
        ("{}", SAMPLING),
        (r#"{"sampling":{}}"#, "elicitation/create"),
        (r#"{"elicitation":{},"sampling":{}}"#, "roots/list"),
        (r#"{"sampling":null}"#, SAMPLING),
    ] {
        refused::<T>(isolated("x", &[]), capabilities, method).await;
    }
}

async fn a_shared_server_cannot_ask<T: Transport>() {
    for method in [SAMPLING, "elicitation/create", "roots/list"] {
        refused::<T>(shared("x", &[]), ALL, method).await;
    }
}

async fn what_no_client_can_be_asked_is_refused<T: Transport>() {
    for method in ["tools/list", "unheard/of", "initialize"] {
        refused::<T>(isolated("x", &[]), ALL, method).await;
    }
}

async fn pings_of_servers_are_answered<T: Transport>() {
    for entry in [isolated("x", &[]), shared("x", &[])] {
        let (_gateway, client) = serve_with::<T>(&[entry], ALL).await;
        let call = begin_ask(&client, "x", r#"{"method":"ping","id":"q"}"#).await;
        let got = text_of(&client.wait_response(call, SOON).await);
        assert!(got.contains(r#""result":{}"#), "{got}");
        settle(&client).await;
        assert_eq!(client.notifications(), Vec::<String>::new());
    }
}
