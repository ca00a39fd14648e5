//! Names as marketplaces and people write them, and entries that have none.

use super::{entries, load, problems};

fn called(names: &[&str]) -> String {
    let list: Vec<_> = names
        .iter()
        .map(|name| {
            format!(
                r#"{}: {{"command": "x"}}"#,
                serde_json::to_string(name).unwrap()
            )
        })
        .collect();
    entries(&load(&format!(
        r#"{{"mcpServers": {{{}}}}}"#,
        list.join(", ")
    )))
    .join(" ")
}

#[test]
fn a_name_is_made_of_what_is_none() {
    for (written, name) in [
        ("Brave Search", "Brave-Search"),
        ("@21st-dev/magic", "21st-dev-magic"),
        ("io.github.user/server", "io-github-user-server"),
        (
            "github.com/modelcontextprotocol/servers/tree/main/src/time",
            "tree-main-src-time",
        ),
        (
            "https://github.com/modelcontextprotocol/a-server-of-many-words/",
            "a-server-of-many-words",
        ),
        ("a__b", "a_b"),
        ("中文", "server-72726d88"),
        ("!!!", "server-e84c538e"),
    ] {
        assert_eq!(called(&[written]), name, "{written}");
    }
    assert_eq!(called(&[&"x".repeat(80)]), "x".repeat(64));
    assert_eq!(called(&[""]), "");
}

#[test]
fn a_made_name_takes_nobodys_and_is_the_same_again() {
    let made = called(&["a b", "a.b", "a-b"]);
    let [first, second, third] = &made.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{made}");
    };
    assert!(first.starts_with("a-b-") && second.starts_with("a-b-") && first != second);
    assert_eq!(*third, "a-b", "what is written is as it is written");
    assert_eq!(called(&["a b", "a.b"]), format!("a-b {second}"));
    assert_eq!(called(&["a b", "a b"]), "a-b", "the second of a name");
}

#[test]
fn it_is_said_once_and_the_entry_runs() {
    let parsed = load(r#"{"mcpServers": {"Brave Search": {"command": "x"}}}"#);
    insta::assert_snapshot!(problems(&parsed).join("\n"), @"warning at line 1, column 17 (mcpServers['Brave Search']): 'Brave Search' is called 'Brave-Search': a name has only letters, digits, '_' and '-'; ' ' is none of them");
}

#[test]
fn an_entry_without_a_name_of_its_own_is_counted() {
    let parsed = load(
        r#"{"servers": [
  {"command": "x"},
  {"name": "", "command": "x"},
  {"name": "a", "command": "x"},
  {"name": "a", "command": "x"},
  {"command": "x", "enabled": false},
  5
]}"#,
    );
    let nameless: Vec<_> = parsed
        .config
        .nameless
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        nameless,
        [
            "servers[0] (line 2)",
            "'' (line 3)",
            "'a' (line 5)",
            "servers[5] (line 7)"
        ]
    );
    assert_eq!(entries(&parsed), ["a"]);
}
