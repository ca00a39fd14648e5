//! Every command of `docs/remote.md` is run, as it stands there.

#![cfg(test)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::gateway::mcproxy;

#[test]
fn the_document_does_what_it_says() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let bin = here.join("bin");
    fs::create_dir(&bin).unwrap();
    // A sudo that is asked to be somebody else, with that one's home; and an npx that remembers what it was asked.
    for (name, text) in [
        (
            "sudo",
            "#!/bin/sh\n[ \"$1 $3\" = '-u -H' ] && shift 3 && exec \"$@\"\n",
        ),
        ("npx", "#!/bin/sh\necho \"$@\" >>\"$HOME/asked\"\n"),
    ] {
        let path = bin.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    symlink(mcproxy(), bin.join("mcproxy")).unwrap();
    let document = include_str!("../../../docs/remote.md");
    let blocks = document.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let output = Command::new("/bin/sh")
            .args(["-ec", block])
            .current_dir(here)
            .env_clear()
            .env("HOME", here)
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{block}\n{said}");
    }
    let asked = fs::read_to_string(here.join("asked")).unwrap();
    assert_eq!(asked, "-y mcp-remote https://mcp.example.org/mcp\n");
    let made = fs::read(here.join(".config/mcproxy/mcp-servers.json")).unwrap();
    let made: Value = serde_json::from_slice(&made).unwrap();
    let bridge = ["-y", "mcp-remote", "https://mcp.example.org/mcp"];
    assert_eq!(
        made["servers"],
        json!([
            {"name": "docs", "url": "https://docs.example.org/mcp", "headers": {"Authorization": "Bearer ${DOCS_TOKEN}"}},
            {"name": "old", "type": "sse", "url": "https://old.example.org/sse"},
            {"name": "example", "command": "npx", "args": bridge},
        ])
    );
}
