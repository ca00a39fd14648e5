//! The second table of `README.md`: the limits as the gateway has them, and what was seen when they were reached.

use std::fmt::Write as _;

use mcproxy::config::limits::TABLE;

use super::{REACHED, Reached, limit};
use crate::record::Record;
use crate::rows::{self, Named as _};

const HEAD: &str = "
# Limits

The settings of the `gateway` object. Each is reached by force, by a row above or by a test of its own; what is
demanded of the bystanders is the same.

| limit | default | set to | over it | reached | seen |
|---|---|---|---|---|---|
";

#[test]
fn every_limit_is_reached_somewhere() {
    let ours: Vec<&str> = REACHED.iter().map(|(name, _)| *name).collect();
    let all: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(ours, all);
}

/// The names of the tests.
pub(crate) fn tests() -> impl Iterator<Item = String> {
    let is_here = |reached: &Reached| matches!(reached, Reached::Here(_));
    let here = REACHED.iter().filter(move |(_, reached)| is_here(reached));
    here.map(|(name, _)| name.test())
}

/// The table, from what was seen the last time.
pub(crate) fn written() -> String {
    let mut text = HEAD.to_owned();
    for (name, reached) in REACHED {
        let line = match reached {
            Reached::Here(set_to) => {
                let record = Record::of(&name.test()).unwrap_or_default();
                let cell = |list: &[String]| list.join("<br>").replace('|', "\\|");
                let (struck, seen) = (cell(&record.proofs), cell(&record.figures));
                format!("{set_to} | {} | {struck} | {seen}", limit(name).1.over)
            }
            Reached::Rows(numbers) => {
                let rows = numbers
                    .iter()
                    .map(|number| rows::of(*number).number.to_string());
                let rows = rows.collect::<Vec<_>>().join(", ");
                format!("| {} | row {rows} | there", limit(name).1.over)
            }
        };
        writeln!(text, "{}{line} |", start(name)).expect("a String takes every write");
    }
    text
}

fn start(name: &str) -> String {
    let row = limit(name).1;
    format!("| `{name}` | {} | ", row.unit.show(row.default))
}

/// That the written table has every limit, with its figures.
pub(crate) fn check(table: &str) {
    for (name, _) in REACHED {
        let start = start(name);
        let line = table.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("no line {start:?}: run tests/faults/table"));
        assert!(!line.ends_with("|  |  |"), "no figures of {name}");
    }
}
