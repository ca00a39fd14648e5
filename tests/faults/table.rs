//! The table of the fault suite in `README.md` beside this file: written by `tests/faults/table` from what the
//! last run saw, checked here for its rows.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::limits;
use super::record::Record;
use super::rows::ROWS;

const HEAD: &str = "\
# Faults

What goes wrong, what is demanded then, and what was seen: written by `tests/faults/table`, which runs the suite.
In each, nine other servers are called all the time, all at once; not one of their calls may fail, and the p99 of any
200 in a row stays within twice what it was before, or 150 ms. The time in which the kernel had no core for the
gateway, the server called or the test is left out. Times are those of two shared cores, debug build.

| | fault | demanded | struck | seen |
|---|---|---|---|---|
";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/faults/README.md")
}

#[test]
fn every_row_has_a_test() {
    let myself = std::env::current_exe().expect("we run");
    let output = Command::new(myself).arg("--list").output().expect("we run");
    let list = String::from_utf8(output.stdout).expect("names are text");
    let missing: Vec<String> = ROWS
        .iter()
        .map(super::rows::Row::test)
        .chain(limits::tests())
        .filter(|test| {
            !list
                .lines()
                .any(|line| line.ends_with(&format!("{test}: test")))
        })
        .collect();
    assert_eq!(missing, [""; 0], "rows without a test");
}

#[test]
fn the_table_has_every_row() {
    if std::env::var("MCPROXY_FAULTS_TABLE").is_ok_and(|value| value == "write") {
        fs::write(path(), written() + &limits::written()).expect("the project is ours");
    }
    let table = fs::read_to_string(path()).expect("run tests/faults/table");
    for row in &ROWS {
        let start = format!("| {} | {} | {} | ", row.number, row.fault, row.demanded);
        let line = table.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("no line {start:?}: run tests/faults/table"));
        assert!(
            !line.ends_with("|  |  |"),
            "no figures of row {}",
            row.number
        );
    }
    limits::check(&table);
}

fn written() -> String {
    let mut text = HEAD.to_owned();
    for row in &ROWS {
        let record = Record::of(&row.test()).unwrap_or_default();
        let cell = |list: &[String]| list.join("<br>").replace('|', "\\|");
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.number,
            row.fault,
            row.demanded,
            cell(&record.proofs),
            cell(&record.figures)
        )
        .expect("a String takes every write");
    }
    text
}
