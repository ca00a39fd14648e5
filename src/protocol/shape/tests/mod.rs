//! What the official SDKs take and refuse, case by case: each was shown to both.

mod answers;
mod entries;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Fault, Fit, answers as of_answers, entries as of_entries, halves};
use crate::protocol::Era;
use crate::protocol::mcp::item::Kind;

/// The entry as it is passed on, or why it is not.
fn entry(kind: Kind, text: &str) -> Result<String, String> {
    told(text, of_entries::check(kind, text))
}

fn answer(method: &str, text: &str) -> Result<String, String> {
    told(text, of_answers::check(Era::Legacy, method, text))
}

fn told(text: &str, checked: Result<Fit, Fault>) -> Result<String, String> {
    match checked.map_err(|fault| fault.to_string())? {
        Fit::Right => Ok(text.to_owned()),
        Fit::Mended { text, .. } => Ok(String::from_utf8(text.to_vec()).unwrap()),
    }
}

/// A tool with these members more.
fn tool(members: &str) -> Result<String, String> {
    let text = format!(r#"{{"name":"t","inputSchema":{{"type":"object"}},{members}}}"#);
    entry(Kind::Tools, &text)
}

/// A JSON value that is often almost a tool.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1e9".to_owned()),
        Just(r#""object""#.to_owned()),
        Just(r#""a\"]}""#.to_owned()),
    ];
    let name = prop_oneof![
        Just("name"),
        Just("inputSchema"),
        Just("type"),
        Just("title"),
        Just("properties"),
        Just("annotations"),
        Just("icons"),
        Just("src"),
        Just("x"),
        Just("content"),
        Just("_meta"),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let members = prop::collection::vec((name.clone(), inner.clone(), "[ \\n]{0,2}"), 0..6);
        let object = members.prop_map(|members| {
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value, space)| format!("{space}\"{name}\"{space}:{value}{space}"))
                .collect();
            format!("{{{}}}", members.join(","))
        });
        let list = prop::collection::vec(inner, 0..4)
            .prop_map(|values| format!("[ {}]", values.join(" ,")));
        prop_oneof![3 => object, 1 => list]
    })
}

proptest! {
    #[test]
    fn what_is_passed_on_is_json_and_right(text in json()) {
        for kind in Kind::ALL {
            if let Ok(Fit::Mended { text, .. }) = of_entries::check(kind, &text) {
                let text = std::str::from_utf8(&text).unwrap().to_owned();
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
                prop_assert_eq!(of_entries::check(kind, &text), Ok(Fit::Right));
            }
        }
        if let Ok(Fit::Mended { text, .. }) = of_answers::check(Era::Legacy, "tools/call", &text) {
            let text = std::str::from_utf8(&text).unwrap().to_owned();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            prop_assert_eq!(of_answers::check(Era::Legacy, "tools/call", &text), Ok(Fit::Right));
        }
    }

    #[test]
    fn whatever_it_is_nothing_breaks(text in "[\\[\\]{}\":,\\\\ antyped1]{0,60}") {
        for kind in Kind::ALL {
            drop(of_entries::check(kind, &text));
        }
        drop(of_answers::check(Era::Legacy, "prompts/get", &text));
        drop(halves::mended(&Bytes::from(text)));
    }
}
