//! `mcproxy compare`: two servers over both transports, what differs, and what is said where one of them cannot
//! be asked.

#![cfg(test)]

mod proxy;
mod stand_in;
mod tls;

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::stand_in::{StandIn, answer, html, page, reply};
use super::{MISCONFIGURED, Said, WRONG_ARGUMENTS, run};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{configuration, fixture, serve_ready};

const DIFFERENT: Option<i32> = Some(1);
/// `EX_UNAVAILABLE` of sysexits.h.
const UNAVAILABLE: Option<i32> = Some(69);

fn compare(old: &str, new: &str, more: &[&str]) -> Said {
    let here = tempfile::tempdir().unwrap();
    let args = [&["compare", "--old", old, "--new", new], more].concat();
    run(here.path(), &args, &[])
}

fn url(gateway: &Gateway, path: &str) -> String {
    format!("http://{}{path}", gateway.addr())
}

/// Lists of everything, in pages.
fn offering(more: &Value) -> Value {
    let mut entry = fixture("a", &["--offers", "--marker=a", "--uri-base=a://"]);
    for (name, value) in more.as_object().unwrap() {
        entry[name] = value.clone();
    }
    entry
}

#[tokio::test]
async fn the_same_server_is_the_same_over_every_transport() {
    let (gateway, _client) = serve_ready(&[offering(&json!({}))]).await;
    let old = url(&gateway, "/mcp");
    for path in ["/mcp", "/sse", "/metamcp/all/mcp", "/metamcp/all/sse"] {
        let said = compare(&old, &url(&gateway, path), &[]);
        assert_eq!(said.code, Some(0), "{path}: {}{}", said.stdout, said.stderr);
        assert!(
            said.stdout.ends_with("\nno difference\n"),
            "{}",
            said.stdout
        );
        for kind in ["tool", "prompt", "resource", "template"] {
            let none = format!(" 0 {kind}s");
            assert!(!said.stdout.contains(&none), "{}", said.stdout);
        }
    }
}

#[tokio::test]
async fn what_differs_is_a_table_or_json() {
    let (old, _client) = serve_ready(&[offering(&json!({}))]).await;
    let changed = json!({
        "tools": { "deny": ["abort"], "override": { "echo": { "description": "Says it again\u{1b}[31m" } } },
        "prompts": { "deny": ["*"] },
    });
    let (new, _client) = serve_ready(&[offering(&changed)]).await;
    let (old, new) = (url(&old, "/mcp"), url(&new, "/sse"));
    let said = compare(&old, &new, &[]);
    assert_eq!((said.code, &*said.stderr), (DIFFERENT, ""));
    for line in [
        "KIND",
        "tool    a__abort",
        "only in old",
        "differs: description",
        "only in old, 1 in both, not the same",
    ] {
        assert!(said.stdout.contains(line), "{line}: {}", said.stdout);
    }
    let said = compare(&old, &new, &["--json"]);
    assert_eq!(said.code, DIFFERENT);
    assert!(!said.stdout.contains('\u{1b}'), "{}", said.stdout);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["same"], false);
    assert_eq!(report["new"]["prompts"], 0);
    let found = report["differences"].as_array().unwrap();
    let of = |kind: &str, name: &str| {
        let is = |found: &&Value| found["kind"] == kind && found["name"] == name;
        found.iter().find(is).unwrap()
    };
    assert_eq!(of("tool", "a__abort")["is"], "only_in_old");
    let echo = of("tool", "a__echo");
    assert_eq!(echo["in"][0]["at"], "description");
    assert_eq!(echo["in"][0]["new"], "Says it again\u{1b}[31m");
    // The other way round.
    let said = compare(&new, &old, &["--json"]);
    assert!(said.stdout.contains("only_in_new") && !said.stdout.contains("only_in_old"));
}

const TOKEN: &str = "t0k3n-anna-0123456789";

#[tokio::test]
async fn keys_come_from_files_or_headers_and_are_not_shown() {
    let here = tempfile::tempdir().unwrap();
    let tokens = here.path().join("tokens");
    let line = format!("\u{feff}# who\n\n{TOKEN} name=anna # hers\nanother-0123456789012345\n");
    fs::write(&tokens, line).unwrap();
    let tokens = tokens.display().to_string();
    let config = configuration(&[fixture("a", &[])]);
    let options = GatewayOptions::new(config).arg("--token-file").arg(&tokens);
    let gateway = Gateway::start(options).await;
    let (mcp, sse) = (url(&gateway, "/mcp"), url(&gateway, "/sse"));
    let key = format!("x-api-key: {TOKEN}");
    let bearer = format!("Authorization:Bearer {TOKEN}");
    for more in [
        &["--token-file", &tokens][..],
        &["--header", &key],
        &["--old-header", &key, "--new-header", &bearer],
        &["--old-token-file", &tokens, "--new-token-file", &tokens],
    ] {
        let said = compare(&mcp, &sse, more);
        assert_eq!(
            said.code,
            Some(0),
            "{more:?}: {}{}",
            said.stdout,
            said.stderr
        );
        assert!(!said.stdout.contains(TOKEN));
    }
    for (more, side) in [
        (&["--old-header", &key][..], "--new"),
        (&["--new-token-file", &tokens], "--old"),
    ] {
        let said = compare(&mcp, &sse, more);
        assert_eq!((said.code, &*said.stdout), (UNAVAILABLE, ""));
        let line = format!("error: {side} http://");
        assert!(said.stderr.starts_with(&line), "{}", said.stderr);
        assert!(said.stderr.contains("status 401"), "{}", said.stderr);
        assert!(said.stderr.contains("--token-file FILE"), "{}", said.stderr);
    }
}

#[test]
fn wrong_arguments_are_explained() {
    let fine = "http://127.0.0.1:9/mcp";
    for (args, part) in [
        (&["--old", "here", "--new", fine][..], "metamcp/NAME/mcp"),
        (
            &["--old", "ftp://a/b", "--new", fine],
            "http:// or https://",
        ),
        (&["--old", fine], "--new <URL>"),
        (
            &["--old", fine, "--new", fine, "--header", "k3y"],
            "NAME:VALUE",
        ),
        (
            &["--old", fine, "--new", fine, "--header", "a b: c"],
            "no name of a header",
        ),
        (
            &["--old", fine, "--new", fine, "--header", "Accept: */*"],
            "own business",
        ),
        (
            &["--old", fine, "--new", fine, "--timeout", "0"],
            "--timeout",
        ),
        (
            &[
                "--old",
                fine,
                "--new",
                fine,
                "--timeout",
                "18446744073709551615",
            ],
            "--timeout",
        ),
        (
            &[
                "--old",
                fine,
                "--new",
                fine,
                "--new-header",
                "X-API-Key: k3y\u{1}",
            ],
            "cannot be one",
        ),
        (
            &["--old", "ftp://me:k3y@host/?k3y", "--new", fine],
            "http://",
        ),
    ] {
        let here = tempfile::tempdir().unwrap();
        let said = run(here.path(), &[&["compare"], args].concat(), &[]);
        assert_eq!(said.code, Some(WRONG_ARGUMENTS), "{args:?}");
        assert!(said.stderr.contains(part), "{args:?}: {}", said.stderr);
        // What is wrong may be a key all the same.
        assert!(!said.stderr.contains("k3y"), "{}", said.stderr);
    }
    for (file, part) in [
        ("none", "cannot read the token file none"),
        (".", "it is a directory"),
    ] {
        let said = compare(fine, fine, &["--token-file", file]);
        assert_eq!(said.code, Some(MISCONFIGURED), "{file}");
        assert!(said.stderr.contains(part), "{file}: {}", said.stderr);
    }
}

#[tokio::test]
async fn one_that_cannot_be_asked_is_named_with_the_reason() {
    let gateway = Gateway::start(GatewayOptions::new("{}")).await;
    let good = url(&gateway, "/mcp");
    let page = StandIn::start(|_| html("200 OK"));
    let moved = StandIn::start(|_| {
        "HTTP/1.1 301 Moved\r\nlocation: https://other.example/mcp?key=s3cret\r\ncontent-length: 0\r\n\r\n".to_owned()
    });
    let down = StandIn::start(|_| html("502 Bad Gateway"));
    let odd = StandIn::start(|_| "SMTP ready\r\n".to_owned());
    let nobody = "http://127.0.0.1:9/mcp".to_owned();
    let cases = [
        (
            nobody,
            "cannot be reached: Connection refused",
            "does it run",
        ),
        (
            url(&gateway, "/nowhere"),
            "status 404 Not Found: there is nothing here",
            "is the path right?",
        ),
        (
            page.url("/"),
            "is no MCP server: it answers with a web page",
            "is the path right?",
        ),
        (
            moved.url("/mcp"),
            "status 301 Moved Permanently, at https://other.example/mcp\n",
            "write that URL",
        ),
        (
            down.url("/mcp"),
            "answers with status 502 Bad Gateway\n",
            "",
        ),
        (
            odd.url("/mcp"),
            "the connection failed: invalid HTTP version",
            "https://?",
        ),
        (
            good.replace("http:", "https:"),
            "no TLS connection",
            "http:// instead of https://?",
        ),
    ];
    for (url, part, help) in cases {
        let said = compare(&good, &url, &[]);
        assert_eq!((said.code, &*said.stdout), (UNAVAILABLE, ""), "{url}");
        assert!(
            said.stderr.starts_with(&format!("error: --new {url} ")),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
        assert!(said.stderr.contains(help), "{help}: {}", said.stderr);
        assert!(!said.stderr.contains("s3cret"), "{}", said.stderr);
    }
}

#[test]
fn neither_a_query_nor_a_password_of_a_url_is_shown() {
    let secret = "http://anna:s3cret@127.0.0.1:9/mcp?api_key=s3cret";
    let said = compare(secret, secret, &[]);
    assert_eq!(said.code, UNAVAILABLE);
    assert!(
        said.stderr.contains("--old http://127.0.0.1:9/mcp cannot"),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains("s3cret"), "{}", said.stderr);
}

#[test]
fn a_hostile_server_takes_neither_time_nor_memory() {
    let endless = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_owned()
        + &"[".repeat(40 << 20);
    let bomb = StandIn::start(move |_| endless.clone());
    let circles = StandIn::start(|asked| match asked.method.as_str() {
        "initialize" => reply(asked, &answer()),
        "tools/list" => reply(asked, &page(&json!([]), Some("again"))),
        _ => "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned(),
    });
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let odd = StandIn::start(move |asked| match asked.method.as_str() {
        "initialize" => reply(asked, &answer()),
        "tools/list" => reply(
            asked,
            &format!(r#"{{"tools":[{{"name":"a","x":{deep}}},{{}},7]}}"#),
        ),
        _ => "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned(),
    });
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/mcp", silent.local_addr().unwrap());
    for (url, part) in [
        (
            bomb.url("/mcp"),
            "sends a message with more than 33554432 bytes",
        ),
        (
            circles.url("/mcp"),
            "the pages of 'tools/list' go round in circles",
        ),
        (silent, "no answer to 'initialize' within 1 s"),
    ] {
        let asked = Instant::now();
        let said = compare(&url, &odd.url("/mcp"), &["--timeout", "1"]);
        assert_eq!(said.code, UNAVAILABLE, "{part}");
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
        assert!(asked.elapsed() < Duration::from_secs(10), "{part}");
    }
    // What is no entry at all is compared all the same.
    let said = compare(&odd.url("/mcp"), &odd.url("/mcp"), &[]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("3 tools"), "{}", said.stdout);
}

/// A stream whose messages are to go to somebody else, with the keys.
#[test]
fn keys_go_to_the_server_itself_alone() {
    let thief = StandIn::start(|asked| panic!("{} came, with {}", asked.method, asked.head));
    let endpoint = thief.url("/messages");
    let server = StandIn::start(move |asked| {
        if asked.head.starts_with("GET") {
            return format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\ndata: {endpoint}\n\n"
            );
        }
        html("404 Not Found")
    });
    let said = compare(
        &server.url("/sse"),
        &server.url("/sse"),
        &["--header", "x-api-key: s3cret"],
    );
    assert_eq!(said.code, UNAVAILABLE);
    assert!(
        said.stderr.contains("to another server than its own"),
        "{}",
        said.stderr
    );
    assert_eq!(thief.asked(), 0);
}
