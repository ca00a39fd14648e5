//! The limits: the `gateway` object, what stands above what, and that schema, example and documents
//! say what the table says.

use serde_json::Value;

use super::{entries, env, load, problems};
use std::path::Path;

use crate::config::limits::{Given, Limits, Row, TABLE};
use crate::config::{Unit, parse_under};

fn limits(text: &str) -> Limits {
    let default = Limits::default();
    default.with(&load(text).config.limits, &default)
}

fn row(name: &str) -> &'static Row {
    TABLE.iter().find(|row| row.name == name).unwrap()
}

#[test]
fn every_dialect_with_fields_takes_limits() {
    for servers in [
        r#""servers": []"#,
        r#""mcpServers": {}"#,
        r#""servers": {}"#,
    ] {
        let text = format!(
            r#"{{"gateway": {{"max_sessions": 5, "max_body_bytes": "1MiB", "drain_timeout": "500ms"}}, {servers}}}"#
        );
        let expected = Limits {
            max_sessions: 5,
            max_body_bytes: 1 << 20,
            drain_timeout: std::time::Duration::from_millis(500),
            ..Limits::default()
        };
        assert_eq!(problems(&load(&text)), [""; 0]);
        assert_eq!(limits(&text), expected);
    }
    assert_eq!(
        limits(r#"{"servers": [], "gateway": null}"#),
        Limits::default()
    );
}

#[test]
fn a_wrong_limit_is_reported_with_its_place_and_disturbs_nothing() {
    let parsed = load(
        r#"{
  "gateway": {
    "max_sesions": 5,
    "max_sessions": 0,
    "max_body_bytes": "16MB",
    "max_line_bytes": true,
    "peer_timeout": "60",
    "drain_timeout": 5000,
    "max_connections": 7,
    "max_connections": 8,
    "//": "ours"
  },
  "gateway": {},
  "servers": [{"name": "good", "command": "x"}]
}"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    warning at line 3, column 5 (gateway.max_sesions): unknown field 'max_sesions', ignored; did you mean 'max_sessions'?
    error at line 4, column 21 (gateway.max_sessions): 'max_sessions': a whole number from 1 to 1000000 is needed; until it is mended the limit stays what it is
    error at line 5, column 23 (gateway.max_body_bytes): 'max_body_bytes': a number of bytes or a size such as 16MiB is needed, from 1KiB to 1GiB; until it is mended the limit stays what it is
    error at line 6, column 23 (gateway.max_line_bytes): 'max_line_bytes': a number of bytes or a size such as 16MiB is needed, from 1KiB to 1GiB, not true or false; until it is mended the limit stays what it is
    error at line 7, column 21 (gateway.peer_timeout): 'peer_timeout': a number of seconds from 1 to 3600 is needed, without quotes or with a unit such as "30s"; until it is mended the limit stays what it is
    error at line 8, column 22 (gateway.drain_timeout): 'drain_timeout': a number of seconds from 0 to 3600 is needed; if milliseconds were meant, write 5; until it is mended the limit stays what it is
    error at line 10, column 5 (gateway.max_connections): 'max_connections' is here twice; keep one of them
    error at line 13, column 14 (gateway): 'gateway' is here twice; the first is used; make one of the two
    "#);
    assert_eq!(entries(&parsed), ["good"]);

    let former = Limits {
        max_sessions: 77,
        ..Limits::default()
    };
    let now = Limits::default().with(&parsed.config.limits, &former);
    assert_eq!((now.max_sessions, now.max_connections), (77, 7));
    assert_eq!(former.changes(&now), ["max_connections 1024 -> 7"]);
}

#[test]
fn a_gateway_that_is_no_object_changes_nothing() {
    let parsed = load(r#"{"gateway": 5, "servers": []}"#);
    assert!(problems(&parsed)[0].contains("'gateway' is an object, not a number"));
    let former = Limits {
        max_sessions: 77,
        ..Limits::default()
    };
    assert_eq!(
        Limits::default().with(&parsed.config.limits, &former),
        former
    );
}

#[test]
fn limits_that_contradict_each_other_are_warned_of() {
    let said = |gateway: &str| {
        let text = format!(r#"{{"gateway": {gateway}, "servers": []}}"#);
        problems(&load(&text)).join("\n")
    };
    assert_eq!(
        said(r#"{"max_restart_delay": 0.1}"#),
        "warning at line 1, column 35 (gateway.max_restart_delay): 'max_restart_delay' (0.1) is less than \
         'restart_delay' (0.5); a restart waits for the longer of the two"
    );
    let place = "line 1, column 31 (gateway.restart_delay)";
    assert!(said(r#"{"restart_delay": 90}"#).contains(place));
    assert!(said(r#"{"max_bodies_in_flight_bytes": "1MiB"}"#).contains("'max_body_bytes' (16MiB)"));
    assert_eq!(said(r#"{"restart_delay": 2, "max_restart_delay": 2}"#), "");

    // What the command line says counts, and has no place of its own.
    let mut command_line = Given::default();
    command_line.set(row("max_restart_delay"), 100);
    let said = |text: &str| {
        problems(&parse_under(text, &env, Path::new(""), &command_line).unwrap()).join("\n")
    };
    assert_eq!(said(r#"{"gateway": {}, "servers": []}"#), "");
    let place = r#"{"gateway": {"restart_delay": 1}, "servers": []}"#;
    assert!(said(place).contains("'max_restart_delay' (0.1) is less"));
}

#[test]
fn a_wrong_number_of_servers_says_with_which_the_file_is_read() {
    let parsed = load(r#"{"gateway": {"max_servers": 0}, "servers": []}"#);
    let said = problems(&parsed).join("\n");
    assert!(
        said.ends_with("stays what it is, and this file is read with the default, 256"),
        "{said}"
    );
}

#[test]
fn servers_beyond_the_limit_are_refused_with_their_place() {
    let text = r#"{"gateway": {"max_servers": 2}, "servers": [
        {"name": "a", "command": "x"},
        {"name": "off", "command": "x", "enabled": false},
        {"name": "b", "command": "x"},
        {"name": "c", "command": "x"}]}"#;
    let parsed = load(text);
    assert_eq!(entries(&parsed), ["a", "off (off)", "b", "c (refused)"]);
    let said = problems(&parsed).join("\n");
    assert!(
        said.starts_with("error at line 5, column ") && said.contains("'max_servers'"),
        "{said}"
    );

    let mut command_line = Given::default();
    command_line.set(row("max_servers"), 1);
    let parsed = parse_under(text, &env, Path::new(""), &command_line).unwrap();
    assert_eq!(
        entries(&parsed),
        ["a", "off (off)", "b (refused)", "c (refused)"]
    );
}

#[test]
fn each_limit_can_be_set_and_is_what_was_set() {
    let default = Limits::default();
    for row in TABLE {
        assert!(
            (row.least..=row.most).contains(&row.default),
            "{}",
            row.name
        );
        let (mut given, other) = (Given::default(), row.least + 1);
        given.set(row, other);
        let now = default.with(&given, &default);
        let (from, to) = (row.unit.show(row.default), row.unit.show(other));
        assert_eq!(
            default.changes(&now),
            [format!("{} {from} -> {to}", row.name)]
        );
    }
}

/// What the file would have: a number of seconds is not one of milliseconds.
fn natural(row: &Row, amount: u64) -> f64 {
    let amount = f64::from(u32::try_from(amount >> 10).unwrap()) * 1024.0
        + f64::from(u32::try_from(amount % 1024).unwrap());
    if row.unit == Unit::Seconds {
        amount / 1000.0
    } else {
        amount
    }
}

#[test]
fn the_schema_has_every_limit_as_the_table_has_it() {
    let text = include_str!("../../../config/mcp-servers.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let properties = schema
        .pointer("/oneOf/1/properties/gateway/properties")
        .unwrap();
    let others = [
        "env_file",
        "idle_timeout",
        "instructions_budget",
        "names",
        "protocol",
        "start",
    ];
    assert_eq!(
        properties.as_object().unwrap().len(),
        TABLE.len() + others.len()
    );
    for row in TABLE {
        let field = &properties[row.name];
        assert_eq!(
            field["description"],
            format!("{}.", row.what),
            "{}",
            row.name
        );
        let number = |key: &str| field[key].as_f64();
        assert_eq!(
            number("minimum"),
            Some(natural(row, row.least)),
            "{}",
            row.name
        );
        assert_eq!(
            number("maximum"),
            Some(natural(row, row.most)),
            "{}",
            row.name
        );
        match row.unit {
            Unit::Bytes => assert_eq!(field["default"], row.unit.show(row.default)),
            Unit::Count | Unit::Seconds => {
                let is_time = field["pattern"] == "^[0-9.]+ ?(ms|s|m|min|h|d)$";
                assert_eq!(is_time, row.unit == Unit::Seconds, "{}", row.name);
                assert_eq!(
                    number("default"),
                    Some(natural(row, row.default)),
                    "{}",
                    row.name
                );
            }
        }
    }
}

#[test]
fn the_example_has_every_limit_with_its_default() {
    let text = include_str!("../../../config/examples/every-field.json");
    assert_eq!(limits(text), Limits::default());
    for row in TABLE {
        assert!(
            text.contains(&format!("\"{}\": ", row.name)),
            "{}",
            row.name
        );
    }
}

#[test]
fn the_documents_have_every_limit_as_the_table_has_it() {
    let page = include_str!("../../../docs/limits.md");
    let mut last = 0;
    for row in TABLE {
        let what = row.what.chars().next().map(|c| c.to_ascii_lowercase());
        let what = format!("{}{}", what.unwrap(), &row.what[1..]);
        let unit = if row.unit == Unit::Seconds { " s" } else { "" };
        let default = row.unit.show(row.default);
        let over = if row.over.is_empty() { "–" } else { row.over };
        let line = format!("| `{}` | {what} | {default}{unit} | {over} |", row.name);
        let at = page
            .find(&line)
            .unwrap_or_else(|| panic!("docs/limits.md lacks: {line}"));
        assert!(at > last, "out of order: {line}");
        last = at;
    }
}
