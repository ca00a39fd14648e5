//! `mcproxy add` and `mcproxy remove`: the file is edited, and is one that the gateway takes.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::{Value, json};

use super::{MISCONFIGURED, Said, WRONG_ARGUMENTS, run};

const MINE: &str = "{
  // what I run
  \"servers\": [
    { \"name\": \"demo\", \"command\": \"mcproxy\", \"args\": [\"demo-server\"] } // built in
  ],
  \"profiles\": { \"kids\": { \"servers\": [\"demo\"] } }
}
";

fn with(text: &str) -> tempfile::TempDir {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("mcp-servers.json"), text).unwrap();
    here
}

fn edit(here: &Path, words: &[&str]) -> Said {
    let home = here.display().to_string();
    run(here, words, &[("HOME", &home), ("PATH", "/usr/bin:/bin")])
}

fn text(here: &Path) -> String {
    fs::read_to_string(here.join("mcp-servers.json")).unwrap()
}

#[test]
fn a_server_is_added_and_removed_and_the_rest_stays() {
    let here = with(MINE);
    let here = here.path();
    let add = [
        "add", "lister", "-e", "A=b=c", "-s", "user", "--", "ls", "-l", "--color",
    ];
    let said = edit(here, &add);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout, "mcp-servers.json: 'lister' is added\n");
    assert!(
        said.stderr.contains("a scope has no meaning here"),
        "{}",
        said.stderr
    );
    let added = text(here);
    let (before, _) = MINE.split_once(" // built in").unwrap();
    assert!(added.starts_with(before), "{added}");
    for part in [
        "// built in",
        "\"-l\", \"--color\"",
        "\"A\": \"b=c\"",
        "\"kids\"",
    ] {
        assert!(added.contains(part), "{part}: {added}");
    }
    let said = edit(here, &["check"]);
    assert!(
        said.stdout.contains("lister") && said.stdout.contains("2 servers to run"),
        "{}",
        said.stdout
    );

    let said = edit(here, &["add", "lister", "--", "ls"]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert!(
        said.stderr.contains("has a server 'lister' already"),
        "{}",
        said.stderr
    );
    assert_eq!(text(here), added);

    let said = edit(here, &["remove", "lister"]);
    assert_eq!(
        (said.code, &*said.stdout),
        (Some(0), "mcp-servers.json: 'lister' is removed\n")
    );
    assert_eq!(text(here), MINE);

    // A profile still names it, which is said.
    let said = edit(here, &["remove", "demo"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.stderr.contains("kids") && said.stderr.contains("demo"),
        "{}",
        said.stderr
    );

    let said = edit(here, &["remove", "other"]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert!(
        said.stderr
            .contains("has no server 'other'; it has none; nothing was written"),
        "{}",
        said.stderr
    );
}

#[test]
fn one_elsewhere_is_an_address_and_no_secret_is_said() {
    let here = with("{\"mcpServers\": {}}");
    let here = here.path();
    let words = [
        "add",
        "--transport",
        "http",
        "docs",
        "https://mcp.example.org/mcp",
        "--header",
        "X-API-Key: s3cret",
    ];
    let said = edit(here, &words);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.stderr.contains("every user of this machine may read"),
        "{}",
        said.stderr
    );
    assert!(
        !said.stderr.contains("s3cret") && !said.stdout.contains("s3cret"),
        "{}",
        said.stderr
    );
    let docs = &written(here)["docs"];
    let expected =
        json!({"url": "https://mcp.example.org/mcp", "headers": {"X-API-Key": "s3cret"}});
    assert_eq!(*docs, expected);
    // Without the option a URL is one too.
    let said = edit(here, &["add", "other", "http://127.0.0.1:1/mcp"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = edit(
        here,
        &["add", "-t", "sse", "old", "https://mcp.example.org/sse"],
    );
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let expected = json!({"type": "sse", "url": "https://mcp.example.org/sse"});
    assert_eq!(written(here)["old"], expected);
}

fn written(here: &Path) -> Value {
    let file: Value = serde_json::from_str(&text(here)).unwrap();
    file["mcpServers"].clone()
}

#[test]
fn where_there_is_no_file_the_users_own_is_made() {
    let here = tempfile::tempdir().unwrap();
    let said = edit(here.path(), &["add", "lister", "--", "ls"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let made = here.path().join(".config/mcproxy/mcp-servers.json");
    assert_eq!(fs::metadata(&made).unwrap().mode() & 0o777, 0o600);
    let said = edit(here.path(), &["check"]);
    assert!(said.stdout.contains("1 server to run"), "{}", said.stdout);

    for words in [
        &["add", "lister", "-c", "sub/named.json", "--", "ls"][..],
        &["--config", "sub/other.json", "add", "lister", "--", "ls"],
    ] {
        let said = edit(here.path(), words);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
    }
    assert_eq!(fs::read_dir(here.path().join("sub")).unwrap().count(), 2);
    // To remove makes none.
    let said = edit(here.path(), &["remove", "lister", "-c", "third.json"]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert!(!here.path().join("third.json").exists());
}

#[test]
fn a_link_stays_one_and_a_mode_stays_too() {
    let here = with(MINE);
    let file = here.path().join("mcp-servers.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(&file, elsewhere.path().join("mcp-servers.json")).unwrap();
    let said = edit(elsewhere.path(), &["add", "lister", "--", "ls"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(elsewhere.path().join("mcp-servers.json").is_symlink());
    assert!(text(here.path()).contains("lister"));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn what_cannot_be_is_not_written() {
    let here = with(MINE);
    let here = here.path();
    for (words, code, part) in [
        (
            &["add", "a__b", "--", "ls"][..],
            WRONG_ARGUMENTS,
            "must not contain '__'",
        ),
        (
            &["add", "a b", "--", "ls"],
            WRONG_ARGUMENTS,
            "only letters, digits",
        ),
        (&["add", "x"], WRONG_ARGUMENTS, "<COMMAND>"),
        (
            &["add", "x", "-e", "s3cret", "--", "ls"],
            WRONG_ARGUMENTS,
            "NAME=VALUE",
        ),
        (
            &["add", "x", "-H", "A: b", "--", "ls"],
            WRONG_ARGUMENTS,
            "--header is for",
        ),
        (
            &["add", "-t", "http", "x", "ls"],
            WRONG_ARGUMENTS,
            "a URL with http",
        ),
        (
            &["add", "-t", "http", "x", "http://a/", "b"],
            WRONG_ARGUMENTS,
            "no arguments",
        ),
        (
            &["add", "-e", "A=b", "x", "http://a/"],
            WRONG_ARGUMENTS,
            "--env is for a program",
        ),
        (
            &["add", "x", "https://me:s3cret@a/"],
            MISCONFIGURED,
            "has a user or a password",
        ),
        (
            &["add", "x", "https://a/", "-H", "Host: b"],
            MISCONFIGURED,
            "'Host' is set by mcproxy itself",
        ),
        (&["add", "x", "--", ""], MISCONFIGURED, "'command' is empty"),
        (&["remove"], WRONG_ARGUMENTS, "<NAME>"),
        (&["remove", "demo", "x"], MISCONFIGURED, "it has demo"),
    ] {
        let said = edit(here, words);
        assert_eq!(said.code, Some(code), "{words:?}: {}", said.stderr);
        assert!(said.stderr.contains(part), "{words:?}: {}", said.stderr);
        assert_eq!(text(here), MINE, "{words:?}");
    }
}

#[test]
fn a_program_that_is_not_there_is_added_and_said() {
    let here = with(MINE);
    let said = edit(here.path(), &["add", "x", "--", "no-such-program"]);
    assert_eq!(said.code, Some(0));
    assert!(
        said.stderr.contains("'no-such-program' was not found"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_broken_file_is_not_written() {
    for broken in ["{\"servers\": [", "{\"gateway\": {}}", "\"x\""] {
        let here = with(broken);
        for words in [&["add", "x", "--", "ls"][..], &["remove", "x"]] {
            let said = edit(here.path(), words);
            assert_eq!(said.code, Some(MISCONFIGURED), "{broken}");
            assert!(
                said.stderr.contains("mcp-servers.json:1:")
                    && said.stderr.contains("nothing was written"),
                "{}",
                said.stderr
            );
            assert_eq!(text(here.path()), broken);
        }
    }
}

#[test]
fn a_value_without_a_name_is_not_shown() {
    let here = tempfile::tempdir().unwrap();
    for option in [
        ["-e", "=s3cret"],
        ["-e", "s3cret"],
        ["--header", "s3cret"],
        ["-H", ":s3cret"],
    ] {
        let args = [&["add", "x"], &option[..], &["--", "sh"]].concat();
        let said = run(here.path(), &args, &[]);
        assert_eq!(said.code, Some(WRONG_ARGUMENTS), "{}", said.stderr);
        assert!(said.stderr.contains("VALUE is needed"), "{}", said.stderr);
        assert!(!said.stderr.contains("s3cret"), "{}", said.stderr);
    }
}
