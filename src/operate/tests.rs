//! What is printed, for people and for programs.

use super::screen::{Cell, Screen, Tint, cut, shown};
use super::units::{bytes, time};

/// What is printed, on a terminal or in a pipe.
fn printed(is_terminal: bool, print: impl FnOnce(&mut Screen<'_>)) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    print(&mut Screen::new(&mut out, &mut err, [is_terminal, false]));
    String::from_utf8(out).unwrap()
}

const HOSTILE: &str = "a\u{1b}[2J\u{7}\u{9b}31m\u{202e}b\r\nc\u{85}";

#[test]
fn nothing_that_others_say_acts_on_a_terminal() {
    let plain = |text: &str| {
        let acts = |c: char| c.is_control() && c != '\n';
        !text.chars().any(|c| acts(c) || c == '\u{202e}')
    };
    assert!(plain(&shown(HOSTILE)) && !shown(HOSTILE).contains('\n'));
    let line = printed(true, |screen| screen.line(HOSTILE).unwrap());
    assert!(plain(&line) && line.lines().count() == 1, "{line:?}");
    let passage = printed(true, |screen| screen.passage(HOSTILE).unwrap());
    assert!(
        plain(&passage) && passage.lines().count() == 2,
        "{passage:?}"
    );
    let table = printed(false, |screen| {
        screen.table(&["X"], &[vec![HOSTILE.into()]]).unwrap();
    });
    assert!(plain(&table) && table.lines().count() == 2, "{table:?}");
    let piped = printed(false, |screen| screen.passage(HOSTILE).unwrap());
    assert_eq!(piped, format!("{HOSTILE}\n"), "it is for a program");
    assert_eq!(shown("né 日本 👩‍💻"), "né 日本 👩‍💻");
}

#[test]
fn json_stays_json_and_acts_on_no_terminal() {
    let text = "a\u{7f}\u{9b}31m\u{202e}b\u{2028}\u{200f}c\u{1b}[2J\n\t😀";
    let json = serde_json::json!({ "text": text });
    let line = printed(true, |screen| {
        screen.json_line(&format!("{json:#}")).unwrap();
    });
    assert_eq!(
        line,
        format!("{}\n", shown(line.trim_end())),
        "nothing is left to escape"
    );
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read, json);
}

#[test]
fn columns_are_as_wide_as_what_is_in_them() {
    let rows = [
        vec![Cell::tinted("é", Tint::Good), "long one".into(), "".into()],
        vec!["long".into(), "".into(), "x".into()],
    ];
    let plain = printed(false, |screen| {
        screen.table(&["A", "B", "C"], &rows).unwrap();
    });
    assert_eq!(
        plain,
        "A     B         C\né     long one\nlong            x\n"
    );
    let coloured = printed(true, |screen| {
        screen.table(&["A", "B", "C"], &rows).unwrap();
    });
    assert!(
        coloured.contains("\u{1b}[32mé\u{1b}[0m     long one\n"),
        "{coloured:?}"
    );
    assert_eq!(cut("abcd", 3), "ab…");
    assert_eq!(cut("abc", 3), "abc");
}

#[test]
fn times_and_sizes_are_short() {
    let times = [0.25, 45.9, 130.0, 7500.0, 200_000.0].map(time);
    assert_eq!(times, ["0.2 s", "45 s", "2 min", "2 h 5 min", "2 d 7 h"]);
    let sizes = [0, 1023, 1536, 3 << 20, 5 << 40].map(bytes);
    assert_eq!(sizes, ["0 B", "1023 B", "1.5 KiB", "3.0 MiB", "5120.0 GiB"]);
}
