//! Trees of the same shape from three formats; texts that mean harm.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::{DEEPEST, LONGEST, tree};
use crate::config::notes::Notes;
use crate::import::entry::json;

fn read(path: &str, text: &str) -> Result<serde_json::Value, String> {
    let mut notes = Notes::default();
    if let Some(tree) = tree(text, Path::new(path), &mut notes) {
        return Ok(json(&tree));
    }
    let findings = notes.into_sorted().into_iter();
    let said: Vec<String> = findings.map(|finding| finding.message).collect();
    Err(said.join("; "))
}

#[test]
fn the_same_is_the_same_in_all_formats() {
    let expected = serde_json::json!({"a": {"command": "x", "args": ["-y", "é"], "n": 1.5, "t": true, "i": 7}});
    let json = expected.to_string();
    let toml = "[a]\ncommand = \"x\"\nargs = [\"-y\", 'é']\nn = 1.5\nt = true\ni = 7\n";
    let yaml = "# é\na:\n  command: x\n  args: [-y, \"é\"]\n  n: 1.5\n  t: true\n  i: 7\n";
    for (path, text) in [("a.json", &*json), ("a.toml", toml), ("a.yml", yaml)] {
        assert_eq!(read(path, text).as_ref(), Ok(&expected), "{path}");
        assert_eq!(read("a", text).as_ref(), Ok(&expected), "{path} by itself");
        let marked = format!("\u{feff}{text}");
        assert_eq!(
            read(path, &marked).as_ref(),
            Ok(&expected),
            "{path} with a mark"
        );
    }
}

#[test]
fn yaml_has_texts_numbers_and_nothing_where_version_1_2_has_them() {
    let text = "a: yes\nb: 'true'\nc: ~\nd:\ne: 0x1F\nf: 1_000\ng: .inf\nh: |\n  two\n  lines\ni: -5\n1: x\n";
    let expected = serde_json::json!({"a": "yes", "b": "true", "c": null, "d": null, "e": "0x1F",
        "f": "1_000", "g": ".inf", "h": "two\nlines\n", "i": -5, "1": "x"});
    assert_eq!(read("a.yaml", text), Ok(expected));
}

#[test]
fn toml_has_numbers_of_other_kinds_as_texts() {
    let text = "a = 0x1F\nb = 1_000\nc = 2026-01-01\nd = inf\n[[e]]\nf = 1\n[[e]]\nf = 2\n";
    let expected = serde_json::json!({"a": "0x1F", "b": "1000", "c": "2026-01-01", "d": "inf", "e": [{"f": 1}, {"f": 2}]});
    let found = read("a.toml", text).unwrap();
    assert_eq!(found["b"], expected["b"]);
    assert_eq!(found["e"], expected["e"]);
    assert_eq!(found["c"], expected["c"]);
    assert!(found["a"].is_string() && found["d"].is_string());
}

#[test]
fn what_merges_does_not_replace() {
    let text =
        "d: &d {a: 1, b: 2}\ne: &e {c: 3}\nx:\n  <<: [*d, *e]\n  a: 5\ny:\n  <<: *d\nz: *e\n";
    let found = read("a.yaml", text).unwrap();
    assert_eq!(found["x"], serde_json::json!({"a": 5, "b": 2, "c": 3}));
    assert_eq!(found["y"], serde_json::json!({"a": 1, "b": 2}));
    assert_eq!(found["z"], serde_json::json!({"c": 3}));
}

/// Each refused, or read, in a moment.
#[test]
fn what_means_harm_is_bounded() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (one, other) in ('a'..='y').zip('b'..='z') {
        let ones = vec![format!("*{one}"); 6].join(", ");
        writeln!(laughs, "{other}: &{other} [{ones}]").unwrap();
    }
    let deep = |open: &str, close: &str, times: usize| {
        format!("a: {}{}", open.repeat(times), close.repeat(times))
    };
    let merged = format!(
        "d: &d {{{}}}\nx:\n{}",
        (0..2000)
            .map(|n| format!("k{n}: 1"))
            .collect::<Vec<_>>()
            .join(", "),
        "  <<: *d\n".repeat(2000)
    );
    let began = Instant::now();
    for (path, text, word) in [
        ("a.yaml", laughs.as_str(), "100000 values"),
        ("a.yaml", "a: &a [*a]\n", "has not ended"),
        ("a.yaml", &deep("[", "]", 100_000), ""),
        ("a.yaml", &deep("{a: ", "}", 100_000), ""),
        ("a.yaml", &"- ".repeat(100_000), ""),
        ("a.yaml", &merged, "100000 values"),
        ("a.yaml", &"a".repeat(LONGEST + 1), "1 MiB"),
        ("a.toml", &"a".repeat(LONGEST + 1), "1 MiB"),
        ("a.toml", &deep("[", "]", 100_000).replace(':', " ="), ""),
        ("a.toml", &format!("[{}]", vec!["a"; 100_000].join(".")), ""),
        ("a.json", &"[".repeat(100_000), "nesting"),
    ] {
        let start = text.get(..20.min(text.len())).unwrap();
        let said = read(path, text).expect_err(start);
        assert!(said.contains(word), "{start}: {said}");
    }
    assert!(read("a.yaml", &deep("[", "]", DEEPEST - 2)).is_ok());
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
}
