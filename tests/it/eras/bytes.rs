//! Between a client and a server that both know no handshake nothing is read that need not be: what they say passes
//! byte for byte.

use serde_json::json;

use super::open;
use crate::support::modern::Ask;

const ODD: &str = r#"{ "resultType":"complete", "content" : [],"n":1.10,"big":12345678901234567890,"e":1e400,"\u0061":"\u00e9","unknown":{"b":1,"a":2}}"#;

#[tokio::test]
async fn a_result_passes_as_it_is() {
    let (_gateway, client) = open(&["--era=modern"], &json!({})).await;
    let arguments = format!(r#"{{"result":{ODD}}}"#);
    let said = client.call_tool("fx__raw", &arguments).await;
    assert!(said.contains(&ODD[1..]) || said.contains(ODD), "{said}");
    for name in ["content", "unknown", "n"] {
        assert_eq!(said.matches(&format!(r#""{name}""#)).count(), 1, "{said}");
    }
}

#[tokio::test]
async fn a_request_passes_as_it_is() {
    let (_gateway, client) = open(&["--era=modern"], &json!({})).await;
    let arguments = r#"{ "z":1.10, "a" : "\u00e9","big":12345678901234567890 }"#;
    let ask = Ask::tool("fx__raw", arguments)
        .meta("traceparent", r#""00-\u0061""#)
        .meta("com.example/x", "[1.0]");
    let (_, said) = client.answer(&ask).await;
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let seen = said["result"]["content"][0]["text"]
        .as_str()
        .expect("a text");
    assert!(seen.contains(arguments), "{seen}");
    for kept in [
        r#""traceparent":"00-\u0061""#,
        r#""com.example/x":[1.0]"#,
        r#""io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"}"#,
    ] {
        assert!(seen.contains(kept), "{kept} is not in {seen}");
    }
}

/// The state of a server is its own, down to the spelling.
#[tokio::test]
async fn a_state_comes_back_as_it_was_spelt() {
    let (_gateway, client) = open(&["--era=modern"], &json!({})).await;
    let state = r#""\u0061\/é \"""#;
    let asked = format!(
        r#"{{"result":{{"resultType":"input_required","inputRequests":{{}},"requestState":{state}}}}}"#
    );
    let said = client.call_tool("fx__raw", &asked).await;
    assert!(
        said.contains(&format!(r#""requestState":{state}"#)),
        "{said}"
    );
    let again = Ask::tool("fx__raw", "{}").retry(r#"{"k":{"n":1.10}}"#, Some(state));
    let (_, said) = client.answer(&again).await;
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let seen = said["result"]["content"][0]["text"]
        .as_str()
        .expect("a text");
    assert!(
        seen.contains(&format!(r#""requestState":{state}"#)),
        "{seen}"
    );
    assert!(
        seen.contains(r#""inputResponses":{"k":{"n":1.10}}"#),
        "{seen}"
    );
}
