//! Rules for tools beside the servers, by names that have the server's in front: `server_tool`,
//! `server*`. Each is found by its beginning: a file may have as many rules as servers.

use std::collections::BTreeMap;

/// No name of a server is longer.
const LONGEST: usize = 64;

/// The servers of a file, by their names in letters, digits and `_` alone, as programs have them in rules.
#[derive(Default)]
pub(super) struct Rules(BTreeMap<String, Vec<usize>>);

impl Rules {
    /// A server of this name is at `place`.
    pub(super) fn add(&mut self, name: &str, place: usize) {
        self.0.entry(plain(name)).or_default().push(place);
    }

    /// What `rule` is about: places, and the tool, or `*` for all of them. `between` stands after the name.
    pub(super) fn find<'r>(&self, rule: &'r str, between: &str) -> Vec<(usize, &'r str)> {
        let mut found: Vec<(usize, &str)> = Vec::new();
        for (at, _) in rule
            .match_indices(between)
            .take_while(|(at, _)| *at <= 4 * LONGEST)
        {
            let (name, rest) = rule.split_at(at);
            let own = rest.strip_prefix(between).unwrap_or_default();
            let places = self.0.get(&plain(name)).filter(|_| !own.is_empty());
            found.extend(places.into_iter().flatten().map(|place| (*place, own)));
        }
        // `server*`, `serv*` and `*` take all of it, and perhaps another's.
        let start = rule.strip_suffix('*').filter(|start| !start.contains('*'));
        if let Some(start) = start.map(plain) {
            let from = self.0.range(start.clone()..);
            let all = from.take_while(|(name, _)| name.starts_with(&start));
            found.extend(
                all.flat_map(|(_, places)| places)
                    .map(|place| (*place, "*")),
            );
        }
        found
    }
}

fn plain(text: &str) -> String {
    let letters = text.chars();
    letters
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_about_each_server_whose_name_it_begins_with() {
        let mut rules = Rules::default();
        for (place, name) in ["gh", "gh_x", "my.files", "ü"].into_iter().enumerate() {
            rules.add(name, place);
        }
        for (rule, expected) in [
            ("gh_delete", vec![(0, "delete")]),
            ("gh_x_y", vec![(0, "x_y"), (1, "y")]),
            ("my_files_read", vec![(2, "read")]),
            ("gh_", vec![]),
            ("gh*", vec![(0, "*"), (1, "*")]),
            ("gh_x*", vec![(0, "x*"), (1, "*")]),
            ("*", vec![(2, "*"), (0, "*"), (1, "*"), (3, "*")]),
            ("bash", vec![]),
            ("", vec![]),
        ] {
            let mut found = rules.find(rule, "_");
            let mut expected = expected;
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{rule}");
        }
    }
}
