//! Which names are shown: what is allowed, less what is denied. In a pattern `*` stands for any
//! characters, also for none, and `?` for one; everything else stands for itself, so that URIs and
//! their templates can be written as they are.

#[cfg(test)]
mod tests;

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
/// So many rules of a list that match nothing are named, the first with a suggestion.
const NAMED: usize = 5;
/// So many names are looked at for one.
pub const COMPARED: usize = 500;

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

impl Idle<'_> {
    /// What is wrong.
    #[must_use]
    pub fn what(&self) -> String {
        let (rule, list) = (quoted(self.rule), self.list);
        let more = match self.more {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        format!("{rule} in '{list}'{more} matches nothing")
    }

    /// What may have been meant, to stand behind that. It is another as names come and go.
    #[must_use]
    pub fn hint(&self) -> String {
        let meant = self.meant.as_deref().map(quoted);
        meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
    }
}

impl fmt::Display for Idle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.what(), self.hint())
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

    /// The same rules for what stands behind any of `prefixes`: they match a name if they match it with
    /// one, or without.
    #[must_use]
    pub fn behind(&self, prefixes: &[String]) -> Self {
        let list = |list: &List| {
            let behind = |rule| prefixes.iter().flat_map(move |prefix| rests(rule, prefix));
            let rules = list.rules().chain(list.rules().flat_map(behind));
            let rules: BTreeSet<&str> = rules.collect();
            List::of(rules.into_iter().map(str::to_owned).collect())
        };
        let rules = self.0.as_deref().map(|rules| Rules {
            allow: rules.allow.as_ref().map(list),
            deny: list(&rules.deny),
        });
        Self(rules.map(Arc::new))
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists().map(List::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rules that match none of `names`.
    #[must_use]
    pub fn idle(&self, names: &[&str]) -> Vec<Idle<'_>> {
        self.idle_but(&self.hits(names), names)
    }

    /// The numbers of the rules that match any of `names`.
    #[must_use]
    pub fn hits(&self, names: &[&str]) -> BTreeSet<usize> {
        let known: HashSet<&str> = names.iter().copied().collect();
        let hits = self.lists().flat_map(|list| list.hits(&known));
        let hits = hits.enumerate().filter(|(_, is_hit)| *is_hit);
        hits.map(|(number, _)| number).collect()
    }

    /// The rules whose numbers are none of `hits`, with what of `names` may be meant.
    #[must_use]
    pub fn idle_but(&self, hits: &BTreeSet<usize>, names: &[&str]) -> Vec<Idle<'_>> {
        let Some(rules) = self.0.as_deref() else {
            return Vec::new();
        };
        let allow = rules.allow.iter();
        let allow = allow.flat_map(|allow| allow.idle_but(hits, 0));
        let mut idle = named("allow", allow.collect(), names);
        let first = rules.allow.as_ref().map_or(0, List::len);
        idle.extend(named("deny", rules.deny.idle_but(hits, first), names));
        idle
    }

    /// What is allowed, if that is said, and what is denied.
    fn lists(&self) -> impl Iterator<Item = &List> {
        let rules = self.0.as_deref().into_iter();
        rules.flat_map(|rules| rules.allow.iter().chain([&rules.deny]))
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

/// The first of what matches nothing. A suggestion costs a look at many names: one is made.
fn named<'r>(list: &'static str, rules: Vec<&'r str>, names: &[&str]) -> Vec<Idle<'r>> {
    let more = rules.len().saturating_sub(NAMED);
    let first = rules.into_iter().take(NAMED).enumerate();
    let mut idle: Vec<Idle<'r>> = first
        .map(|(place, rule)| Idle {
            list,
            rule,
            meant: (place == 0).then(|| meant(rule, names)).flatten(),
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

    fn len(&self) -> usize {
        self.exact.len() + self.globs.len()
    }

    fn rules(&self) -> impl Iterator<Item = &str> {
        self.exact.iter().chain(&self.globs).map(|rule| &**rule)
    }

    /// Whether its rules match any of `names`, in their order.
    fn hits(&self, names: &HashSet<&str>) -> impl Iterator<Item = bool> {
        let exact = self.exact.iter().map(|rule| names.contains(&**rule));
        let is_hit = |glob: &str| names.iter().any(|name| matches(glob, name));
        exact.chain(self.globs.iter().map(move |glob| is_hit(glob)))
    }

    /// Those of its rules, numbered from `first` on, that are none of `hits`.
    fn idle_but(&self, hits: &BTreeSet<usize>, first: usize) -> Vec<&str> {
        let idle = self.rules().zip(first..);
        let idle = idle.filter(|(_, number)| !hits.contains(number));
        idle.map(|(rule, _)| rule).collect()
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

/// What is left of a pattern that `prefix` is the beginning of, in every way in which it can be.
fn rests<'p>(pattern: &'p str, prefix: &str) -> Vec<&'p str> {
    let mut rests = vec![pattern];
    for c in prefix.chars() {
        let mut next = Vec::new();
        for mut rest in rests {
            while let Some(behind) = rest.strip_prefix('*') {
                next.push(rest);
                rest = behind;
            }
            let mut chars = rest.chars();
            let is_it = chars.next().is_some_and(|first| first == '?' || first == c);
            next.extend(is_it.then_some(chars.as_str()));
        }
        next.sort_unstable_by_key(|rest| rest.len());
        next.dedup();
        rests = next;
    }
    rests
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
