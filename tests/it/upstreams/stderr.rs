//! stderr is logged under the server's name. What is too much of it, or harmful, is the fault suite's matter.

use serde_json::json;

use super::{SOON, logged};
use crate::support::client::SseClient;
use crate::support::servers::{fixture, gateway, serve_ready};

async fn say(client: &SseClient, stderr: &str) {
    let arguments = json!({ "stderr": stderr }).to_string();
    client.call_tool("a__echo", &arguments).await;
}

#[tokio::test]
async fn it_is_logged_under_the_name_of_its_server() {
    let (gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    say(
        &client,
        "first line\nsecond línea\r\n\n   \nlast, without an end",
    )
    .await;
    for line in ["first line", "second línea"] {
        let logged = gateway.wait_for_log(line, SOON).await;
        let wanted = format!("[INFO] Server 'a' stderr: {line}");
        assert!(logged.ends_with(&wanted), "{logged:?}");
    }
    say(&client, "\n").await;
    gateway
        .wait_for_log("stderr: last, without an end", SOON)
        .await;
    let all = logged(&gateway, &["stderr:"]);
    assert_eq!(all.len(), 3, "blank lines are not logged: {all:#?}");
}

/// Why a server ends is what its user looks for, and stands on stderr. Many at once: what is said
/// last and the end itself are seen by different tasks, in either order.
#[tokio::test]
async fn what_a_server_says_last_is_logged_before_its_end() {
    let dying = |number: usize| {
        let script = format!("echo 'reason {number}.' >&2; exit 3");
        json!({ "name": format!("s{number}"), "command": "sh", "args": ["-c", script] })
    };
    let entries: Vec<_> = (0..24).map(dying).collect();
    let gateway = gateway(&entries).await;
    for number in 0..24 {
        let end = format!("'s{number}' exited with code 3");
        gateway.wait_for_log(&end, SOON).await;
        let lines = gateway.logs();
        let first = |part: &str| lines.iter().position(|line| line.contains(part));
        let reason = first(&format!("'s{number}' stderr: reason {number}."));
        assert!(
            reason.is_some_and(|at| Some(at) < first(&end)),
            "{lines:#?}"
        );
    }
}
