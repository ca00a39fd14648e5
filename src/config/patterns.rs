//! Which names are shown: what is allowed, less what is denied. In a pattern `*` stands for any
//! characters, also for none, and `?` for one; everything else stands for itself, so that URIs and
//! their templates can be written as they are.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use jsonc_parser::ast::Value;

use super::error::quoted;
use super::fields;
use super::notes::{Finding, Notes};
use super::values::{self, Field};

/// The patterns of a list, and the bytes of one, at most: they are held against the names that servers
/// make up.
const MOST: usize = 1000;
const LONGEST: usize = 1024;
/// So many rules that match nothing are named, each with a suggestion from among so many names.
const NAMED: usize = 5;
const COMPARED: usize = 5000;

/// Patterns of names. Copies share them; without any, all names are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns(Option<Arc<Rules>>);

#[derive(Debug, PartialEq, Eq)]
struct Rules {
    /// Everything, if nobody says so.
    allow: Option<List>,
    deny: List,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct List {
    exact: BTreeSet<Box<str>>,
    globs: Vec<Box<str>>,
}

/// Rules of one list that match none of the names there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle<'r> {
    /// `allow` or `deny`.
    pub list: &'static str,
    /// The first of them.
    pub rule: &'r str,
    /// What may have been meant.
    pub meant: Option<String>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for Idle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in '{}'", quoted(self.rule), self.list)?;
        if self.more > 0 {
            write!(f, " (and {} more)", self.more)?;
        }
        f.write_str(" matches nothing")?;
        match &self.meant {
            Some(meant) => write!(f, "; did you mean {}?", quoted(meant)),
            None => Ok(()),
        }
    }
}

impl Patterns {
    /// What `allow` lets through, everything if it is `None`, less what `deny` keeps out.
    #[must_use]
    pub fn new(allow: Option<Vec<String>>, deny: Vec<String>) -> Self {
        if allow.is_none() && deny.is_empty() {
            return Self::default();
        }
        let (allow, deny) = (allow.map(List::of), List::of(deny));
        Self(Some(Arc::new(Rules { allow, deny })))
    }

    /// Whether all names are shown, whatever they are.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Whether this name is shown.
    #[must_use]
    pub fn shows(&self, name: &str) -> bool {
        !self.denies(name) && self.allows(name).unwrap_or(true)
    }

    /// Whether this name is denied, whatever else is said of it.
    #[must_use]
    pub fn denies(&self, name: &str) -> bool {
        let rules = self.0.as_deref();
        rules.is_some_and(|rules| rules.deny.matches(name))
    }

    /// Whether the list of what is allowed has this name; `None` if there is no such list.
    #[must_use]
    pub fn allows(&self, name: &str) -> Option<bool> {
        let allow = self.0.as_deref()?.allow.as_ref()?;
        Some(allow.matches(name))
    }

    /// The same rules, each as `respelt` writes it.
    #[must_use]
    pub fn respelt(&self, respelt: impl Fn(&str) -> String) -> Self {
        let list = |list: &List| List {
            exact: list.exact.iter().map(|rule| respelt(rule).into()).collect(),
            globs: list.globs.iter().map(|rule| respelt(rule).into()).collect(),
        };
        let rules = self.0.as_deref().map(|rules| Rules {
            allow: rules.allow.as_ref().map(list),
            deny: list(&rules.deny),
        });
        Self(rules.map(Arc::new))
    }

    /// The rules that match none of `names`.
    #[must_use]
    pub fn idle(&self, names: &[&str]) -> Vec<Idle<'_>> {
        let Some(rules) = self.0.as_deref() else {
            return Vec::new();
        };
        let known: HashSet<&str> = names.iter().copied().collect();
        let allow = rules.allow.iter().flat_map(|allow| allow.idle(&known));
        let mut idle = named("allow", allow.collect(), names);
        idle.extend(named("deny", rules.deny.idle(&known), names));
        idle
    }
}

/// Those of the names in `list` that are none of `names`.
#[must_use]
pub fn unknown<'r>(
    list: &'static str,
    said: impl Iterator<Item = &'r Box<str>>,
    names: &[&str],
) -> Vec<Idle<'r>> {
    let known: HashSet<&str> = names.iter().copied().collect();
    let said = said.map(|name| &**name);
    let said = said.filter(|name| !known.contains(name)).collect();
    named(list, said, names)
}

/// The first of what matches nothing, with suggestions.
fn named<'r>(list: &'static str, rules: Vec<&'r str>, names: &[&str]) -> Vec<Idle<'r>> {
    let more = rules.len().saturating_sub(NAMED);
    let first = rules.into_iter().take(NAMED);
    let mut idle: Vec<Idle<'r>> = first
        .map(|rule| Idle {
            list,
            rule,
            meant: meant(rule, names),
            more: 0,
        })
        .collect();
    if let Some(last) = idle.last_mut() {
        last.more = more;
    }
    idle
}

impl List {
    fn of(patterns: Vec<String>) -> Self {
        let mut list = Self::default();
        for pattern in patterns {
            if pattern.contains(['*', '?']) {
                list.globs.push(pattern.into());
            } else {
                list.exact.insert(pattern.into());
            }
        }
        list
    }

    fn matches(&self, name: &str) -> bool {
        self.exact.contains(name) || self.globs.iter().any(|glob| matches(glob, name))
    }

    fn idle(&self, names: &HashSet<&str>) -> Vec<&str> {
        let exact = self.exact.iter().filter(|rule| !names.contains(&***rule));
        let is_idle = |glob: &str| !names.iter().any(|name| matches(glob, name));
        let globs = self.globs.iter().filter(|glob| is_idle(glob));
        exact.chain(globs).map(|rule| &**rule).collect()
    }
}

/// Whether `name` is what the pattern says. The first of what may be between two `*` is as good as any
/// other, so that nothing is tried twice.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return after(pattern, name) == Some("");
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inside = after(head, name).and_then(|name| before(tail, name));
    let mut middle = middle.split('*');
    inside.is_some_and(|mut name| {
        middle.all(|part| {
            let behind = behind(part, name);
            name = behind.unwrap_or_default();
            behind.is_some()
        })
    })
}

/// What comes after `part`, which `text` begins with.
fn after<'t>(part: &str, text: &'t str) -> Option<&'t str> {
    let mut rest = text.chars();
    let is_it = |wanted: char| rest.next().is_some_and(|c| wanted == '?' || wanted == c);
    part.chars().all(is_it).then_some(rest.as_str())
}

/// What comes before `part`, which `text` ends with.
fn before<'t>(part: &str, text: &'t str) -> Option<&'t str> {
    let mut rest = text.chars();
    let is_it = |wanted: char| {
        let last = rest.next_back();
        last.is_some_and(|c| wanted == '?' || wanted == c)
    };
    part.chars().rev().all(is_it).then_some(rest.as_str())
}

/// What comes after the first `part` in `text`. Linear, save for `?`, where each character may cost the
/// length of the part.
fn behind<'t>(part: &str, text: &'t str) -> Option<&'t str> {
    if !part.contains('?') {
        return text.split_once(part).map(|(_, rest)| rest);
    }
    let mut starts = text.char_indices();
    starts.find_map(|(at, _)| after(part, text.get(at..)?))
}

/// What a rule that matches nothing may have been meant to be: without the prefix that clients see,
/// with it, or a name that is nearly the same.
fn meant(rule: &str, names: &[&str]) -> Option<String> {
    let names = || names.iter().take(COMPARED);
    let has = |pattern: &str| names().any(|name| matches(pattern, name));
    let bare = rule.split_once("__").map(|(_, bare)| bare);
    if let Some(bare) = bare.filter(|bare| !bare.is_empty() && has(bare)) {
        return Some(bare.to_owned());
    }
    let prefixed = format!("*__{rule}");
    if has(&prefixed) {
        return Some(prefixed);
    }
    let plain = fields::plain(rule);
    let is_near = |name: &&&str| fields::is_near(&plain, &fields::plain(name));
    let distance = |name: &&&str| strsim::damerau_levenshtein(&plain, &fields::plain(name));
    let near = names().filter(is_near).min_by_key(distance)?;
    Some((*near).to_owned())
}

/// The patterns in the list that is called `name`. What is wrong in them is an error.
pub(super) fn texts(field: &Field<'_, Value<'_>>, name: &str, notes: &mut Notes) -> Vec<String> {
    let listed = values::list(field, name, notes);
    if listed.len() > MOST {
        let what = format!("'{name}' has more than {MOST} patterns");
        let finding = Finding::error(field.at.clone(), what);
        notes.add(finding.help("one with '*' stands for many names"));
        return Vec::new();
    }
    for pattern in &listed {
        let refuse = |what: String| Finding::error(pattern.at.clone(), what);
        if pattern.value.trim().is_empty() {
            let finding = refuse(format!("a pattern in '{name}' is empty"));
            notes.add(finding.help("remove it; '*' stands for everything"));
        } else if pattern.value.len() > LONGEST {
            let finding = refuse(format!("a pattern has at most {LONGEST} bytes"));
            notes.add(finding.help("shorten it with '*'"));
        }
    }
    let texts = listed.iter().map(|pattern| pattern.value.to_owned());
    texts.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    fn patterns(allow: Option<&[&str]>, deny: &[&str]) -> Patterns {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Patterns::new(allow.map(texts), texts(deny))
    }

    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, yes, no) in [
            ("read", &["read"][..], &["reads", "Read", ""][..]),
            ("*", &["", "a", "a/b", "日本"], &[]),
            ("?", &["a", "本"], &["", "ab"]),
            ("issue_*", &["issue_", "issue_x"], &["issue", "an_issue_x"]),
            ("*_delete", &["a_delete", "_delete"], &["a_deleted"]),
            ("*a*b*", &["ab", "xaxbx"], &["ba", "a"]),
            ("a*a", &["aa", "axa"], &["a", "ab"]),
            ("*ab*ab", &["abab", "xabxab"], &["ab", "aba"]),
            ("a*?c*d", &["abcd", "axxcd"], &["acd", "abc"]),
            (
                "x://{id}?q=*",
                &["x://{id}?q=1", "x://{id}aq="],
                &["x://1?q=1"],
            ),
            ("**", &["", "x"], &[]),
        ] {
            for name in yes {
                assert!(matches(pattern, name), "{pattern} {name}");
            }
            for name in no {
                assert!(!matches(pattern, name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn a_hostile_name_costs_what_its_length_costs() {
        let name = "ab".repeat(1 << 20);
        let began = Instant::now();
        for pattern in ["*abac*", "*a*b*a*c", &"*ab".repeat(300), "*aba?c*", "a*c"] {
            let is_shown = patterns(Some(&[pattern]), &[]).shows(&name);
            assert_eq!(is_shown, pattern.len() > 800, "{pattern}");
        }
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn what_is_denied_is_not_allowed() {
        let open = patterns(None, &[]);
        assert!(open.is_open() && open.shows("x") && open.idle(&[]).is_empty());
        let both = patterns(Some(&["issue_*", "read"]), &["*_delete"]);
        for (name, is_shown) in [
            ("issue_get", true),
            ("read", true),
            ("issue_delete", false),
            ("write", false),
        ] {
            assert_eq!(both.shows(name), is_shown, "{name}");
        }
        assert!(!patterns(Some(&[]), &[]).shows("x"), "nothing is allowed");
        let less = patterns(None, &["x"]);
        assert!(less.shows("y") && !less.shows("x") && less.allows("x").is_none());
        assert_eq!(less, less.clone());
        assert_ne!(less, patterns(None, &["y"]));
    }

    #[test]
    fn a_rule_that_matches_nothing_is_named_with_what_may_be_meant() {
        let names = ["issue_get", "issue_list", "web__search"];
        let said = |allow: &[&str], deny: &[&str]| {
            let patterns = patterns(Some(allow), deny);
            let idle = patterns.idle(&names);
            idle.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(said(&["issue_*", "*"], &["web__search"]), [""; 0]);
        assert_eq!(
            said(
                &["isue_get", "git__issue_*", "search"],
                &["x_*", "Issue-List"]
            ),
            [
                "'isue_get' in 'allow' matches nothing; did you mean 'issue_get'?",
                "'search' in 'allow' matches nothing; did you mean '*__search'?",
                "'git__issue_*' in 'allow' matches nothing; did you mean 'issue_*'?",
                "'Issue-List' in 'deny' matches nothing; did you mean 'issue_list'?",
                "'x_*' in 'deny' matches nothing",
            ]
        );
        let many: Vec<String> = (0..1000)
            .map(|number| format!("nothing-{number}"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let said = said(&many, &[]);
        assert_eq!(said.len(), NAMED);
        assert!(said[NAMED - 1].contains("(and 995 more)"), "{said:?}");
    }
}
