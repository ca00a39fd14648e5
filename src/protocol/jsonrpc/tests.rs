//! Tests of envelopes: what is accepted, what is refused and with which id, and that bodies come
//! through byte for byte and uncopied.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Message, DecodeError> {
    decode(&Bytes::from(text.to_owned()))
}

fn id(raw: &str) -> RequestId {
    RequestId::from_raw(raw).unwrap()
}

#[test]
fn requests_keep_id_and_params_as_they_are_written() {
    for raw in [
        "1",
        "\"1\"",
        "0",
        "-7",
        "123456789012345678901234567890",
        r#""\u0061\ud800""#,
        r#""""#,
    ] {
        let params = "{\"a\": 1.10,\"b\":1e400, \"b\":\"\\ud800\"\r\n}";
        let text = format!(
            " {{\"params\" : {params} ,\n\"method\":\"tools\\/list\",\"x\":[], \"id\":{raw},\"jsonrpc\":\"2.0\"}}\n"
        );
        let wanted = Request {
            id: id(raw),
            method: "tools/list".into(),
            params: Some(params.into()),
        };
        assert_eq!(read(&text), Ok(Message::Request(wanted)), "{text}");
    }
    assert_ne!(id("1"), id("\"1\""));
}

#[test]
fn a_message_without_id_is_a_notification() {
    for (text, params) in [
        (r#"{"jsonrpc":"2.0","method":"x"}"#, None),
        (r#"{"jsonrpc":"2.0","method":"x","params":null}"#, None),
        (
            r#"{"jsonrpc":"2.0","method":"x","params":null,"result":null,"error":null}"#,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"x","params":[1]}"#,
            Some("[1]".into()),
        ),
        (r#"{"jsonrpc":"2.\u0030","method":"\u0078"}"#, None),
    ] {
        let wanted = Notification {
            method: "x".into(),
            params,
        };
        assert_eq!(read(text), Ok(Message::Notification(wanted)), "{text}");
    }
}

#[test]
fn responses_carry_one_outcome() {
    for (text, wanted_id, outcome) in [
        (
            r#"{"jsonrpc":"2.0","id":3,"result":{ "a":1 }}"#,
            Some("3"),
            Ok("{ \"a\":1 }"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":3,"result":null}"#,
            Some("3"),
            Ok("null"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":"3","error":{"code":-1}}"#,
            Some("\"3\""),
            Err("{\"code\":-1}"),
        ),
        (r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, None, Err("{}")),
        (r#"{"jsonrpc":"2.0","error":{}}"#, None, Err("{}")),
    ] {
        let outcome = outcome.map(Bytes::from).map_err(Bytes::from);
        let wanted = Response {
            id: wanted_id.map(id),
            outcome,
        };
        assert_eq!(read(text), Ok(Message::Response(wanted)), "{text}");
    }
}

fn assert_refused(text: &str, id: Option<&str>) {
    let Err(error @ DecodeError::Invalid { .. }) = read(text) else {
        panic!("{text}")
    };
    assert_eq!(error.id().map(RequestId::as_raw), id, "{text}");
    assert_eq!(error.code(), code::INVALID_REQUEST);
}

#[test]
fn a_wrong_id_is_refused_and_not_given_back() {
    for text in [
        r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1e-3,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1e999,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":[1],"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"i\u0064":2,"method":"x"}"#,
        "{}",
        "7",
        "null",
    ] {
        assert_refused(text, None);
    }
}

#[test]
fn what_is_no_message_is_refused_with_its_id() {
    for rest in [
        r#""jsonrpc":"2.0","method":"x","method":"y""#,
        r#""jsonrpc":"2.0","params":{},"method":"x","params":{}"#,
        r#""jsonrpc":"2.0","jsonrpc":"2.0","method":"x""#,
        r#""method":"x""#,
        r#""jsonrpc":"1.0","method":"x""#,
        r#""jsonrpc":2.0,"method":"x""#,
        r#""jsonrpc":"2.0","method":7"#,
        r#""jsonrpc":"2.0","method":"\ud800""#,
        r#""jsonrpc":"2.0","method":"x","params":7"#,
        r#""jsonrpc":"2.0","method":"x","params":"{}""#,
        r#""jsonrpc":"2.0""#,
        r#""jsonrpc":"2.0","result":1,"error":{}"#,
        r#""jsonrpc":"2.0","method":"x","result":1"#,
        r#""jsonrpc":"2.0","method":"x","error":{}"#,
        r#""jsonrpc":"2.0","error":null"#,
        r#""jsonrpc":"2.0","error":"bad""#,
    ] {
        assert_refused(&format!("{{\"id\":1,{rest}}}"), Some("1"));
        assert_refused(&format!("{{{rest},\"id\":\"a\"}}"), Some("\"a\""));
    }
}

#[test]
fn a_notification_may_write_its_absent_id_as_null() {
    let line = r#"{"jsonrpc":"2.0","id":null,"method":"notifications/progress","params":{}}"#;
    let Ok(Message::Notification(told)) = decode(&Bytes::from_static(line.as_bytes())) else {
        panic!("a notification");
    };
    assert_eq!(&*told.method, "notifications/progress");
    let request = r#"{"jsonrpc":"2.0","id":null,"method":"tools/call"}"#;
    assert!(decode(&Bytes::from_static(request.as_bytes())).is_err());
}

#[test]
fn a_null_beside_a_result_or_an_error_says_nothing() {
    for (rest, wanted) in [
        (r#""result":{"a":1},"error":null"#, Ok(r#"{"a":1}"#)),
        (r#""error":{"code":1},"result":null"#, Err(r#"{"code":1}"#)),
        (r#""error":null,"result":null"#, Ok("null")),
        (r#""result":null"#, Ok("null")),
    ] {
        let message = read(&format!(r#"{{"jsonrpc":"2.0","id":1,{rest}}}"#)).unwrap();
        let Message::Response(response) = message else {
            panic!("{message}")
        };
        let wanted = wanted.map(Bytes::from).map_err(Bytes::from);
        assert_eq!(response.outcome, wanted, "{rest}");
    }
}

#[test]
fn batches_are_named_as_such() {
    for text in ["[]", r#" [{"jsonrpc":"2.0","id":1,"method":"x"}]"#] {
        let error = read(text).unwrap_err();
        assert_eq!(error.code(), code::INVALID_REQUEST);
        assert!(
            error.to_string().contains("batches are not supported"),
            "{error}"
        );
    }
}

#[test]
fn what_is_no_json_is_a_parse_error() {
    for text in [
        "",
        " ",
        "[1,",
        "{",
        "{]",
        "nonsense",
        "{\"a\":1}{}",
        "\u{feff}{}",
        "{\"a\":01}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\q\"}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":1,}",
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, DecodeError::Parse(_)), "{text:?}: {error}");
        assert_eq!(error.code(), code::PARSE_ERROR);
    }
    let error = decode(&Bytes::from_static(b"{\"a\":\"\xff\"}")).unwrap_err();
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

#[test]
fn refusals_are_answered() {
    let told = read(r#"{"jsonrpc":"2.0","id":"a","method":7}"#)
        .unwrap_err()
        .response();
    assert_eq!(
        told,
        r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32600,"message":"the message is not valid JSON-RPC: the member 'method' must be a string"}}"#
    );
    let told = read("{").unwrap_err().response();
    assert!(told.starts_with(br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"#));
}

#[test]
fn a_large_body_is_not_copied() {
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(1 << 20));
    let input = request(1, "tools/call", Some(body.as_bytes()));
    let Ok(Message::Request(read)) = decode(&input) else {
        panic!("a request")
    };
    let params = read.params.unwrap();
    assert_eq!(params, body);
    assert!(
        input.as_ptr_range().contains(&params.as_ptr()),
        "a slice of the input"
    );
}

#[test]
fn depth_is_no_danger() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{deep}}}"#);
    assert!(read(&text).is_ok());
}

#[test]
fn messages_are_written_on_one_line() {
    let body = b"{\n\"a\":\r\n \"\\n\"}";
    assert_eq!(
        request(7, "a\"b", None),
        r#"{"jsonrpc":"2.0","id":7,"method":"a\"b"}"#
    );
    assert_eq!(
        request(7, "x", Some(body)),
        r#"{"jsonrpc":"2.0","id":7,"method":"x","params":{"a": "\n"}}"#
    );
    assert_eq!(notification("x", None), r#"{"jsonrpc":"2.0","method":"x"}"#);
    assert_eq!(
        notification("x", Some(body)),
        r#"{"jsonrpc":"2.0","method":"x","params":{"a": "\n"}}"#
    );
    assert_eq!(
        result(&id("\"q\""), body),
        r#"{"jsonrpc":"2.0","id":"q","result":{"a": "\n"}}"#
    );
    let object = error_object(code::BUSY, "too \"busy\"");
    assert_eq!(object, r#"{"code":-32003,"message":"too \"busy\""}"#);
    assert_eq!(
        error(Some(&id("1")), &object),
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"too \"busy\""}}"#
    );
    assert_eq!(
        error(None, b"{}"),
        r#"{"jsonrpc":"2.0","id":null,"error":{}}"#
    );
}

#[test]
fn ids_are_strings_and_integers() {
    for good in [
        "0",
        "-0",
        "-12",
        "99999999999999999999999",
        "\"\"",
        r#""\"""#,
        "\"é\"",
        "1.0",
        "-1.5E+1",
        "1e3",
    ] {
        assert_eq!(id(good).to_string(), good);
    }
    for bad in [
        "", "-", "01", "+1", "1.5", "1e-1", "1.", "1e", ".1", "null", "true", "{}", "\"",
        "\"a\"b\"", " 1", "\"a\" ", "\"\n\"",
    ] {
        assert_eq!(RequestId::from_raw(bad), None, "{bad:?}");
    }
    assert_eq!(RequestId::from_number(17).as_number(), Some(17));
    assert_eq!(id("\"17\"").as_number(), Some(17));
    assert_eq!(id("\"x\"").as_number(), None);
    assert_eq!(id("-1").as_number(), None);
    assert_eq!(id("1.70e1").as_number(), Some(17));
}

#[test]
fn messages_print_without_their_bodies() {
    for (text, wanted) in [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a\nb","params":{"secret":1}}"#,
            r#"request 1 "a\nb" (12 bytes)"#,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"x"}"#,
            r#"notification "x" (0 bytes)"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"a","result":"secret"}"#,
            r#"result of "a" (8 bytes)"#,
        ),
        (r#"{"jsonrpc":"2.0","error":{}}"#, "error of null (2 bytes)"),
    ] {
        assert_eq!(read(text).unwrap().to_string(), wanted);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode(&Bytes::from(bytes)).ok();
    }

    #[test]
    fn no_text_like_a_message_makes_it_panic(
        text in r#"\{("(jsonrpc|id|method|params|result|error)"|:|,|"2.0"|[\[\]{}"\\0-9eu. ]){0,20}\}?"#,
    ) {
        read(&text).ok();
    }

    #[test]
    fn what_is_written_is_read_back(number in any::<u64>(), method in any::<String>(), text in any::<String>()) {
        let failure = error_object(code::TIMEOUT, &text);
        let answer = Response { id: Some(RequestId::from_number(number)), outcome: Err(failure.clone()) };
        let line = error(answer.id.as_ref(), &failure);
        prop_assert_eq!(decode(&line), Ok(Message::Response(answer)));
        let asked = Request { id: RequestId::from_number(number), method: method.as_str().into(), params: Some(failure.clone()) };
        let line = request(number, &method, Some(&failure));
        prop_assert!(!line.contains(&b'\n'));
        prop_assert_eq!(decode(&line), Ok(Message::Request(asked)));
    }
}

#[test]
fn the_code_of_an_error_is_read_if_it_is_one() {
    for (error, wanted) in [
        (r#"{"message":"x","code":-32601}"#, Some(-32601)),
        (r#"{"code":"-32601"}"#, None),
        ("{}", None),
        ("[]", None),
    ] {
        assert_eq!(code::of(error.as_bytes()), wanted, "{error}");
    }
}

#[test]
fn an_id_is_not_long() {
    let longest = format!("\"{}\"", "x".repeat(1022));
    assert!(RequestId::from_raw(&longest).is_some());
    assert_eq!(RequestId::from_raw(&longest.replacen('x', "xx", 1)), None);
    assert_eq!(RequestId::from_raw(&"1".repeat(1025)), None);
}

#[test]
fn members_that_are_null_say_nothing() {
    let answer = |outcome| {
        Ok(Message::Response(Response {
            id: Some(id("5")),
            outcome,
        }))
    };
    let text = r#"{"jsonrpc":"2.0","id":5,"method":null,"params":null,"result":{},"error":null}"#;
    assert_eq!(read(text), answer(Ok("{}".into())));
    let text = r#"{"jsonrpc":"2.0","id":5,"method":null,"result":null,"error":{}}"#;
    assert_eq!(read(text), answer(Err("{}".into())));
    let text = r#"{"jsonrpc":"2.0","id":5,"result":null,"error":null}"#;
    assert_eq!(read(text), answer(Ok("null".into())));
    let both = r#"{"jsonrpc":"2.0","id":5,"method":"x","result":{}}"#;
    let error = decode(&both.to_owned().into()).unwrap_err();
    assert_eq!(
        error.answers(),
        Some(&id("5")),
        "whoever waits for it is told"
    );
}
