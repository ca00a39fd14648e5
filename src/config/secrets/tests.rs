//! From an entry to what its server is started with.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::config::model::{Entry, Given};
use crate::config::{Parsed, parse_under};

const CANARY: &str = "c4n4ry";

fn load(directory: &Path, text: &str) -> Parsed {
    let env = |name: &str| (name == "OURS").then(|| "gateway".to_owned());
    parse_under(text, &env, directory, &Given::default()).unwrap()
}

fn spec(parsed: &Parsed) -> &ServerSpec {
    let problems = &parsed.problems;
    match &parsed.config.servers[..] {
        [Entry::Run(spec, _)] => spec,
        other => panic!("{other:?} {problems:?}"),
    }
}

fn fill(parsed: &Parsed) -> Result<Filled, FileError> {
    let spec = spec(parsed);
    spec.target.program().unwrap().fill(&spec.env_files)
}

fn write(directory: &Path, name: &str, text: &str, mode: u32) {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn files_are_read_at_each_start_and_the_nearer_one_counts() {
    let home = tempfile::tempdir().unwrap();
    let here = home.path();
    write(
        here,
        "all.env",
        "A=all\nB=all\nC=all\nOURS=file\nEMPTY=\n",
        0o600,
    );
    write(here, "own.env", "B=own\nC=own\n", 0o604);
    write(here, "secret", "s3cret\n", 0o640);
    let text = r#"{"gateway": {"env_file": "all.env"}, "servers": [{"name": "a", "command": "x",
        "env_file": "own.env", "env": {"C": "entry", "D": "${file:DIR/secret}"},
        "args": ["--token=${file:DIR/secret}", "${B} ${OURS} ${NOPE} ${NOPE:-d} ${EMPTY:-e}", "$${file:/x}"]}]}"#;
    let parsed = load(here, &text.replace("DIR", &here.display().to_string()));
    assert_eq!(parsed.problems, []);
    let filled = fill(&parsed).unwrap();
    assert_eq!(
        filled.args,
        ["--token=s3cret", "own file ${NOPE} d e", "${file:/x}"]
    );
    let env = |filled: &Filled, name: &str| filled.env[name].clone();
    assert_eq!(env(&filled, "A"), "all");
    assert_eq!(env(&filled, "B"), "own");
    assert_eq!(env(&filled, "C"), "entry");
    assert_eq!(env(&filled, "D"), "s3cret");
    assert_eq!(filled.exposed, [here.join("own.env")]);

    write(here, "secret", "rotated\r\n", 0o640);
    write(here, "own.env", "B=rotated", 0o640);
    let filled = fill(&parsed).unwrap();
    assert_eq!(env(&filled, "D"), "rotated");
    assert_eq!(filled.args[1], "rotated file ${NOPE} d e");
    assert_eq!(filled.exposed, [""; 0].map(PathBuf::from));
    let again = load(here, &text.replace("DIR", &here.display().to_string()));
    assert_eq!(again.config, parsed.config, "nothing is restarted for it");
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_what_is_in_it() {
    let home = tempfile::tempdir().unwrap();
    let here = home.path();
    write(here, "bad.env", &format!("A=b\n{CANARY}\n"), 0o600);
    write(here, "nul", &format!("{CANARY}\0"), 0o600);
    write(here, "large", &"x".repeat((128 << 10) + 1), 0o600);
    fs::write(here.join("bytes"), [0xff, 0xfe, 0xff]).unwrap();
    for (field, expected) in [
        (
            r#""env_file": "none""#,
            "its env_file DIR/none can't be used: there is no such file",
        ),
        (
            r#""env_file": "bad.env""#,
            "its env_file DIR/bad.env can't be used: line 2: NAME=value is expected",
        ),
        (
            r#""env_file": ".""#,
            "its env_file DIR/. can't be used: it is a directory",
        ),
        (
            r#""env": {"A": "${file:DIR/none}"}"#,
            "${file:DIR/none} can't be used: there is no such file",
        ),
        (
            r#""args": ["${file:DIR/nul}"]"#,
            "${file:DIR/nul} can't be used: it holds the character NUL, which no process can be given",
        ),
        (
            r#""args": ["${file:DIR/large}"]"#,
            "${file:DIR/large} can't be used: it is larger than 128 KiB",
        ),
        (
            r#""args": ["${file:DIR/bytes}"]"#,
            "${file:DIR/bytes} can't be used: it is UTF-16, not UTF-8",
        ),
        (
            r#""args": ["${file:/dev/zero}"]"#,
            "${file:/dev/zero} can't be used: it is a device, not a plain file",
        ),
        (
            r#""args": ["${file:mine}"]"#,
            "${file:mine} can't be used: CREDENTIALS_DIRECTORY is not set; add LoadCredential=mine:/path to the systemd unit, or write an absolute path",
        ),
    ] {
        let shown = here.display().to_string();
        let text = format!(r#"[{{"name": "a", "command": "x", {field}}}]"#);
        let parsed = load(here, &text.replace("DIR", &shown));
        let said = fill(&parsed).err().map(|error| error.to_string());
        let said = said.unwrap_or_default().replace(&shown, "DIR");
        assert_eq!(said, expected, "{field}");
    }
}

#[test]
fn what_is_shown_is_no_secret_and_a_secret_needs_a_place() {
    for (text, expected) in [
        (
            r#"[{"name": "a", "command": "${file:/x}"}]"#,
            "a secret in a file is for 'args', 'env', 'url' and 'headers'",
        ),
        (
            r#"[{"name": "a", "command": "x", "cwd": "${file:/x}"}]"#,
            "a secret in a file is for 'args', 'env', 'url' and 'headers'",
        ),
        (
            r#"[{"name": "a", "command": "x", "env_file": "${file:/x}"}]"#,
            "a secret in a file is for 'args', 'env', 'url' and 'headers'",
        ),
        (
            r#"[{"name": "a", "command": "x", "args": ["${file:./x}"]}]"#,
            "neither an absolute path nor",
        ),
        (
            r#"[{"name": "a", "command": "x", "env_file": ["x"]}]"#,
            "'env_file' must be a text, not a list",
        ),
        (
            r#"[{"name": "a", "command": "x", "env_file": ""}]"#,
            "'env_file' is empty",
        ),
        (
            r#"{"gateway": {"env_file": 1}, "servers": [{"name": "a", "command": "x"}]}"#,
            "'env_file' must be a text, not a number",
        ),
    ] {
        let parsed = load(Path::new("/here"), text);
        let said = &parsed.problems[0];
        assert!(said.message.contains(expected), "{text}: {said}");
        let refused = &parsed.config.servers[..];
        assert!(
            matches!(refused, [Entry::Refused(_)]),
            "{text}: {refused:?}"
        );
    }
    let off = r#"[{"name": "a", "command": "x", "enabled": false, "env_file": "x", "args": ["${file:/x}"]}]"#;
    assert_eq!(load(Path::new("/here"), off).problems, []);
}
