//! `mcproxy check`: every mistake in one go, with its place, before it matters.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{MISCONFIGURED, run};

#[test]
fn a_good_file_checks_with_0_and_the_program_is_looked_for_on_path() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let text = r#"{ "servers": [
  { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
  { "name": "tool", "command": "some-tool" }
] }"#;
    fs::write(here.join("mcp-servers.json"), text).unwrap();
    let bin = here.join("bin");
    fs::create_dir(&bin).unwrap();
    let path = bin.display().to_string();
    let env = [("PATH", &*path)];

    let said = run(here, &["check"], &env);
    assert_eq!(said.code, Some(MISCONFIGURED));
    let expected = "mcp-servers.json:3:32: error: the program 'some-tool' was not found";
    assert!(said.stdout.starts_with(expected), "{}", said.stdout);
    assert!(said.stdout.contains(&*path), "where it looked");

    programs(&bin, &["some-tool"]);
    for args in [vec!["check"], vec!["check", "mcp-servers.json"]] {
        let said = run(here, &args, &env);
        assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{}", said.stdout);
        assert!(said.stdout.contains(&format!("{path}/some-tool")));
        assert!(
            said.stdout
                .ends_with("mcp-servers.json: 2 servers to run\n")
        );
    }
}

#[test]
fn every_mistake_is_reported_in_one_go_with_its_place() {
    let here = tempfile::tempdir().unwrap();
    let text = r#"{ "servers": [
  { "name": "a", "comand": "npx" },
  { "name": "b b", "command": "mcproxy" },
  { "name": "c", "command": "mcproxy", "timeout": "x", "env": { "TOKEN": "s3cr3t" } },
  { "name": "d", "url": "https://example.org/sse" },
  { "name": "e", "command": "mcproxy" },
] }"#;
    fs::write(here.path().join("mine.json"), text).unwrap();
    let said = run(here.path(), &["check", "mine.json"], &[]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    for start in [
        "mine.json:2:3: error: ",
        "mine.json:2:18: warning: ",
        "mine.json:3:13: error: ",
        "mine.json:4:51: error: ",
        "mine.json:5:25: error: ",
    ] {
        let is_there = said.stdout.lines().any(|line| line.starts_with(start));
        assert!(is_there, "{start}\n{}", said.stdout);
    }
    assert!(said.stdout.contains("did you mean 'command'?"));
    assert!(!said.stdout.contains("s3cr3t"), "{}", said.stdout);

    fs::write(
        here.path().join("mine.json"),
        "{ \"servers\": [\n  { \"name\" ",
    )
    .unwrap();
    let said = run(here.path(), &["check", "mine.json"], &[]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert!(said.stdout.starts_with("mine.json:2:"), "{}", said.stdout);
}

/// On a machine that has the programs that the examples name.
#[test]
fn every_file_in_config_passes_the_check() {
    let bin = tempfile::tempdir().unwrap();
    programs(
        bin.path(),
        &["npx", "uvx", "docker", "node", "python3", "uv"],
    );
    let path = bin.path().display().to_string();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let examples = fs::read_dir(config.join("examples")).unwrap();
    let mut files: Vec<PathBuf> = examples.map(|entry| entry.unwrap().path()).collect();
    files.push(config.join("mcp-servers.json"));
    assert!(files.len() > 6);
    for file in files {
        let file = file.display().to_string();
        let said = run(&config, &["check", &file], &[("PATH", &path)]);
        assert_eq!(said.code, Some(0), "{}", said.stdout);
    }
}

/// Empty programs, which are enough to be found.
#[expect(clippy::unwrap_used, reason = "a failed step is a failed test")]
fn programs(directory: &Path, names: &[&str]) {
    for name in names {
        let path = directory.join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
}
