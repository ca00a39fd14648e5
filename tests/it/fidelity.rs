//! Bodies pass byte for byte: arguments to the server, results, errors and tool definitions to the client,
//! save the names and tokens that the gateway must change. Line breaks between tokens are dropped.

#![cfg(test)]

use std::time::Duration;

use crate::support::client::SseClient;
use crate::support::servers::{bare, fixture, serve, serve_ready, text_of};

/// For large bodies, on a machine that has other work.
const LATER: Duration = Duration::from_secs(60);

/// JSON that a reader of values would change: numbers beyond any type, escapes, repeated names.
const BODIES: [&str; 24] = [
    "{}",
    "{ }",
    r#"{"n":12345678901234567890123456789012345678901234567890}"#,
    r#"{"n":-0,"m":-0.0,"o":0.10,"p":1.10,"q":1.0}"#,
    r#"{"n":1e400,"m":1E+400,"o":-1e-400,"p":1e5}"#,
    r#"{"n":0.1000000000000000055511151231257827021181583404541015625}"#,
    r#"{"unknown":{"x-vendor":[1,2,{"deep":null}]},"null":null}"#,
    r#"{"a":"\u00e9\u0041\ud83e\udd80","b":"é🦀"}"#,
    r#"{"lone":"\ud800","other":"\udc00\ud800"}"#,
    r#"{"\ud800":1}"#,
    r#"{"escapes":"\"\\\/\b\f\n\r\t\u0000\u001f\u007f"}"#,
    r#"{"same":1,"same":2,"same":{"same":3,"same":4}}"#,
    r#"{"":{"":{"":""}}}"#,
    r#"{"a b":1,"é":2,"__proto__":{},"constructor":0}"#,
    "{\"separators\":\"\u{2028}\u{2029}\u{85}\u{feff}\"}",
    "{\"controls\":\"\u{7f}\u{80}\"}",
    r#"{ "spaces" : [ 1 ,	2 , { } , [ ] ]	}"#,
    r#"{"name":"echo","arguments":{"name":"a__pid"},"_meta":{"progressToken":5}}"#,
    r#"{"jsonrpc":"1.0","id":99,"method":"x","params":{"result":{}},"error":{}}"#,
    r#"{"html":"<script>alert('&amp;')</script>"}"#,
    r#"{"sse":"data: x\n\nevent: endpoint\ndata: /evil"}"#,
    r#"{"isError":true,"content":[],"structuredContent":{"v":1.10}}"#,
    r#"{"t":true,"f":false,"n":null,"a":[],"o":{},"s":""}"#,
    r#"{"order":{"z":1,"a":2,"m":3}}"#,
];

/// Calls with raw params; the raw answer.
async fn call(client: &SseClient, params: &str) -> String {
    client.call("tools/call", Some(params), LATER).await
}

/// What is behind the envelope of an answer: `"result":…` or `"error":…`.
fn outcome(answer: &str) -> &str {
    let rest = answer.strip_prefix(r#"{"jsonrpc":"2.0","id":"#);
    let rest = rest.and_then(|rest| rest.split_once(','));
    let rest = rest.and_then(|(_, rest)| rest.strip_suffix('}'));
    rest.unwrap_or_else(|| panic!("another envelope: {answer:.300}"))
}

/// Half of a character is no text, and clients refuse a message with one.
fn whole(json: &str) -> String {
    let json = json.replace(r"\ud800", r"\ufffd");
    json.replace(r"\udc00", r"\ufffd")
}

#[tokio::test]
async fn arguments_reach_the_server_byte_for_byte() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    for body in BODIES {
        let params = format!(r#"{{"name":"a__raw","arguments":{body}}}"#);
        let seen = text_of(&call(&client, &params).await);
        // The server gives it back as a text in a text, where a half does not look like one.
        assert_eq!(seen, format!(r#"{{"name":"raw","arguments":{body}}}"#));
    }
}

#[tokio::test]
async fn params_keep_all_that_is_around_the_name() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    for (sent, wanted) in [
        // No arguments at all is not the same as none.
        (r#"{"name":"a__raw"}"#, r#"{"name":"raw"}"#),
        (
            r#"{"name":"a__raw","arguments":null}"#,
            r#"{"name":"raw","arguments":null}"#,
        ),
        (
            r#"{ "x" : [1.10] ,"name" : "a__raw" , "task":{"ttl":60000}}"#,
            // No tasks are offered, and a wish for one is to be ignored.
            r#"{ "x" : [1.10] ,"name" : "raw" }"#,
        ),
        (
            r#"{"_meta":{"a/b":1e400,"":[]},"name":"\u0061__r\u0061w","n":{"name":"a__raw"}}"#,
            r#"{"_meta":{"a/b":1e400,"":[]},"name":"raw","n":{"name":"a__raw"}}"#,
        ),
        (
            r#"{"name":"a__raw","_meta":{}}"#,
            r#"{"name":"raw","_meta":{}}"#,
        ),
    ] {
        assert_eq!(text_of(&call(&client, sent).await), wanted);
    }
}

#[tokio::test]
async fn of_the_meta_object_only_the_token_is_changed() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    for token in ["1", r#""abc""#, r#""\ud800""#, "99999999999999999999"] {
        let params = format!(
            r#"{{"_meta":{{"trace":1.10, "progressToken" : {token} ,"z":{{"progressToken":8}}}},"name":"a__raw"}}"#
        );
        let seen = text_of(&call(&client, &params).await);
        let start = r#"{"_meta":{"trace":1.10, "progressToken" : "#;
        let end = r#" ,"z":{"progressToken":8}},"name":"raw"}"#;
        let own = seen.strip_prefix(start).and_then(|s| s.strip_suffix(end));
        let own = own.unwrap_or_else(|| panic!("more than the token: {seen}"));
        assert!(own.parse::<u64>().is_ok(), "{seen}");
    }
}

#[tokio::test]
async fn results_reach_the_client_byte_for_byte() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    let odd = [r#""text""#, "1.10", "null", "[1, 2]", "true"];
    for body in BODIES.iter().chain(&odd) {
        let result = format!(r#"{{ "odd" : {body},"content":[]}}"#);
        let params = format!(r#"{{"name":"a__raw","arguments":{{"result":{result}}}}}"#);
        let answer = call(&client, &params).await;
        assert_eq!(outcome(&answer), format!(r#""result":{}"#, whole(&result)));
    }
}

#[tokio::test]
async fn errors_reach_the_client_byte_for_byte() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    for body in BODIES {
        let error = format!(r#"{{"data":{body} ,"code":1e2,"message":"caf\u00e9"}}"#);
        let params = format!(r#"{{"name":"a__fail","arguments":{{"error":{error}}}}}"#);
        let answer = call(&client, &params).await;
        assert_eq!(outcome(&answer), format!(r#""error":{}"#, whole(&error)));
    }
}

#[tokio::test]
async fn a_pretty_printed_request_is_one_line_for_the_server() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    let message = "{\r\n  \"jsonrpc\": \"2.0\",\n\t\"id\":\n7,\n  \"method\": \"tools/call\",\n  \
        \"params\": {\n    \"name\":\n \"a__raw\",\n    \"arguments\": {\r\n      \"a\": [\n        1.10,\n        \
        \"line\\nbreak\"\n      ]\n    },\n    \"_meta\": {\n\n\"x\": 1 } }\n}\n";
    assert_eq!(client.post(message).await.status, 202);
    let answer = client.wait_raw_response("7", LATER).await;
    let wanted = "{    \"name\": \"raw\",    \"arguments\": {      \"a\": [        1.10,        \
        \"line\\nbreak\"      ]    },    \"_meta\": {\"x\": 1 } }";
    assert_eq!(text_of(&answer), wanted);
    // The server saw one line: it would have complained about the pieces of one.
    let seen = text_of(&client.call_tool("a__answers", "{}").await);
    assert_eq!(seen, "[]");
}

#[tokio::test]
async fn a_line_break_inside_of_a_result_does_not_break_the_event() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    // A carriage return is white space in JSON and the end of a line in an event stream.
    let line =
        r#"{\"jsonrpc\":\"2.0\",\r\"id\":$ID,\"result\":{\r\"content\":[],\"a\":\r1.10}\r}\r\n"#;
    let params = format!(r#"{{"name":"a__raw","arguments":{{"stdout":"{line}","silent":true}}}}"#);
    let answer = call(&client, &params).await;
    assert_eq!(outcome(&answer), r#""result":{"content":[],"a":1.10}"#);
}

#[tokio::test]
async fn deep_nesting_passes_both_ways() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    for (open, close) in [("[", "]"), (r#"{"":"#, "}")] {
        let body = format!("{}1.10{}", open.repeat(90), close.repeat(90));
        let params = format!(r#"{{"name":"a__raw","arguments":{{"x":{body}}}}}"#);
        let seen = text_of(&call(&client, &params).await);
        assert_eq!(seen, params.replace("a__raw", "raw"));
        let result = format!(r#"{{"content":[],"x":{body}}}"#);
        let params = format!(r#"{{"name":"a__raw","arguments":{{"result":{result}}}}}"#);
        let answer = call(&client, &params).await;
        assert_eq!(outcome(&answer), format!(r#""result":{result}"#));
    }
}

#[tokio::test]
async fn large_bodies_pass_whole() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    for size in [1 << 20, 10 << 20] {
        // Nothing in it repeats with the size of a buffer.
        let text: String = (0..).map(|n| format!("{n}é,")).take(size / 8).collect();
        let text = &text[..text.floor_char_boundary(size.min(text.len()))];
        let body = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"n":1.10}}"#);
        let params = format!(r#"{{"name":"a__raw","arguments":{{"result":{body}}}}}"#);
        let answer = call(&client, &params).await;
        let wanted = format!(r#""result":{body}"#);
        assert!(outcome(&answer) == wanted, "{size} bytes came back changed");
    }
}

#[tokio::test]
async fn large_bodies_do_not_hold_up_small_ones_for_long() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[]), fixture("b", &[])]).await;
    let params = format!(
        r#"{{"name":"a__raw","arguments":{{"result":{{"content":[],"x":"{}"}}}}}}"#,
        "x".repeat(10 << 20)
    );
    let big = call(&client, &params);
    let small = async {
        for _ in 0..20 {
            client.call_tool("b__echo", r#"{"text":"by"}"#).await;
        }
    };
    let (answer, ()) = tokio::join!(big, small);
    assert!(answer.len() > 10 << 20);
}

#[tokio::test]
async fn tool_definitions_pass_byte_for_byte_save_the_name() {
    let flags = ["--tools", "3"];
    let (_gateway, client) = serve(&[fixture("a", &flags)]).await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let own = bare(&flags, &[list]).remove(0);
    let merged = client.call("tools/list", None, LATER).await;
    assert!(own.contains(r#""x-scale":1.10"#) && own.contains("12345678901234567890"));
    let renamed = outcome(&own).replace(r#"{"name":""#, r#"{"name":"a__"#);
    assert_eq!(outcome(&merged), renamed);
}

/// The name is neither first nor plain, and around it is what a reader of values would change.
#[tokio::test]
async fn odd_tool_definitions_pass_byte_for_byte_save_the_name() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    let odd = r#"{ "inputSchema" : {"type":"object","default":1e40,"$comment":"\u0000"} , "title":"T","name" : "o\u0064d" ,"name2":"odd","annotations":{"name":"odd","n":-0.0},"same":1,"same":2}"#;
    let bare = r#"{"name":"bare","inputSchema":{"type":"object"}}"#;
    // Left out: nobody could call them.
    let unusable = r#"{"title":"no name"},{"name":7},{"name":"twice","name":"named"},"text""#;
    let arguments = format!(r#"{{"definitions":[{odd},{unusable},{bare}]}}"#);
    client.call_tool("a__set_tools", &arguments).await;
    client
        .next_notification("notifications/tools/list_changed", LATER)
        .await;
    let listed = client.call("tools/list", None, LATER).await;
    let renamed = odd.replace(r#""o\u0064d""#, r#""a__odd""#);
    let end = format!(r#",{renamed},{{"name":"a__bare","inputSchema":{{"type":"object"}}}}]}}"#);
    assert!(outcome(&listed).ends_with(&end), "{listed}");
    // The route is there; that the tool does nothing is the server's own word.
    let answer = client.call_tool("a__odd", "{}").await;
    assert_eq!(
        outcome(&answer),
        r#""error":{"code":-32602,"message":"Unknown tool: odd"}"#
    );
}
