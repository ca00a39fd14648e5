//! Names that break a client: models' APIs refuse a whole request for one name in it that is too long,
//! or has another character than letters, digits, `_` and `-` (`[a-zA-Z0-9_-]{1,64}` is what passes
//! everywhere). They are offered all the same, since other clients can use them, and are warned of.

use std::collections::BTreeMap;

use crate::ids::ServerName;

/// What passes.
const LONGEST: usize = 64;
/// From here on it may be too long where it arrives: clients put `mcp__` and their own name for the
/// gateway in front of it, as in `mcp__mcproxy__`, which is 14.
pub(super) const NEARLY: usize = 50;
/// So many names are shown, and so much of each.
const NAMED: usize = 5;
const SHOWN: usize = 100;

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unfit {
    Characters,
    Long,
    NearlyLong,
}

impl Unfit {
    fn of(merged: &str) -> Option<Self> {
        let length = merged.chars().count();
        if !merged.chars().all(is_plain) {
            Some(Self::Characters)
        } else if length > LONGEST {
            Some(Self::Long)
        } else {
            (length >= NEARLY).then_some(Self::NearlyLong)
        }
    }

    fn text(self, server: &ServerName, names: &str) -> String {
        match self {
            Self::Characters => format!(
                "Server '{server}' offers names with other characters than letters, digits, '_' and '-', \
                 for which models' APIs refuse all tools of a client: {names}. Write \"names\": \"safe\" into its \
                 entry, or give them others with 'rename'"
            ),
            Self::Long => format!(
                "Server '{server}' offers names of more than {LONGEST} characters, for which models' APIs \
                 refuse all tools of a client: {names}. Write \"names\": \"safe\" into its entry, give them others with \
                 'rename', or give it a shorter 'prefix'"
            ),
            Self::NearlyLong => format!(
                "Server '{server}' offers names of {NEARLY} characters and more, which are over \
                 {LONGEST} where a client puts 'mcp__' and its name for the gateway in front: {names}. \
                 If tools are missing there, write \"names\": \"safe\" into its entry, or give it a shorter 'prefix'"
            ),
        }
    }
}

/// Whether a character passes everywhere.
pub(super) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Those that one server offers.
#[derive(Debug, Default)]
pub(super) struct UnfitNames(BTreeMap<Unfit, (Vec<String>, usize)>);

impl UnfitNames {
    /// Looks at one of them.
    pub(super) fn note(&mut self, merged: &str) {
        let Some(unfit) = Unfit::of(merged) else {
            return;
        };
        let (named, more) = self.0.entry(unfit).or_default();
        if named.len() < NAMED {
            named.push(shown(merged));
        } else {
            *more += 1;
        }
    }

    /// What is to be said of `server`.
    pub(super) fn warnings(self, server: &ServerName) -> Vec<String> {
        let warning = |(unfit, (named, more)): (Unfit, (Vec<String>, usize))| {
            let names = named.join(", ");
            match more {
                0 => unfit.text(server, &names),
                more => unfit.text(server, &format!("{names} and {more} more")),
            }
        };
        self.0.into_iter().map(warning).collect()
    }
}

fn shown(name: &str) -> String {
    let mut shown: String = name
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().count() > SHOWN {
        shown.push('…');
    }
    format!("'{shown}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerName {
        ServerName::new("s").unwrap()
    }

    #[test]
    fn a_name_is_judged_as_models_do() {
        for (name, expected) in [
            ("s__get-it_9", None),
            ("s__get.it", Some(Unfit::Characters)),
            ("s__get/it", Some(Unfit::Characters)),
            ("s__get it", Some(Unfit::Characters)),
            ("s__查询", Some(Unfit::Characters)),
            ("s__", None),
        ] {
            assert_eq!(Unfit::of(name), expected, "{name}");
        }
        for (length, expected) in [
            (49, None),
            (50, Some(Unfit::NearlyLong)),
            (64, Some(Unfit::NearlyLong)),
            (65, Some(Unfit::Long)),
        ] {
            assert_eq!(Unfit::of(&"x".repeat(length)), expected, "{length}");
        }
    }

    #[test]
    fn ten_thousand_are_one_line_with_the_remedy() {
        let mut names = UnfitNames::default();
        for number in 0..10_000 {
            names.note(&format!("s__{number}{}", "x".repeat(9_000)));
        }
        names.note("s__a\tb");
        let warnings = names.warnings(&server());
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].contains(r"'s__a\tb'"), "{}", warnings[0]);
        assert!(warnings[1].contains("and 9995 more") && warnings[1].contains("'prefix'"));
        assert!(warnings.iter().all(|text| text.len() < 1_000));
    }
}
