//! Completions and manual pages: a real bash completes, and each command has its page.

#![cfg(test)]

use std::fs;
use std::process::Command;

use super::run;
use crate::support::gateway::mcproxy;

/// What bash offers for `words`, the last of which is being typed.
fn completed(script: &str, words: &[&str]) -> Vec<String> {
    let typed = words.join(" ");
    let last = words.len() - 1;
    let ask = format!(
        "source '{script}'; COMP_WORDS=({typed}{empty}); COMP_CWORD={last}; \
         _mcproxy mcproxy \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{before}]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        empty = if words[last].is_empty() { "''" } else { "" },
        before = last.saturating_sub(1),
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &ask])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_options() {
    let here = tempfile::tempdir().unwrap();
    let said = run(here.path(), &["completions", "bash"], &[]);
    assert_eq!((said.code, &*said.stderr), (Some(0), ""));
    let script = here.path().join("mcproxy.bash");
    fs::write(&script, said.stdout).unwrap();
    let script = script.display().to_string();
    let all = completed(&script, &["mcproxy", ""]);
    for verb in [
        "run",
        "add",
        "remove",
        "connect",
        "check",
        "import",
        "completions",
    ] {
        assert!(all.iter().any(|word| word == verb), "{verb}: {all:?}");
    }
    assert_eq!(completed(&script, &["mcproxy", "conn"]), ["connect"]);
    assert_eq!(
        completed(&script, &["mcproxy", "connect", "--wr"]),
        ["--write"]
    );
    assert_eq!(
        completed(&script, &["mcproxy", "run", "--hold"]),
        ["--hold-port"]
    );
    // What --help does not show is not offered.
    for words in [
        &["mcproxy", "add", "--sc"][..],
        &["mcproxy", "ma"],
        &["mcproxy", "run", "--max-header"],
    ] {
        assert_eq!(completed(&script, words), [""], "{words:?}");
    }
    let offered = completed(&script, &["mcproxy", "run", "--max-sess"]);
    assert_eq!(offered, ["--max-sessions"]);
}

#[test]
fn each_shell_has_its_completions() {
    let here = tempfile::tempdir().unwrap();
    for (shell, part) in [("zsh", "#compdef mcproxy"), ("fish", "complete -c mcproxy")] {
        let said = run(here.path(), &["completions", shell], &[]);
        assert_eq!(said.code, Some(0));
        assert!(
            said.stdout.contains(part) && said.stdout.contains("connect"),
            "{shell}"
        );
    }
    let said = run(here.path(), &["completions", "tcsh"], &[]);
    assert_eq!(said.code, Some(super::WRONG_ARGUMENTS));
    assert!(said.stderr.contains("bash, zsh, fish"), "{}", said.stderr);
    // Whoever reads only the beginning is no reason to complain.
    let pipe = format!("'{}' completions bash | head -1", mcproxy().display());
    let output = Command::new("bash").args(["-c", &pipe]).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn each_command_has_a_page() {
    let here = tempfile::tempdir().unwrap();
    let said = run(here.path(), &["man", "pages/man1"], &[]);
    assert_eq!((said.code, &*said.stderr), (Some(0), ""));
    let page = |name: &str| fs::read_to_string(here.path().join("pages/man1").join(name)).unwrap();
    for name in [
        "mcproxy.1",
        "mcproxy-add.1",
        "mcproxy-connect.1",
        "mcproxy-check.1",
    ] {
        let page = page(name);
        let sections = [".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS"];
        for section in sections {
            assert!(page.contains(section), "{name}: {section}");
        }
    }
    assert!(page("mcproxy.1").contains("mcproxy\\-add(1)"));
    assert!(page("mcproxy-connect.1").contains("\\-\\-write"));
    // Where there is something that reads pages, it has nothing to say of them.
    let file = here.path().join("pages/man1/mcproxy-add.1");
    let read = Command::new("groff")
        .args(["-man", "-Tutf8", "-ww"])
        .arg(&file)
        .output();
    if let Ok(output) = read {
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
    let said = run(here.path(), &["man", "pages/man1/mcproxy.1"], &[]);
    assert_eq!(said.code, Some(73));
}
