//! A record as it is written, and a file that can't be.

#![expect(clippy::disallowed_methods, reason = "tests may block")]

use std::fs;

use serde_json::{Value, json};

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn asked(tool: &str) -> Asked<'_> {
    Asked {
        tool: Some(tool),
        method: "tools/call",
        ..Asked::default()
    }
}

fn written(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_record_is_a_line_however_hostile_its_names() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("calls");
    let log = CallLog::at(&file).unwrap();
    let server = ServerName::new("a").unwrap();
    let hostile = format!("x\n\"\u{1b}\u{2028}{}", "ü".repeat(1000));
    log.begin(&asked(&hostile))
        .end(Some(&server), Outcome::Error(Some(-1)), 5);
    drop(log.begin(&asked("t")));
    log.finish(SOON);
    let [one, two] = &written(&file)[..] else {
        panic!("{:?}", written(&file));
    };
    let tool = one["tool"].as_str().unwrap();
    assert!(
        tool.starts_with("x\n\"\u{1b}\u{2028}üü") && tool.ends_with("ü…"),
        "{tool}"
    );
    assert!(tool.len() <= LONGEST + 3, "{}", tool.len());
    assert_eq!(
        (&one["server"], &one["outcome"]),
        (&json!("a"), &json!("error"))
    );
    assert_eq!(
        (&one["code"], &one["response_bytes"]),
        (&json!(-1), &json!(5))
    );
    assert_eq!(
        (&two["outcome"], &two["server"]),
        (&json!("lost"), &Value::Null)
    );
    let names: Vec<_> = one
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let document = include_str!("../../../docs/operations.md");
    for name in names {
        assert!(document.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn a_call_that_runs_keeps_no_more_of_a_name_than_it_writes() {
    for c in ["x", "ü", "😀"] {
        let kept = cut(&c.repeat(1 << 20));
        assert!(kept.ends_with('…') && kept.starts_with(c), "{kept}");
        assert!((LONGEST - 3..=LONGEST + 3).contains(&kept.len()), "{kept}");
    }
    assert_eq!(&*cut(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
}

#[tokio::test]
async fn what_acts_on_a_terminal_is_spelled_out() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("calls");
    let log = CallLog::at(&file).unwrap();
    let hostile = "a\u{202e}b\u{7f}\u{9b}\u{feff}\u{e0041}ä";
    drop(log.begin(&asked(hostile)));
    log.finish(SOON);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains(r"a\u202eb\u007f\u009b\ufeff\udb40\udc41ä"),
        "{text}"
    );
    assert_eq!(written(&file)[0]["tool"], hostile);
}

#[tokio::test]
async fn what_finds_no_room_is_counted() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("pipe");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let log = CallLog::at(&file).unwrap();
    for _ in 0..3 * writer::CAPACITY {
        drop(log.begin(&asked("t")));
    }
    log.finish(SOON);
    assert_eq!(log.lost().get(), 3 * writer::CAPACITY as u64);
}
