//! Tests of the recovery: found where it is certain, and never anything that is not the line's own.

use bytes::Bytes;
use memchr::memmem;
use proptest::prelude::*;

use super::super::super::jsonrpc::{Message, decode};
use super::*;

/// The line as the upstream actor gets it when only `size` bytes of each end were kept.
fn recovered(line: &[u8], size: usize) -> Option<u64> {
    let size = size.min(line.len());
    recover_id(&line[..size], &line[line.len() - size..])
}

#[test]
fn found_at_the_beginning_or_the_end() {
    let long = "x".repeat(9000);
    for line in [
        format!(r#"{{"jsonrpc":"2.0","id":17,"result":{{"text":"{long}"}}}}"#),
        format!(r#" {{ "id" : "17" , "error" : {{"message":"{long}"}} , "jsonrpc":"2.0" }} "#),
        format!(r#"{{"jsonrpc":"2.0","result":{{"text":"{long}"}},"id":17}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":17.0,"result":{{"text":"{long}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","result":{{"text":"{long}"}} , "id" : "17" }} "#),
        format!(r#"{{"result":["{long}\\\""],"id":17,"jsonrpc":"2.0","x":"a \" \\","y":-1.5}}"#),
        format!(r#"{{"result":[{{"id":3}}, "\"id\":4", NaN, "{long}"],"id":17}}"#),
    ] {
        assert_eq!(recovered(line.as_bytes(), 4096), Some(17), "{line:.80}");
    }
}

#[test]
fn bytes_that_are_no_text_or_no_json_do_not_hide_it() {
    let line =
        b"{\"jsonrpc\":\"2.0\",\"id\":17,\"result\":{\"a\":\"\xff\xfe\",\"b\":NaN,\"c\":\"\\q\"}}";
    assert_eq!(recovered(line, 4096), Some(17));
    assert_eq!(recover_id(line, b""), Some(17));
    let broken = br#"{"jsonrpc":"2.0","id":17,"result":}"#;
    assert_eq!(recovered(broken, 4096), Some(17));
}

#[test]
fn what_is_not_certain_is_no_id() {
    let long = "x".repeat(9000);
    for line in [
        // The id of something else.
        format!(r#"{{"jsonrpc":"2.0","result":{{"id":17,"text":"{long}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","result":{{"text":"{long}","id":17}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","result":"{long}\",\"id\":17}}"}}"#),
        format!(r#"{{"jsonrpc":"2.0","result":"{long}, \"id\":17"}}"#),
        // No response.
        format!(
            r#"{{"jsonrpc":"2.0","id":17,"method":"sampling/createMessage","params":"{long}"}}"#
        ),
        format!(r#"{{"jsonrpc":"2.0","params":{{"text":"{long}"}},"method":"x","id":17}}"#),
        format!(r#"{{"jsonrpc":"2.0","result":"{long}","method":"x","id":17,"method":"x"}}"#),
        format!(r#"{{"x":"{long}","id":17}}"#),
        r#"{"jsonrpc":"2.0","id":17,"result":{},"method":"x"}"#.to_owned(),
        // No JSON-RPC line, or two in one.
        format!(r#"{{"jsonrpc":"2.0","result":{{}}}}{{"text":"{long}","id":17}}"#),
        format!(r#"debug: sent {{"jsonrpc":"2.0","id":17,"result":"{long}"}}"#),
        format!(r#"[{{"jsonrpc":"2.0","id":17,"result":"{long}"}}]"#),
        r#"{"jsonrpc":"2.0","result":{},"id":17"#.to_owned(),
        r#"{"jsonrpc":"2.0","result":{"a":1,"id":17}"#.to_owned(),
        // No number of ours, or two.
        format!(r#"{{"id":17.5,"result":"{long}"}}"#),
        format!(r#"{{"id":null,"result":"{long}"}}"#),
        format!(r#"{{"id":"{long}","result":1}}"#),
        r#"{"id":17,"result":1,"id":18}"#.to_owned(),
        r#"{"id":17"#.to_owned(),
        String::new(),
    ] {
        assert_eq!(recovered(line.as_bytes(), 4096), None, "{line:.80}");
    }
}

/// A response with its members in any order and ids that are not its own inside them.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop_oneof![
        Just(r#"{"id":5,"text":"\"id\":6}"}"#.to_owned()),
        Just(r#"[1.10,{"id":7}]"#.to_owned()),
        Just("{\"a\":[[\"}\",\",\\\"id\\\":8\"]]}".to_owned()),
        "[a-z]{0,60}".prop_map(|text| format!("\"{text}\\\\\\\",\\\"id\\\":9}}\"")),
    ];
    let id = prop_oneof![
        any::<u64>().prop_map(|id| id.to_string()),
        any::<u64>().prop_map(|id| format!("\"{id}\"")),
    ];
    (noise.clone(), noise, id).prop_flat_map(|(body, extra, id)| {
        let members = vec![
            "\"jsonrpc\":\"2.0\"".to_owned(),
            format!("\"result\":{body}"),
            format!("\"extra\" : {extra}"),
            format!("\"id\": {id}"),
        ];
        let shuffled = Just(members).prop_shuffle();
        shuffled.prop_map(|members| format!("{{{}}}", members.join(",")).into_bytes())
    })
}

proptest! {
    #[test]
    fn agrees_with_the_whole_line_wherever_it_is_cut(line in response(), size in 0..200_usize) {
        let whole = match decode(&Bytes::from(line.clone())) {
            Ok(Message::Response(response)) => response.id.and_then(|id| id.as_number()),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert!(whole.is_some());
        prop_assert_eq!(recovered(&line, line.len()), whole);
        let cut = recovered(&line, size);
        prop_assert!(cut.is_none() || cut == whole, "{cut:?} at {size}");
    }

    #[test]
    fn no_bytes_make_it_panic(
        head in prop::collection::vec(any::<u8>(), 0..60),
        tail in "[{}\\[\\]\",:\\\\ id17]*",
    ) {
        let ends = [head.as_slice(), tail.as_bytes(), br#"{"result":"#];
        for (first, last) in ends.iter().flat_map(|head| ends.iter().map(move |tail| (head, tail))) {
            let id = recover_id(first, last).map(|id| id.to_string());
            let seen = [*first, *last].concat();
            prop_assert!(id.is_none_or(|id| memmem::find(&seen, id.as_bytes()).is_some()));
        }
    }
}
