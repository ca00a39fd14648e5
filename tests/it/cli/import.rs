//! `mcproxy import`: what other programs have becomes a configuration; what is there stays, and no
//! secret is shown.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::check::programs;
use super::{MISCONFIGURED, Said, run};
use crate::support::gateway::mcproxy;

/// Something was left out.
pub(super) const INCOMPLETE: i32 = 1;

pub(super) const EXPORT: &str = "metamcp-export.json";
pub(super) const DATABASE: &str = "metamcp-database.json";

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import/samples")
}

/// A directory with a sample in it.
pub(super) fn with(sample: &str) -> tempfile::TempDir {
    let here = tempfile::tempdir().unwrap();
    fs::copy(samples().join(sample), here.path().join(sample)).unwrap();
    here
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn shows_a_secret(said: &Said) -> bool {
    let all = format!("{}{}", said.stdout, said.stderr);
    ["not-a-real", "sk_mt_"]
        .iter()
        .any(|secret| all.contains(secret))
}

#[test]
fn a_configuration_and_its_secrets_are_written_for_their_owner_alone() {
    let here = with(EXPORT);
    let here = here.path();
    let args = [
        "import",
        EXPORT,
        "--output",
        "new.json",
        "--secrets-to",
        "secrets.env",
    ];
    let said = run(here, &args, &[]);
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{}", said.stdout);
    assert!(!shows_a_secret(&said), "{}", said.stdout);
    for words in [
        "MetaMCP's export",
        "GitHubTools",
        "new.json: 3 servers to run",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    let (new, secrets) = (here.join("new.json"), here.join("secrets.env"));
    assert_eq!((mode(&new), mode(&secrets)), (0o600, 0o600));
    let text = fs::read_to_string(&new).unwrap();
    assert!(!text.contains("not-a-real"), "{text}");
    let secrets = fs::read_to_string(secrets).unwrap();
    assert!(
        secrets.contains("GITHUB_PERSONAL_ACCESS_TOKEN=not-a-real-token-1\n"),
        "{secrets}"
    );

    // A shell reads that file, and the gateway's check finds all of it.
    let bin = here.join("bin");
    fs::create_dir(&bin).unwrap();
    programs(&bin, &["npx"]);
    symlink(mcproxy(), bin.join("mcproxy")).unwrap();
    let script = "set -a; . ./secrets.env; exec mcproxy check new.json";
    let mut shell = Command::new("/bin/sh");
    let output = shell
        .args(["-c", script])
        .current_dir(here)
        .env_clear()
        .env("PATH", &bin);
    let output = output.output().unwrap();
    let checked = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{checked}");
    assert!(!checked.contains("warning"), "{checked}");
}

#[test]
fn without_an_output_it_is_printed_and_has_no_secret_in_it() {
    let here = with(DATABASE);
    let said = run(here.path(), &["import", DATABASE], &[]);
    assert!(!shows_a_secret(&said));
    let json: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        json["servers"][0]["env"]["GITHUB_PERSONAL_ACCESS_TOKEN"],
        "${GITHUB_PERSONAL_ACCESS_TOKEN}"
    );
    assert_eq!(
        json["profiles"]["kids"]["tools"]["deny"][0],
        "github__open_issue"
    );
    assert!(
        said.stderr.contains("set GITHUB_PERSONAL_ACCESS_TOKEN"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains("2 API keys left out"),
        "{}",
        said.stderr
    );
}

#[test]
fn keys_become_tokens_that_are_pinned() {
    let here = with(DATABASE);
    let said = run(
        here.path(),
        &[
            "import",
            DATABASE,
            "--output",
            "new.json",
            "--tokens-to",
            "tokens",
        ],
        &[],
    );
    assert!(
        said.stdout.contains("tokens: 2 API keys"),
        "{}",
        said.stdout
    );
    let path = here.path().join("tokens");
    assert_eq!(mode(&path), 0o600);
    let tokens = fs::read_to_string(path).unwrap();
    let laptop = "sk_mt_not_a_real_key_2 name=laptop profile=anna profile=kids profile=work\n";
    assert!(
        tokens.contains(laptop) && tokens.lines().count() == 2,
        "{tokens}"
    );
    // Secrets that nobody asked to move are in the file, which says so, and only there.
    assert!(
        said.stdout.contains("2 secrets written out in it"),
        "{}",
        said.stdout
    );
    assert!(!shows_a_secret(&said));
}

#[test]
fn a_file_that_is_there_is_not_replaced_unless_it_is_said() {
    let here = with(EXPORT);
    let here = here.path();
    fs::write(here.join("real.json"), "[]").unwrap();
    symlink("real.json", here.join("link.json")).unwrap();
    let args = [
        "import",
        EXPORT,
        "--output",
        "link.json",
        "--secrets-to",
        "secrets.env",
    ];
    let said = run(here, &args, &[]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert!(
        said.stdout.contains("link.json is there already"),
        "{}",
        said.stdout
    );
    assert_eq!(fs::read_to_string(here.join("real.json")).unwrap(), "[]");
    assert!(!here.join("secrets.env").exists(), "nothing was written");

    let said = run(here, &[&args[..], &["--force"]].concat(), &[]);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    assert!(
        here.join("link.json").is_symlink(),
        "what it leads to was replaced"
    );
    assert!(
        fs::read_to_string(here.join("real.json"))
            .unwrap()
            .contains("GitHubTools")
    );
    let rests = fs::read_dir(here)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        !rests
            .into_iter()
            .any(|name| name.to_string_lossy().contains("unfinished"))
    );

    fs::create_dir(here.join("folder")).unwrap();
    let said = run(
        here,
        &["import", EXPORT, "--output", "folder", "--force"],
        &[],
    );
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert!(
        said.stdout.contains("cannot write folder"),
        "{}",
        said.stdout
    );
}

#[test]
fn ones_own_configuration_is_added_to() {
    let here = with(EXPORT);
    let here = here.path();
    let own = r#"{"gateway": {"max_sessions": 5}, "servers": [{"name": "demo", "command": "mcproxy", "args": ["demo-server"]}]}"#;
    fs::write(here.join("mcp-servers.json"), own).unwrap();
    let args = [
        "import",
        "mcp-servers.json",
        EXPORT,
        "--output",
        "mcp-servers.json",
        "--force",
    ];
    let said = run(here, &args, &[]);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    let text = fs::read_to_string(here.join("mcp-servers.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["gateway"]["max_sessions"], 5);
    let names = json["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| server["name"].as_str());
    let names: Vec<_> = names.flatten().collect();
    assert_eq!(names, ["demo", "GitHubTools", "linear", "wiki"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let here = with(EXPORT);
    let args = [
        "import",
        EXPORT,
        "--output",
        "new.json",
        "--secrets-to",
        "s.env",
        "--dry-run",
    ];
    let said = run(here.path(), &args, &[]);
    assert_eq!((said.code, &*said.stderr), (Some(0), ""));
    assert!(
        said.stdout
            .contains("nothing was written, as --dry-run says")
    );
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_used_is_said_with_its_place_and_nothing_is_written() {
    let here = with(EXPORT);
    let here = here.path();
    fs::write(here.join("bad.toml"), "[mcp_servers.a]\ncommand = \"x\n").unwrap();
    fs::write(here.join("bad.json"), "{\"mcpServers\": {\n  \"a\" {}}}").unwrap();
    fs::write(here.join("other.json"), "{\"dependencies\": {}}").unwrap();
    for (file, words) in [
        ("bad.toml", "bad.toml:2:"),
        ("bad.json", "bad.json:2:"),
        ("other.json", "package.json"),
        ("none.json", "cannot read none.json"),
        (".", "it is a directory"),
    ] {
        let said = run(here, &["import", EXPORT, file, "--output", "new.json"], &[]);
        assert_eq!(said.code, Some(MISCONFIGURED), "{file}");
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(all.contains(words), "{file}: {all}");
        assert!(!here.join("new.json").exists(), "{file}");
    }
}

#[test]
fn what_is_left_out_is_said_and_has_an_exit_code() {
    let here = tempfile::tempdir().unwrap();
    let text = "{\"mcpServers\": {\n  \"a\": {\"command\": \"x\"},\n  \"b\": {\"command\": [[]]}}}";
    fs::write(here.path().join("mcp.json"), text).unwrap();
    let said = run(
        here.path(),
        &["import", "mcp.json", "--output", "new.json"],
        &[],
    );
    assert_eq!(said.code, Some(INCOMPLETE), "{}", said.stdout);
    assert!(said.stdout.contains("mcp.json:3:"), "{}", said.stdout);
    assert!(
        said.stdout.contains("1 server to run, 1 left out"),
        "{}",
        said.stdout
    );
    assert!(here.path().join("new.json").exists());
}

/// On a machine that has the programs that the samples name.
#[test]
fn the_check_accepts_what_is_made_of_each_program() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    programs(
        here,
        &["npx", "uvx", "docker", "node", "python3", "admin-mcp"],
    );
    let path = here.display().to_string();
    let env = [("PATH", &*path)];
    for sample in fs::read_dir(samples()).unwrap() {
        let sample = sample.unwrap().path().display().to_string();
        let args = [
            "import",
            &sample,
            "--output",
            "new.json",
            "--secrets-to",
            "s.env",
            "--tokens-to",
            "tokens",
            "--force",
        ];
        let said = run(here, &args, &env);
        // What has an effect and is not to be had here.
        let is_lossy = said.stdout.contains("' left out: ");
        assert_eq!(
            said.code,
            Some(if is_lossy { INCOMPLETE } else { 0 }),
            "{sample}: {}{}",
            said.stdout,
            said.stderr
        );
        let said = run(here, &["check", "new.json"], &env);
        assert_eq!(said.code, Some(0), "{sample}: {}", said.stdout);
    }
}

/// Each block of commands in the document, by a shell, in a folder that has what it speaks of.
#[test]
fn the_document_does_what_it_says() {
    let here = with("claude_desktop_config.json");
    let here = here.path();
    let bin = here.join("bin");
    fs::create_dir_all(here.join(".cursor")).unwrap();
    fs::create_dir(&bin).unwrap();
    let cursor = r#"{"mcpServers": {"fetch": {"command": "uvx", "args": ["mcp-server-fetch"]}}}"#;
    fs::write(here.join(".cursor/mcp.json"), cursor).unwrap();
    programs(&bin, &["npx", "uvx", "docker"]);
    let dump = samples().join(DATABASE).display().to_string();
    // What `docker exec … psql` prints.
    fs::write(bin.join("docker"), format!("#!/bin/sh\nexec cat {dump}\n")).unwrap();
    symlink(mcproxy(), bin.join("mcproxy")).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migration.md");
    let document = fs::read_to_string(document).unwrap();
    let blocks = document.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let mut seen = 0;
    // The rest runs the gateway, or needs two: tests/real follows them.
    let runs = |block: &&str| block.contains("mcproxy --log") || block.contains("mcproxy compare");
    for block in blocks.filter(|block| !runs(block)) {
        if block.contains("metamcp.json --output") {
            fs::remove_file(here.join("mcp-servers.json")).unwrap();
        }
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-ec", block])
            .current_dir(here)
            .env_clear()
            .env("PATH", &path);
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{block}\n{said}{complained}");
        seen += 1;
    }
    assert_eq!(seen, 4);
    for file in ["metamcp.json", "secrets.env", "tokens", "mcp-servers.json"] {
        assert_eq!(mode(&here.join(file)), 0o600, "{file}");
    }
}
