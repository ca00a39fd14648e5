//! Pages: all of a server's, whatever its cursors look like, and the gateway's own where a merged list is long.

use std::collections::HashSet;

use serde_json::Value;

use super::{ask, drive, list, offering};
use crate::support::both::{join, serve};
use crate::support::client::Transport;
use crate::support::servers::{bare, error_code, tool_names};

const LISTS: [(&str, &str); 4] = [
    ("tools/list", "name"),
    ("prompts/list", "name"),
    ("resources/list", "uri"),
    ("resources/templates/list", "uriTemplate"),
];

on_both_transports!(
    all_pages_of_all_lists_are_drained,
    a_long_list_is_whole,
    a_cursor_of_somebody_else_is_an_error,
    a_list_is_answered_without_its_servers,
);

async fn all_pages_of_all_lists_are_drained<T: Transport>() {
    let many = [
        "--tools=30",
        "--prompts=7",
        "--resources=9",
        "--templates=5",
        "--page-size=2",
    ];
    let empty = [many.as_slice(), &["--empty-cursor"]].concat();
    let (_gateway, client) = serve::<T>(&[offering("a", &many), offering("b", &empty)]).await;
    let flags = ["--offers", "--tools=30"];
    let tools = tool_names(&bare(&flags, &[r#"{"id":1,"method":"tools/list"}"#])[0]).len();
    for ((method, member), of_each) in LISTS.into_iter().zip([tools, 7, 9, 5]) {
        let all = list(&client, method, member).await;
        for server in ["a", "b"] {
            let own = all.iter().filter(|name| name.starts_with(server)).count();
            assert_eq!(own, of_each, "{method} of {server}");
        }
    }
}

async fn a_long_list_is_whole<T: Transport>() {
    let many = ["--prompts=3000", "--resources=3000", "--templates=1500"];
    let (_gateway, client) = serve::<T>(&[offering("a", &many), offering("b", &many)]).await;
    for ((method, member), count) in LISTS[1..].iter().zip([6000, 6000, 3000]) {
        let all = list(&client, method, member).await;
        assert_eq!(all.len(), count, "{method}");
        let distinct: HashSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), count, "{method}");
        assert!(
            all.is_sorted_by_key(|name| !name.starts_with('a')),
            "{method}"
        );
    }
}

async fn a_cursor_of_somebody_else_is_an_error<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &["--page-size=1"])]).await;
    for (method, _) in LISTS {
        for cursor in [r#""1""#, r#""nonsense""#, "7"] {
            let params = format!(r#"{{"cursor":{cursor}}}"#);
            let answer = ask(&client, method, &params).await;
            assert_eq!(
                error_code(&answer),
                -32602,
                "{method} {cursor}: {answer:.300}"
            );
        }
    }
}

/// Each server was asked once, at its start, however many clients list however often.
async fn a_list_is_answered_without_its_servers<T: Transport>() {
    let (gateway, client) = serve::<T>(&[offering("a", &[]), offering("b", &[])]).await;
    let other = join::<T>(&gateway).await;
    for _ in 0..20 {
        for (method, member) in LISTS {
            assert!(!list(&client, method, member).await.is_empty(), "{method}");
            assert!(!list(&other, method, member).await.is_empty(), "{method}");
        }
    }
    for server in ["a", "b"] {
        for (method, _) in LISTS {
            let received = format!("{server}__received");
            let arguments = format!(r#"{{"method":"{method}"}}"#);
            let seen = drive(&client, &received, &arguments).await;
            let seen: Vec<Value> = serde_json::from_str(&seen).expect("a list of params");
            assert_eq!(seen.len(), 1, "{server}: {method}: {seen:?}");
        }
    }
}
