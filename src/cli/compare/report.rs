//! What was found: as a table for people, or as JSON for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::check::count;
use super::super::table;
use super::Offered;
use super::difference::{Difference, How, Place};
use crate::protocol::mcp::item::Kind;

/// How many places of an entry the table names.
const PLACES: usize = 4;
/// How much of a name it shows.
const LONGEST: usize = 100;

/// The columns of the table: what is compared, its name, what differs.
pub(super) fn table(
    sides: [&Offered; 2],
    found: &[Difference],
    out: &mut dyn Write,
) -> io::Result<()> {
    for (name, side) in ["old", "new"].into_iter().zip(sides) {
        writeln!(out, "{name}: {}: {}", side.url, counts(side).join(", "))?;
    }
    writeln!(out)?;
    if !found.is_empty() {
        let mut lines = vec![["KIND", "NAME", "DIFFERENCE"].map(str::to_owned).to_vec()];
        lines.extend(found.iter().map(line));
        table::print(&lines, out)?;
    }
    writeln!(out, "{}", summary(found))
}

fn counts(side: &Offered) -> Vec<String> {
    let each = Kind::ALL.into_iter().zip(&side.lists);
    each.map(|(list, entries)| count(entries.len(), kind(list)))
        .collect()
}

fn kind(list: Kind) -> &'static str {
    match list {
        Kind::Tools => "tool",
        Kind::Prompts => "prompt",
        Kind::Resources => "resource",
        Kind::Templates => "template",
    }
}

fn line(difference: &Difference) -> Vec<String> {
    let how = match &difference.how {
        How::OnlyOld => "only in old".to_owned(),
        How::OnlyNew => "only in new".to_owned(),
        How::Differs(places) => format!("differs: {}", named(places)),
    };
    vec![
        kind(difference.list).to_owned(),
        shown(&difference.name),
        how,
    ]
}

fn named(places: &[Place]) -> String {
    let named = places.iter().take(PLACES).map(|place| shown(&place.at));
    let named = named.collect::<Vec<_>>().join(", ");
    match places.len().saturating_sub(PLACES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// What a server wrote, on one line and not too long.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

fn summary(found: &[Difference]) -> String {
    if found.is_empty() {
        return "no difference".to_owned();
    }
    let of = |is: fn(&How) -> bool| found.iter().filter(|found| is(&found.how)).count();
    let kinds = [
        (of(|how| *how == How::OnlyOld), "only in old"),
        (of(|how| *how == How::OnlyNew), "only in new"),
        (
            of(|how| matches!(how, How::Differs(_))),
            "in both, not the same",
        ),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<String> = kinds
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let all = count(found.len(), "difference");
    format!("{all}: {}", kinds.join(", "))
}

/// The same for programs, with what is there in each.
pub(super) fn json(
    sides: [&Offered; 2],
    found: &[Difference],
    out: &mut dyn Write,
) -> io::Result<()> {
    let side = |side: &Offered| {
        let [tools, prompts, resources, templates] = side.lists.each_ref().map(Vec::len);
        json!({ "url": side.url, "tools": tools, "prompts": prompts, "resources": resources,
            "templates": templates })
    };
    let [old, new] = sides.map(side);
    let found: Vec<Value> = found.iter().map(entry).collect();
    let report = json!({ "old": old, "new": new, "same": found.is_empty(), "differences": found });
    writeln!(out, "{report:#}")
}

fn entry(difference: &Difference) -> Value {
    let (kind, name) = (kind(difference.list), &difference.name);
    let place = |place: &Place| json!({ "at": place.at, "old": place.old, "new": place.new });
    match &difference.how {
        How::OnlyOld => json!({ "kind": kind, "name": name, "is": "only_in_old" }),
        How::OnlyNew => json!({ "kind": kind, "name": name, "is": "only_in_new" }),
        How::Differs(places) => {
            let places: Vec<Value> = places.iter().map(place).collect();
            json!({ "kind": kind, "name": name, "is": "differs", "in": places })
        }
    }
}
