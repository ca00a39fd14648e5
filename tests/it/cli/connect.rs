//! `mcproxy connect`: what is printed, what is written, and that the gateway is asked.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{MISCONFIGURED, Said, WRONG_ARGUMENTS, run};
use crate::support::gateway::{Gateway, GatewayOptions};

const DEMO: &str = r#"[{ "name": "demo", "command": "mcproxy", "args": ["demo-server"] }]"#;
const TOKEN: &str = "a-token-that-is-long-enough-for-it";
/// `EX_UNAVAILABLE`.
const UNAVAILABLE: i32 = 69;
/// Something is left to do.
const LEFT: i32 = 1;

/// In a home of its own, with the programs of `bin` in it.
async fn connect(home: &Path, words: &[&str]) -> Said {
    let (home, words) = (home.to_owned(), words.join(" "));
    let work = move || {
        let path = format!("{}/bin:/usr/bin:/bin", home.display());
        let shown = home.display().to_string();
        let words: Vec<&str> = ["connect"].into_iter().chain(words.split(' ')).collect();
        run(&home, &words, &[("HOME", &shown), ("PATH", &path)])
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn the_snippet_is_printed_and_the_gateway_asked() {
    let gateway = Gateway::start(GatewayOptions::new(DEMO)).await;
    let url = format!("http://{}/mcp", gateway.addr());
    let home = tempfile::tempdir().unwrap();
    let said = connect(home.path(), &["claude", "--url", &url]).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(
        said.stdout,
        format!("claude mcp add --transport http mcproxy {url}\n")
    );
    assert!(
        said.stderr
            .contains(&format!("{url} answers: 5 tools, MCP 20")),
        "{}",
        said.stderr
    );
    // Nobody is there.
    let said = connect(home.path(), &["claude", "--url", "http://127.0.0.1:1/mcp"]).await;
    assert_eq!(said.code, Some(UNAVAILABLE), "{}", said.stderr);
    assert!(said.stderr.contains("cannot be reached"), "{}", said.stderr);

    let list = run(home.path(), &["connect"], &[]);
    assert_eq!(list.code, Some(0));
    for name in [
        "claude", "codex", "gemini", "vscode", "opencode", "cline", "cursor", "fastmcp",
    ] {
        assert!(
            list.stdout.lines().any(|line| line.starts_with(name)),
            "{name}"
        );
    }
    let said = connect(home.path(), &["clod"]).await;
    assert_eq!(said.code, Some(WRONG_ARGUMENTS));
    assert!(
        said.stderr.contains("these are: claude, codex"),
        "{}",
        said.stderr
    );
}

#[tokio::test]
async fn a_file_is_edited_and_a_copy_kept() {
    let gateway = Gateway::start(GatewayOptions::new(DEMO)).await;
    let url = format!("http://{}/mcp", gateway.addr());
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".cursor/mcp.json");
    let write = ["cursor", "--write", "--url", &url];
    let said = connect(home.path(), &write).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let made: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(
        made,
        serde_json::json!({"mcpServers": {"mcproxy": {"type": "http", "url": url}}})
    );

    let mine =
        "{\n  // mine\n  \"mcpServers\": {\n    \"other\": { \"command\": \"x\" },\n  },\n}\n";
    fs::write(&file, mine).unwrap();
    let said = connect(home.path(), &write).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let edited = fs::read_to_string(&file).unwrap();
    assert!(
        edited.starts_with(
            "{\n  // mine\n  \"mcpServers\": {\n    \"other\": { \"command\": \"x\" },\n"
        ),
        "{edited}"
    );
    assert!(edited.contains(&url), "{edited}");
    let copy = home.path().join(".cursor/mcp.json.before-mcproxy");
    assert_eq!(fs::read_to_string(&copy).unwrap(), mine);
    let said = connect(home.path(), &write).await;
    assert!(
        said.stderr.contains("it is there already"),
        "{}",
        said.stderr
    );
    assert_eq!(
        fs::read_dir(home.path().join(".cursor")).unwrap().count(),
        2
    );

    fs::write(&file, "{ \"mcpServers\": [ }").unwrap();
    let said = connect(home.path(), &write).await;
    assert_eq!(said.code, Some(MISCONFIGURED), "{}", said.stderr);
    assert!(
        said.stderr.contains("nothing was written"),
        "{}",
        said.stderr
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "{ \"mcpServers\": [ }");
}

#[tokio::test]
async fn the_clients_own_command_is_run() {
    let gateway = Gateway::start(GatewayOptions::new(DEMO)).await;
    let url = format!("http://{}/mcp", gateway.addr());
    let home = tempfile::tempdir().unwrap();
    let said = connect(home.path(), &["gemini", "--write", "--url", &url]).await;
    assert_eq!(said.code, Some(LEFT), "{}", said.stderr);
    assert!(
        said.stderr.contains("gemini is not on the PATH here"),
        "{}",
        said.stderr
    );

    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$HOME/words\"\n";
    fs::write(bin.join("gemini"), script).unwrap();
    fs::set_permissions(bin.join("gemini"), fs::Permissions::from_mode(0o755)).unwrap();
    let said = connect(home.path(), &["gemini", "--write", "--url", &url]).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let words = fs::read_to_string(home.path().join("words")).unwrap();
    let expected = format!("mcp\nadd\n--scope\nuser\n--transport\nhttp\nmcproxy\n{url}\n");
    assert_eq!(words, expected);

    fs::write(bin.join("gemini"), "#!/bin/sh\nexit 3\n").unwrap();
    let said = connect(home.path(), &["gemini", "--write", "--url", &url]).await;
    assert_eq!(said.code, Some(LEFT), "{}", said.stderr);
}

#[tokio::test]
async fn a_token_is_used_and_never_written() {
    let home = tempfile::tempdir().unwrap();
    let tokens = home.path().join("tokens");
    fs::write(&tokens, format!("# mine\n{TOKEN}\n")).unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
    let named = tokens.display().to_string();
    let gateway = Gateway::start(GatewayOptions::new(DEMO).arg("--token-file").arg(&named)).await;
    let url = format!("http://{}/mcp", gateway.addr());
    let said = connect(home.path(), &["cline", "--url", &url]).await;
    assert_eq!(said.code, Some(UNAVAILABLE), "{}", said.stderr);
    let words = ["cline", "--write", "--url", &url, "--token-file", &named];
    let said = connect(home.path(), &words).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.stderr.contains("its variable MCPROXY_TOKEN"),
        "{}",
        said.stderr
    );
    let file = home
        .path()
        .join(".cline/data/settings/cline_mcp_settings.json");
    let written = fs::read_to_string(file).unwrap();
    assert!(written.contains("Bearer ${env:MCPROXY_TOKEN}"), "{written}");
    for text in [&written, &said.stdout, &said.stderr] {
        assert!(!text.contains(TOKEN), "{text}");
    }
}
