//! What of a server's lists the status has to say that clients do not see: lists that could not be read, and
//! entries that are left out.

use serde::Serialize;

use crate::tree::registry::Catalogue;

/// What the status says of entries that are left out for more faults than are told apart.
const OTHER_FAULTS: &str = "other faults";

/// A list that could not be read, or not to its end.
#[derive(Debug, Clone, Serialize)]
pub struct Unread {
    /// The method that asks for it.
    pub list: &'static str,
    /// Why, in the gateway's own words.
    pub why: String,
    /// How many entries stand for it: those offered before, or its first pages.
    pub entries: usize,
}

/// Entries that clients would refuse with their whole list, all for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// The method that asks for the list.
    pub list: &'static str,
    /// What is wrong with them.
    pub why: String,
    /// How many there are.
    pub count: usize,
    /// Their names, 1000 of a list at most.
    pub entries: Vec<String>,
}

/// The lists of a server that could not be read to their end.
pub(in crate::tree::root) fn unread(catalogue: &Catalogue) -> Vec<Unread> {
    let gaps = catalogue.gaps.iter();
    let all = gaps.filter_map(|(kind, gap)| {
        Some(Unread {
            list: kind.method(),
            why: gap.why()?.to_owned(),
            entries: catalogue.items(*kind).len(),
        })
    });
    all.collect()
}

/// The entries of a server's lists that clients do not get.
pub(in crate::tree::root) fn left_out(catalogue: &Catalogue) -> Vec<LeftOut> {
    let lists = catalogue.odd.iter();
    let all = lists.flat_map(|(kind, odd)| {
        let left_out = |why, count, entries| LeftOut {
            list: kind.method(),
            why,
            count,
            entries,
        };
        let others = Some(odd.others()).filter(|count| *count > 0);
        let others = others.map(|count| left_out(OTHER_FAULTS.to_owned(), count, Vec::new()));
        let named = odd.left_out();
        let named = named.map(move |(fault, named)| {
            left_out(fault.to_string(), named.count, named.names.clone())
        });
        named.chain(others)
    });
    all.collect()
}
