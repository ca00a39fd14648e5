//! `mcproxy import`: the files it writes. What is in them is added to, all are written or none, and none
//! is taken for another.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use super::import::{DATABASE, EXPORT, INCOMPLETE, with};
use super::{MISCONFIGURED, Said, run};

/// After wrong arguments.
const USAGE: i32 = 2;

fn import(here: &Path, words: &str) -> Said {
    let words = ["import"].into_iter().chain(words.split_whitespace());
    run(here, &words.collect::<Vec<_>>(), &[])
}

fn text(here: &Path, file: &str) -> String {
    fs::read_to_string(here.join(file)).unwrap()
}

/// What is there, by its names.
fn names(here: &Path) -> Vec<String> {
    let entries = fs::read_dir(here).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_file_of_variables_is_added_to() {
    let here = with(EXPORT);
    let here = here.path();
    fs::write(
        here.join("s.env"),
        "# mine\nGITHUB_PERSONAL_ACCESS_TOKEN='another'\nMINE=x",
    )
    .unwrap();
    let first = format!("{EXPORT} --output new.json --secrets-to s.env --force");
    let said = import(here, &first);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    let secrets = text(here, "s.env");
    let mine = "# mine\nGITHUB_PERSONAL_ACCESS_TOKEN='another'\nMINE=x\n";
    assert!(secrets.starts_with(mine), "{secrets}");
    assert!(
        secrets.contains("\nGITHUBTOOLS_GITHUB_PERSONAL_ACCESS_TOKEN=not-a-real-token-1\n"),
        "{secrets}"
    );

    // Nothing is new of what has been imported.
    let again = "new.json --output new.json --secrets-to s.env --force";
    for words in [again, &first] {
        let said = import(here, words);
        assert_eq!(said.code, Some(0), "{}", said.stdout);
        assert!(
            said.stdout.contains("s.env: nothing to add"),
            "{}",
            said.stdout
        );
        assert!(
            !said.stdout.contains("put the new ones into it"),
            "{}",
            said.stdout
        );
        assert_eq!(text(here, "s.env"), secrets, "{words}");
        let made = text(here, "new.json");
        assert!(
            made.contains("\"env_file\": \"s.env\"") && !made.contains("not-a-real"),
            "{made}"
        );
    }
}

#[test]
fn what_is_no_file_of_variables_is_not_added_to() {
    let here = with(EXPORT);
    let here = here.path();
    fs::write(here.join("notes"), "A=b\nmy s3cret notes\n").unwrap();
    let said = import(
        here,
        &format!("{EXPORT} --output new.json --secrets-to notes --force"),
    );
    assert_eq!(said.code, Some(MISCONFIGURED));
    let words = "cannot add to notes: line 2: NAME=value is expected; nothing was written";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    assert!(!said.stderr.contains("s3cret"), "{}", said.stderr);
    assert_eq!(names(here), [EXPORT, "notes"]);
}

#[test]
fn a_file_of_tokens_is_added_to() {
    let here = with(DATABASE);
    let here = here.path();
    let mine = "# mine\n0123456789abcdef0123 name=me";
    fs::write(here.join("tokens"), mine).unwrap();
    let words = format!("{DATABASE} --output new.json --tokens-to tokens --force");
    for _ in 0..2 {
        let said = import(here, &words);
        assert_eq!(said.code, Some(0), "{}", said.stdout);
        let tokens = text(here, "tokens");
        assert!(tokens.starts_with(&format!("{mine}\n")), "{tokens}");
        assert_eq!(tokens.lines().count(), 4, "{tokens}");
    }
    let before = text(here, "tokens");
    let said = import(
        here,
        "new.json --output new.json --tokens-to tokens --force",
    );
    assert!(
        said.stdout.contains("tokens: no API keys, not written"),
        "{}",
        said.stdout
    );
    assert_eq!(text(here, "tokens"), before);
}

#[test]
fn a_file_is_named_for_one_thing() {
    let here = with(EXPORT);
    let here = here.path();
    fs::write(here.join("real"), "").unwrap();
    fs::hard_link(here.join("real"), here.join("hard")).unwrap();
    symlink("real", here.join("soft")).unwrap();
    symlink(".", here.join("dot")).unwrap();
    let before = names(here);
    for words in [
        "--output x --secrets-to x",
        "--output x --secrets-to ./x",
        "--output x --secrets-to dot/x",
        "--output x --tokens-to x",
        "--secrets-to x --tokens-to dot/../x",
        "--output real --secrets-to soft",
        "--output real --tokens-to hard",
        "--output x --secrets-to metamcp-export.json",
        "--output x --tokens-to ./metamcp-export.json",
        "real --output x --secrets-to hard",
    ] {
        let words = words.replace("dot/../x", "dot/x");
        for more in ["--force", "--dry-run", ""] {
            let said = import(here, &format!("{EXPORT} {words} {more}"));
            assert_eq!(
                said.code,
                Some(USAGE),
                "{words}: {}{}",
                said.stdout,
                said.stderr
            );
            assert!(
                said.stderr.starts_with("error: --"),
                "{words}: {}",
                said.stderr
            );
            assert_eq!(names(here), before, "{words}");
        }
    }
    let said = import(
        here,
        &format!("{EXPORT} --output x --secrets-to y --tokens-to z"),
    );
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
}

#[test]
fn a_file_of_another_program_is_not_replaced() {
    let here = with(EXPORT);
    let here = here.path();
    let before = text(here, EXPORT);
    let said = import(here, &format!("{EXPORT} --output {EXPORT} --force"));
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert!(
        said.stdout.contains("is a file of MetaMCP's export"),
        "{}",
        said.stdout
    );
    assert_eq!(text(here, EXPORT), before);
}

#[test]
fn keys_that_are_left_out_make_it_incomplete() {
    let here = with(DATABASE);
    let here = here.path();
    for (words, code) in [
        ("--output new.json", INCOMPLETE),
        ("--dry-run", INCOMPLETE),
        ("--dry-run --tokens-to tokens", 0),
        ("--output other.json --tokens-to tokens", 0),
    ] {
        let said = import(here, &format!("{DATABASE} {words}"));
        assert_eq!(said.code, Some(code), "{words}: {}", said.stdout);
    }
}

#[test]
fn all_files_are_written_or_none() {
    let here = with(DATABASE);
    let here = here.path();
    fs::create_dir(here.join("folder")).unwrap();
    fs::write(here.join("s.env"), "MINE=x\n").unwrap();
    let before = names(here);
    for words in [
        "--output none/new.json --secrets-to s.env --tokens-to tokens",
        "--output new.json --secrets-to s.env --tokens-to none/tokens",
        "--output folder --secrets-to s.env --tokens-to tokens",
    ] {
        let said = import(here, &format!("{DATABASE} {words} --force"));
        assert_eq!(said.code, Some(MISCONFIGURED), "{words}: {}", said.stdout);
        assert!(
            said.stdout.contains("nothing was written"),
            "{}",
            said.stdout
        );
        assert_eq!(names(here), before, "{words}");
        assert_eq!(text(here, "s.env"), "MINE=x\n", "{words}");
    }
}

#[test]
fn a_relative_path_still_leads_there() {
    let here = with(EXPORT);
    let here = here.path();
    fs::create_dir(here.join("old")).unwrap();
    fs::create_dir(here.join("new")).unwrap();
    fs::write(here.join("old/my.env"), "MINE=x\n").unwrap();
    let own = r#"{"servers": [{"name": "demo", "command": "mcproxy", "env_file": "my.env"}]}"#;
    fs::write(here.join("old/mcp-servers.json"), own).unwrap();
    let said = import(here, "old/mcp-servers.json --output new/mcp-servers.json");
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    let made: serde_json::Value =
        serde_json::from_str(&text(here, "new/mcp-servers.json")).unwrap();
    let led = made["servers"][0]["env_file"].as_str().unwrap();
    let there = fs::canonicalize(here.join("old/my.env")).unwrap();
    assert_eq!(fs::canonicalize(led).unwrap(), there);
    let said = import(here, "old/mcp-servers.json --output old/other.json");
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    assert!(text(here, "old/other.json").contains("\"env_file\": \"my.env\""));
}

#[test]
fn a_server_that_the_gateway_refuses_is_none_to_run() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let servers =
        r#"{"mcpServers": {"a": {"command": "x"}, "b": {"command": "x", "env": {"A=B": "c"}}}}"#;
    fs::write(here.join("a.json"), servers).unwrap();
    let said = import(here, "a.json --output new.json");
    assert_eq!(said.code, Some(INCOMPLETE), "{}", said.stdout);
    let words = "new.json: 1 server to run, 1 with errors";
    assert!(said.stdout.contains(words), "{}", said.stdout);
}

/// Another user's service reads what the operator replaces.
#[test]
fn a_file_that_is_there_keeps_its_owner_and_its_mode() {
    let here = with(EXPORT);
    let here = here.path();
    let is_root = fs::metadata(here).unwrap().uid() == 0;
    for (file, mode) in [("new.json", 0o644), ("other.json", 0o640), ("s.env", 0o644)] {
        fs::write(here.join(file), "").unwrap();
        fs::set_permissions(here.join(file), fs::Permissions::from_mode(mode)).unwrap();
        if is_root {
            chown(here.join(file), Some(1), Some(2)).unwrap();
        }
    }
    let said = |file: &str| {
        let data = fs::metadata(here.join(file)).unwrap();
        (data.mode() & 0o7777, data.uid(), data.gid())
    };
    let (_, user, group) = said("new.json");
    assert!(!is_root || (user, group) == (1, 2));
    for (words, file, mode) in [
        ("--output other.json", "other.json", 0o640),
        ("--output new.json --secrets-to s.env", "s.env", 0o640),
        ("--output new.json --secrets-to s.env", "new.json", 0o644),
        // With secrets in it.
        ("--output new.json", "new.json", 0o640),
    ] {
        let done = import(here, &format!("{EXPORT} {words} --force"));
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
        assert_eq!(said(file), (mode, user, group), "{words}: {file}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_not_replaced() {
    let here = with(EXPORT);
    let here = here.path();
    symlink("none.json", here.join("link.json")).unwrap();
    let before = names(here);
    let words = "--output link.json --secrets-to s.env --force";
    let said = import(here, &format!("{EXPORT} {words}"));
    assert_eq!(said.code, Some(MISCONFIGURED), "{}", said.stdout);
    let words =
        "cannot write link.json: it is a link to a file that cannot be found; nothing was written";
    assert!(said.stdout.contains(words), "{}", said.stdout);
    assert_eq!(names(here), before);
    assert!(here.join("link.json").is_symlink());
}
