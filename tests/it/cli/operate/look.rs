//! `status`, `tools` and `call`: of the gateway here, and of one by its URL.

use std::fs;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{
    NOT_READY, SOON, Said, UNAVAILABLE, UNKNOWN, WRONG_ARGUMENTS, ask, gateway, json_of, run,
};
use crate::cli::command;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::fixtures;
use crate::support::{proc, wait};

const TOKEN: &str = "a-token-of-some-length";

fn raw(result: &Value) -> String {
    json!({ "result": result }).to_string()
}

#[tokio::test]
async fn a_table_has_every_server_and_json_all_that_is_known() {
    let gateway = gateway(&[]).await;
    let said = ask(&gateway, &["status"]);
    assert_eq!((said.code, &*said.stderr), (Some(0), ""));
    for part in [
        "mcproxy 0.",
        ", ready, up ",
        "SERVER  STATE",
        "●  demo    ready",
        "2 servers, 2 ready",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    assert!(!said.stdout.contains('\u{1b}'), "no colours in a pipe");
    let all = json_of(&ask(&gateway, &["status", "--json"]));
    assert_eq!(all["servers"].as_array().unwrap().len(), 2);

    let one = ask(&gateway, &["status", "fx"]);
    assert_eq!(one.code, Some(0), "{}", one.stderr);
    for part in ["● fx: ready", "process  pid ", "tools  13, "] {
        assert!(one.stdout.contains(part), "{part}: {}", one.stdout);
    }
    assert_eq!(
        json_of(&ask(&gateway, &["status", "fx", "--json"]))["server"]["name"],
        "fx"
    );
    let none = ask(&gateway, &["status", "nope"]);
    assert_eq!((none.code, &*none.stdout), (Some(UNKNOWN), ""));
    let expected = "error: no server is called 'nope'; there are: demo, fx\n";
    assert_eq!(none.stderr, expected);
}

#[tokio::test]
async fn a_server_that_is_not_ready_is_an_exit_code() {
    let config = r#"[{ "name": "bad", "command": "/nonexistent/server" }]"#;
    let gateway = Gateway::start(GatewayOptions::new(config)).await;
    ask(&gateway, &["restart", "bad"]);
    let said = ask(&gateway, &["status", "bad"]);
    assert_eq!(said.code, Some(NOT_READY));
    assert!(
        said.stdout.contains("why  could not be started"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("failed 1 time in a row"),
        "{}",
        said.stdout
    );
}

#[tokio::test]
async fn tools_are_listed_with_what_they_cost() {
    let gateway = gateway(&[]).await;
    let all = ask(&gateway, &["tools"]);
    assert!(all.stdout.contains("\n18 tools, "), "{}", all.stdout);
    let some = ask(&gateway, &["tools", "fx__s*"]);
    let names = some.stdout.lines().filter(|line| line.starts_with("fx__"));
    assert_eq!(names.count(), 2, "{}", some.stdout);
    assert!(
        some.stdout.contains("A tool of the fixture."),
        "{}",
        some.stdout
    );
    let listed = json_of(&ask(&gateway, &["tools", "demo__add", "--json"]));
    assert_eq!(listed[0]["name"], "demo__add");
    assert!(listed[0]["tokens"].as_u64().unwrap() > 20, "{listed}");
    let none = ask(&gateway, &["tools", "nothing*"]);
    assert_eq!(
        (none.code, &*none.stdout),
        (Some(0), "0 tools, 0 B, about 0 tokens\n")
    );
}

#[tokio::test]
async fn a_tool_is_called_and_its_texts_are_printed() {
    let gateway = gateway(&[]).await;
    let printed = |said: &Said| (said.code, said.stdout.clone());
    let sum = ask(&gateway, &["call", "demo__add", r#"{"a":2,"b":40}"#]);
    assert_eq!(
        printed(&sum),
        (Some(0), "42\n".to_owned()),
        "{}",
        sum.stderr
    );
    let failed = ask(&gateway, &["call", "demo__fail"]);
    assert_eq!(failed.code, Some(1), "{}", failed.stdout);
    let result = json!({ "content": [], "structuredContent": { "a": [1.10] }, "isError": true });
    let structured = ask(&gateway, &["call", "fx__raw", &raw(&result)]);
    assert_eq!(structured.code, Some(1));
    assert!(structured.stdout.contains("\"a\""), "{}", structured.stdout);
    let whole = ask(&gateway, &["call", "fx__raw", &raw(&result), "--json"]);
    assert_eq!((whole.code, json_of(&whole)), (Some(1), result));
    let unknown = ask(&gateway, &["call", "fx__nothing"]);
    assert_eq!((unknown.code, &*unknown.stdout), (Some(1), ""));
    for wrong in ["[1]", "{", "1", ""] {
        let said = ask(&gateway, &["call", "fx__echo", wrong]);
        assert_eq!(said.code, Some(WRONG_ARGUMENTS), "{wrong}");
        assert!(
            said.stderr.contains("a JSON object, such as"),
            "{}",
            said.stderr
        );
    }
}

#[tokio::test]
async fn what_is_no_text_becomes_a_file_that_is_named() {
    let gateway = gateway(&[]).await;
    let content = json!({ "content": [
        { "type": "image", "data": "aGVsbG8=", "mimeType": "image/png" },
        { "type": "audio", "data": "YQ==", "mimeType": "audio/wav" },
        { "type": "resource", "resource": { "uri": "a://b", "blob": "Yg==", "mimeType": "application/pdf" } },
        { "type": "resource", "resource": { "uri": "a://b", "text": "plain" } },
        { "type": "resource_link", "uri": "a://c", "name": "c" },
    ] });
    let call = |output: &[&str]| {
        let content = raw(&content);
        ask(&gateway, &[&["call", "fx__raw", &content], output].concat())
    };
    let said = call(&[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for part in [
        "./fx__raw-1.png (5 B, image/png)\n",
        "./fx__raw-1.wav (1 B, audio/wav)\n",
        "./fx__raw-1.pdf (1 B, application/pdf)\n",
        "\nplain\n",
        "c: a://c\n",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    assert_eq!(
        fs::read(gateway.home().join("fx__raw-1.png")).unwrap(),
        b"hello"
    );
    assert!(
        call(&[]).stdout.contains("./fx__raw-2.png"),
        "none is overwritten"
    );
    assert!(
        call(&["--output", "shots"])
            .stdout
            .contains("shots/fx__raw-1.png")
    );
    let broken = json!({ "content": [{ "type": "image", "data": "%", "mimeType": "image/png" }] });
    let said = ask(&gateway, &["call", "fx__raw", &raw(&broken)]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("no base64"), "{}", said.stderr);
}

#[tokio::test]
async fn another_gateway_is_asked_by_its_url() {
    let options = GatewayOptions::new(fixtures(&[("fx", &[])])).env("MCPROXY_TOKEN", TOKEN);
    let gateway = Gateway::start(options).await;
    super::ready(&gateway, "fx").await;
    let token = gateway.home().join("token");
    fs::write(&token, format!("# mine\n{TOKEN}\n")).unwrap();
    let (root, token) = (
        format!("http://{}", gateway.addr()),
        token.display().to_string(),
    );
    let elsewhere = |args: &[&str]| run(gateway.home(), args, &[]);
    for url in [root.clone(), format!("{root}/mcp")] {
        for args in [
            &["status"][..],
            &["tools"],
            &["call", "fx__echo", r#"{"text":"x"}"#],
        ] {
            let at = ["--url", &url, "--token-file", &token];
            let said = elsewhere(&[args, &at].concat());
            assert_eq!(said.code, Some(0), "{args:?} at {url}: {}", said.stderr);
        }
    }
    let refused = elsewhere(&["status", "--url", &root]);
    assert_eq!((refused.code, &*refused.stdout), (Some(UNAVAILABLE), ""));
    assert!(
        refused.stderr.contains("--token-file"),
        "{}",
        refused.stderr
    );
    let alone = elsewhere(&["status", "--token-file", &token]);
    assert_eq!(alone.code, Some(WRONG_ARGUMENTS));
}

#[test]
fn where_none_runs_one_line_says_where_it_was_looked() {
    let here = tempfile::tempdir().unwrap();
    let home = here.path().display().to_string();
    let env = [("HOME", home.as_str()), ("XDG_RUNTIME_DIR", home.as_str())];
    for args in [
        &["status"][..],
        &["tools"],
        &["call", "x"],
        &["logs", "x"],
        &["restart", "x"],
        &["reload"],
    ] {
        let said = run(here.path(), args, &env);
        assert_eq!(
            (said.code, &*said.stdout),
            (Some(UNAVAILABLE), ""),
            "{args:?}"
        );
        assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
        for place in [
            "mcproxy: not there",
            ".local/state/mcproxy/control: not there",
        ] {
            assert!(
                said.stderr.contains(&format!("{home}/{place}")),
                "{}",
                said.stderr
            );
        }
    }
}

#[tokio::test]
async fn a_call_that_is_interrupted_is_cancelled() {
    let gateway = gateway(&[]).await;
    let state = gateway.state_dir().display().to_string();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let args = ["call", "fx__sleep", r#"{"ms":600000}"#];
        let mut call = command(gateway.home(), &args, &[("MCPROXY_STATE_DIR", &state)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let in_flight = async |count: i64| {
            wait::until("the calls to be so many", SOON, async || {
                let all = json_of(&ask(&gateway, &["status", "--json"]));
                let found = (&all["calls_in_flight"], &all["sessions"]["open"]);
                (found == (&json!(count), &json!(count))).then_some(())
            })
            .await;
        };
        in_flight(1).await;
        proc::send(call.id(), signal);
        let ended = wait::until("the command to end", SOON, async || {
            call.try_wait().unwrap()
        });
        assert_eq!(ended.await.code(), Some(130), "{signal}");
        in_flight(0).await;
    }
}

#[tokio::test]
async fn a_block_that_cannot_be_read_costs_no_other() {
    let gateway = gateway(&[]).await;
    let result = json!({ "content": [
        { "type": "image", "data": "?", "mimeType": "image/png" },
        { "type": "text", "text": "after it" },
    ] });
    let call = ["call", "fx__raw", &raw(&result), "--timeout", "30s"];
    let said = ask(&gateway, &call);
    assert_eq!(
        (said.code, &*said.stdout),
        (Some(1), "after it\n"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains("image/png is no base64"),
        "{}",
        said.stderr
    );
}

#[tokio::test]
async fn what_is_edited_or_connected_is_compared_with_the_running_gateway() {
    let gateway = gateway(&[]).await;
    let here = tempfile::tempdir().unwrap();
    let state = gateway.state_dir().display().to_string();
    let env = [("MCPROXY_STATE_DIR", &*state), ("PATH", "/usr/bin:/bin")];
    let add = |file: &str| {
        run(
            here.path(),
            &["add", "new", "--config", file, "--", "sh"],
            &env,
        )
    };
    let used = gateway.config_path().display().to_string();
    let other = add("mine.json");
    assert_eq!(other.code, Some(0), "{}", other.stderr);
    let note = format!("note: the gateway that runs here uses another file: {used}\n");
    assert!(other.stderr.contains(&note), "{}", other.stderr);
    let same = add(&used);
    assert_eq!((same.code, &*same.stderr), (Some(0), ""));

    let address = gateway.addr().to_string();
    let said = run(here.path(), &["connect", "claude"], &env);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.stdout.contains(&format!("http://{address}/mcp")),
        "{}",
        said.stdout
    );
    let said = run(here.path(), &["connect", "claude", "--listen", ":1"], &env);
    assert!(
        said.stdout.contains("http://127.0.0.1:1/mcp"),
        "{}",
        said.stdout
    );
}
