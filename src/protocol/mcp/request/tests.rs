//! Fidelity of what is sent to servers: bytes are compared, not values.

use proptest::prelude::*;

use super::*;
use crate::protocol::jsonrpc::{Message, decode, request};
use crate::protocol::modern::extensions::Extensions;

fn parse(params: &Bytes) -> Result<ClientRequest, String> {
    ClientRequest::parse(Era::Legacy, method::TOOLS_CALL, params)
}

fn call(params: &str) -> ClientRequest {
    parse(&Bytes::from(params.to_owned())).unwrap()
}

#[test]
fn a_call_keeps_every_byte_but_its_names() {
    for (params, wanted) in [
        (r#"{"name":"git__log"}"#, r#"{"name":"log"}"#),
        (
            r#"{"name":"g__a","arguments":{"n":123456789012345678901234567890,"x":1.10,"e":1e400}}"#,
            r#"{"name":"log","arguments":{"n":123456789012345678901234567890,"x":1.10,"e":1e400}}"#,
        ),
        (
            r#"{ "arguments" : {"a":"\u00e9\ud800\/", "a":2 , "name":"x"}, "name" : "\u0067it__log", "tusk":null }"#,
            r#"{ "arguments" : {"a":"\u00e9\ud800\/", "a":2 , "name":"x"}, "name" : "log", "tusk":null }"#,
        ),
        (
            "{\n  \"_meta\": {\r\n    \"progressToken\": \"a\\u0062\",\n    \"v\": [ 1,\n 2 ]\n  },\n  \"name\": \"x\"\n}",
            "{  \"_meta\": {    \"progressToken\": 7,    \"v\": [ 1, 2 ]  },  \"name\": \"log\"}",
        ),
        (
            r#"{"name":"x","arguments":null,"_meta":{"progressToken":99999999999999999999}}"#,
            r#"{"name":"log","arguments":null,"_meta":{"progressToken":7}}"#,
        ),
        (
            r#"{"name":"x","_meta":{"progressToken":null,"a":{"progressToken":1}}}"#,
            r#"{"name":"log","_meta":{"progressToken":null,"a":{"progressToken":1}}}"#,
        ),
        (
            r#"{"name":"x","_meta":null}"#,
            r#"{"name":"log","_meta":null}"#,
        ),
    ] {
        let rewritten = call(params).rewrite("log", Some(7), Server::Legacy);
        assert_eq!(rewritten, wanted, "{params}");
    }
}

#[test]
fn the_wish_for_a_task_goes_and_the_call_stays_as_it_is_written() {
    for (params, wanted) in [
        (
            "{\"name\":\"x\" ,\n\"task\" : {\"ttl\":[1]} , \"arguments\":{\"task\":1.10}}",
            r#"{"name":"log"  , "arguments":{"task":1.10}}"#,
        ),
        (
            r#"{ "t\u0061sk":null , "name":"x", "a":","}"#,
            r#"{ "name":"log", "a":","}"#,
        ),
        (r#"{"name":"a,\"b","task":"}"}"#, r#"{"name":"log"}"#),
        (
            r#"{"name":"task","arguments":{"task":{}}}"#,
            r#"{"name":"log","arguments":{"task":{}}}"#,
        ),
    ] {
        let rewritten = call(params).rewrite("log", None, Server::Legacy);
        assert_eq!(rewritten, wanted, "{params}");
    }
    assert!(parse(&Bytes::from_static(br#"{"name":"x","task":1,"task":2}"#)).is_err());
    let prompt = Bytes::from_static(br#"{"name":"x","task":1}"#);
    let request = ClientRequest::parse(Era::Legacy, method::PROMPTS_GET, &prompt).unwrap();
    assert_eq!(request.rewrite("x", None, Server::Legacy), prompt);
}

#[test]
fn names_are_decoded_and_written_escaped() {
    let read = call(r#"{"name":"a\"\u00e9\\"}"#);
    assert_eq!(read.key(), "a\"é\\");
    let rewritten = read.rewrite("tab\t\"q\" é\u{1}", None, Server::Legacy);
    assert_eq!(rewritten, "{\"name\":\"tab\\t\\\"q\\\" é\\u0001\"}");
    assert_eq!(parse(&rewritten).unwrap().key(), "tab\t\"q\" é\u{1}");
}

#[test]
fn a_progress_token_is_kept_as_it_is_written() {
    for raw in [
        r#""17""#,
        "17",
        r#""\u0031""#,
        "-1",
        r#""""#,
        "12345678901234567890123",
    ] {
        let params = format!(r#"{{"name":"x","_meta":{{"progressToken":{raw}}}}}"#);
        assert_eq!(call(&params).progress_token(), Some(raw));
        assert_eq!(
            call(&params).rewrite("x", None, Server::Legacy),
            params,
            "without a token of ours it stays"
        );
    }
    assert_eq!(call(r#"{"name":"x","_meta":{}}"#).progress_token(), None);
    assert_eq!(call(r#"{"name":"x"}"#).progress_token(), None);
}

#[test]
fn params_that_two_readers_understand_differently_are_refused() {
    for (params, says) in [
        ("[]", "object"),
        ("{}", "'name'"),
        (r#"{"name":null}"#, "'name'"),
        (r#"{"name":"\ud800"}"#, "'name'"),
        (r#"{"name":"a","n\u0061me":"b"}"#, "'name'"),
        (r#"{"name":"a","_meta":{},"_meta":{}}"#, "'_meta'"),
        (r#"{"name":"a","_meta":[]}"#, "'_meta'"),
        (
            r#"{"name":"a","_meta":{"progressToken":1,"progressToken":2}}"#,
            "'progressToken'",
        ),
        (
            r#"{"name":"a","_meta":{"progressToken":{}}}"#,
            "progressToken",
        ),
        (
            r#"{"name":"a","_meta":{"progressToken":true}}"#,
            "progressToken",
        ),
        (r#"{"name":"a"#, "unusable"),
    ] {
        let error = parse(&Bytes::from(params)).unwrap_err();
        assert!(error.contains(says), "{params}: {error}");
    }
}

/// JSON text, with numbers and spellings that no value type keeps.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
        any::<String>().prop_map(|text| String::from_utf8(raw::quoted(&text)).unwrap()),
        r#""(\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]|[a-zé ]){0,12}""#,
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            r#""[a-z_]{0,4}""#,
            Just(r#""name""#.to_owned()),
            Just(r#""_meta""#.to_owned())
        ];
        let member = (key, " ?", inner.clone())
            .prop_map(|(key, space, value)| format!("{key}{space}:{space}{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(member, 0..6)
                .prop_map(|members| format!("{{{}}}", members.join(" ,"))),
        ]
    })
}

proptest! {
    #[test]
    fn any_arguments_survive_the_whole_way(arguments in json(), token in any::<u64>(), id in any::<u64>()) {
        let meta = format!(r#""_meta":{{"x":{arguments},"progressToken":"t"}}"#);
        let params = |name: &str, meta: &str| format!(r#"{{"arguments":{arguments},"name":"{name}",{meta}}}"#);
        let message = request(1, "tools/call", Some(params("s__t", &meta).as_bytes()));
        let Ok(Message::Request(inbound)) = decode(&message) else { panic!("{message:?}") };
        let rewritten = parse(&inbound.params.unwrap()).unwrap().rewrite("t", Some(token), Server::Legacy);
        let meta = meta.replace(r#""progressToken":"t""#, &format!(r#""progressToken":{token}"#));
        let wanted = params("t", &meta);
        prop_assert_eq!(&rewritten, wanted.as_bytes());
        let sent = request(id, "tools/call", Some(&rewritten));
        let Ok(Message::Request(outbound)) = decode(&sent) else { panic!("{sent:?}") };
        prop_assert_eq!(outbound.params, Some(rewritten));
        prop_assert_eq!(outbound.id.as_number(), Some(id));
    }
}

#[test]
fn every_routed_method_says_what_it_is_about() {
    for (method, params, subject) in [
        ("tools/call", r#"{"name":"k"}"#, Subject::Tool),
        ("prompts/get", r#"{"name":"k"}"#, Subject::Prompt),
        (
            "resources/read",
            r#"{"uri":"k","name":"x"}"#,
            Subject::Resource,
        ),
        ("resources/subscribe", r#"{"uri":"k"}"#, Subject::Resource),
        ("resources/unsubscribe", r#"{"uri":"k"}"#, Subject::Resource),
        (
            "completion/complete",
            r#"{"name":"x","ref":{"name":"k","type":"ref/prompt"},"argument":{"name":"y"}}"#,
            Subject::Prompt,
        ),
        (
            "completion/complete",
            r#"{"uri":"x","ref":{"type":"ref/resource","uri":"k"}}"#,
            Subject::Resource,
        ),
    ] {
        let method = ClientRequest::routed(method).unwrap();
        let read = ClientRequest::parse(Era::Legacy, method, &Bytes::from(params)).unwrap();
        assert_eq!(
            (read.method(), read.subject(), read.key()),
            (method, subject, "k")
        );
        let wanted = params.replace(r#""k""#, r#""other""#);
        assert_eq!(
            read.rewrite("other", None, Server::Legacy),
            wanted,
            "{method}"
        );
    }
    assert_eq!(ClientRequest::routed("tools/list"), None);
    for wrong in [
        r#"{"ref":{"type":"ref/tool","name":"k"}}"#,
        r#"{"ref":{"type":"ref/prompt","uri":"k"}}"#,
        r#"{"ref":"k"}"#,
        "{}",
    ] {
        assert!(
            ClientRequest::parse(Era::Legacy, method::COMPLETE, &Bytes::from(wrong)).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn what_stays_the_same_keeps_its_spelling() {
    let params = Bytes::from(r#"{"uri":"a:\/\/\u0062","_meta":{"progressToken":1}}"#);
    let read = ClientRequest::parse(Era::Legacy, method::RESOURCES_READ, &params).unwrap();
    assert_eq!(read.key(), "a://b");
    assert_eq!(
        read.rewrite("a://b", Some(7), Server::Legacy),
        r#"{"uri":"a:\/\/\u0062","_meta":{"progressToken":7}}"#
    );
}

#[test]
fn what_has_to_be_remembered_is_not_long() {
    let (key, token) = ("k".repeat(LONGEST_KEY - 2), "t".repeat(LONGEST_TOKEN - 2));
    for (key, token, is_taken) in [
        (key.clone(), token.clone(), true),
        (format!("{key}k"), token.clone(), false),
        (key.clone(), format!("{token}t"), false),
    ] {
        let params = format!(r#"{{"uri":"{key}","_meta":{{"progressToken":"{token}"}}}}"#);
        let read = ClientRequest::parse(
            Era::Legacy,
            method::RESOURCES_SUBSCRIBE,
            &Bytes::from(params),
        );
        assert_eq!(read.is_ok(), is_taken);
    }
}

mod eras {
    //! Between the eras.

    use super::*;
    use crate::protocol::mcp::lifecycle::ClientCapabilities;
    use crate::protocol::mcp::logging::Level;
    use crate::protocol::modern::asker::Asker;

    fn of(era: Era, method: &'static str, params: &str) -> ClientRequest {
        ClientRequest::parse(era, method, &Bytes::from(params.to_owned())).unwrap()
    }

    #[test]
    fn a_legacy_server_sees_nothing_of_the_other_era() {
        for (params, wanted) in [
            (
                r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol\/clientCapabilities":{}},"name":"x"}"#,
                r#"{"_meta":{},"name":"t"}"#,
            ),
            (
                "{ \"requestState\" : \"s,\", \"inputResponses\":{\"a\":1} ,\"name\":\"x\",\n\"_meta\":{\"traceparent\":\"00\",\"io.modelcontextprotocol/x\":{\"a\":[1]} , \"progressToken\":\"p\",\"io.modelcontextprotocol/logLevel\":\"info\",\"my.vendor/k\":1.10,\"io.modelcontextprotocol/y\":1}}",
                r#"{ "name":"t","_meta":{"traceparent":"00" , "progressToken":7,"my.vendor/k":1.10}}"#,
            ),
            (
                r#"{"name":"x","inputResponses":{},"arguments":{"requestState":1},"requestState":"s"}"#,
                r#"{"name":"t","arguments":{"requestState":1}}"#,
            ),
            (
                r#"{"name":"x","_meta":null}"#,
                r#"{"name":"t","_meta":null}"#,
            ),
            (r#"{"task":{},"name":"x"}"#, r#"{"name":"t"}"#),
        ] {
            let request = of(Era::Modern, method::TOOLS_CALL, params);
            assert_eq!(
                request.rewrite("t", Some(7), Server::Legacy),
                wanted,
                "{params}"
            );
        }
        let read = of(
            Era::Modern,
            method::RESOURCES_READ,
            r#"{"uri":"a:b","task":1}"#,
        );
        assert_eq!(
            read.rewrite("a:b", None, Server::Legacy),
            r#"{"uri":"a:b","task":1}"#
        );
    }

    #[test]
    fn a_modern_server_gets_a_modern_request_as_it_is_written() {
        let params = "{ \"_meta\" : {\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\", \"progressToken\":\"a\"},\"requestState\":\"\\u0073\",\"inputResponses\":{\"k\":1.10},\"task\":1,\"name\":\"g__x\"}";
        let sent = of(Era::Modern, method::TOOLS_CALL, params);
        let sent = sent.rewrite("x", Some(7), Server::Modern(&Asker::default()));
        let wanted = params.replace("g__x", "x").replace("\"a\"", "7");
        assert_eq!(sent, wanted);
    }

    #[test]
    fn a_modern_server_is_told_who_asks_it_with_a_handshake() {
        let asker = Asker {
            capabilities: ClientCapabilities::all(),
            log_level: Some(Level::Error),
            info: None,
            extensions: Extensions::default(),
        };
        let members = String::from_utf8(asker.members()).unwrap();
        for (params, wanted) in [
            (r#"{"name":"x"}"#, r#"{"_meta":{MEMBERS},"name":"t"}"#),
            (
                r#"{ "name":"x","_meta":null}"#,
                r#"{ "name":"t","_meta":{MEMBERS}}"#,
            ),
            (
                r#"{"_meta":{},"name":"x"}"#,
                r#"{"_meta":{MEMBERS},"name":"t"}"#,
            ),
            (
                r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":1},"task":{},"name":"x"}"#,
                r#"{"_meta":{MEMBERS},"name":"t"}"#,
            ),
            (
                r#"{"requestState":"forged","name":"x","_meta":{ "io.modelcontextprotocol/clientInfo":1,"progressToken":1,"v":1.10}}"#,
                r#"{"name":"t","_meta":{MEMBERS, "progressToken":7,"v":1.10}}"#,
            ),
        ] {
            let request = of(Era::Legacy, method::TOOLS_CALL, params);
            let sent = request.rewrite("t", Some(7), Server::Modern(&asker));
            assert_eq!(sent, wanted.replace("MEMBERS", &members), "{params}");
        }
    }

    #[test]
    fn the_answers_to_questions_come_with_the_request() {
        let request = of(Era::Legacy, method::TOOLS_CALL, r#"{"name":"x"}"#);
        let request = request.with_input(Bytes::from(r#""inputResponses":{},"requestState":"s""#));
        let sent = request.rewrite("x", None, Server::Modern(&Asker::default()));
        let read: serde_json::Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!(read["requestState"], "s");
        assert_eq!(read["name"], "x");
        assert!(read["_meta"].is_object() && read["inputResponses"].is_object());
    }

    proptest! {
        #[test]
        fn what_is_taken_out_leaves_what_can_be_read(names in proptest::collection::vec((any::<bool>(), 0..3u8), 0..6)) {
            let member = |at: usize, is_own: bool, spaces: u8| {
                let prefix = if is_own { "io.modelcontextprotocol/" } else { "" };
                let pad = " ".repeat(spaces.into());
                format!("{pad}\"{prefix}{at}\"{pad}:{pad}[{at}]{pad}")
            };
            let members: Vec<String> = names.iter().enumerate().map(|(at, (is_own, pad))| member(at, *is_own, *pad)).collect();
            let params = format!(r#"{{"name":"x","_meta":{{{}}}}}"#, members.join(","));
            let sent = of(Era::Modern, method::TOOLS_CALL, &params).rewrite("x", None, Server::Legacy);
            let read: serde_json::Value = serde_json::from_slice(&sent).unwrap();
            let left = names.iter().filter(|(is_own, _)| !is_own).count();
            prop_assert_eq!(read["_meta"].as_object().unwrap().len(), left);
            let asker = Asker::default();
            let sent = of(Era::Legacy, method::TOOLS_CALL, &params).rewrite("x", None, Server::Modern(&asker));
            let read: serde_json::Value = serde_json::from_slice(&sent).unwrap();
            prop_assert_eq!(read["_meta"].as_object().unwrap().len(), left + 3);
        }
    }
}
