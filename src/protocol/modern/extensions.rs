//! What a server or a client declares beside the core (2026-07-28, basic, "Extensions"): an object by
//! the extensions' names, `io.modelcontextprotocol/tasks`. The gateway reads the names, and shows
//! clients the objects as they are.

use std::sync::{Arc, LazyLock};

use super::super::raw;
use super::tasks;

/// MCP Apps (2026-01-26): tools have pages, which servers do not show to clients without it.
const APPS: &str = "io.modelcontextprotocol/ui";
/// What pages are.
const PAGE: &str = "text/html;profile=mcp-app";

/// Nobody means to declare more.
const MOST: usize = 64;
/// Names and objects of all of them are not longer together.
const MOST_BYTES: usize = 16 * 1024;

/// One of them, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extension {
    name: Box<str>,
    settings: Box<str>,
}

/// All that one side declares. Hardly anybody declares any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions(Option<Arc<[Extension]>>);

impl Extensions {
    /// Reads the raw member `extensions` of somebody's capabilities. What is no object declares nothing,
    /// and of too many the first ones are taken.
    #[must_use]
    pub fn read(declared: Option<&str>) -> Self {
        let mut taken: Vec<Extension> = Vec::new();
        let mut room = MOST_BYTES;
        let take = |key, settings: &str| {
            let Some(name) = raw::string(key).filter(|_| settings.starts_with('{')) else {
                return;
            };
            let left = room.checked_sub(name.len() + settings.len());
            let is_known = || taken.iter().any(|known| *known.name == *name);
            let (Some(left), false) = (left, taken.len() >= MOST || is_known()) else {
                return;
            };
            room = left;
            let mut line = Vec::with_capacity(settings.len());
            raw::push_single_line(&mut line, settings.as_bytes());
            let settings = String::from_utf8_lossy(&line).into();
            let name = name.into();
            taken.push(Extension { name, settings });
        };
        // What comes before a mistake in the syntax is not taken either.
        let is_read = declared.is_some_and(|declared| raw::each(declared, take).is_ok());
        Self((is_read && !taken.is_empty()).then(|| taken.into()))
    }

    /// MCP Apps, and nothing else.
    #[must_use]
    pub fn apps() -> Self {
        static DECLARED: LazyLock<Extensions> = LazyLock::new(|| {
            Extensions::read(Some(&format!(r#"{{"{APPS}":{{"mimeTypes":["{PAGE}"]}}}}"#)))
        });
        DECLARED.clone()
    }

    /// Of these MCP Apps alone.
    #[must_use]
    pub fn apps_alone(&self) -> Self {
        self.those(|name| name == APPS)
    }

    /// Whether the pages of apps are shown.
    #[must_use]
    pub fn show_apps(&self) -> bool {
        let mut all = self.all().iter();
        let apps = all.find(|declared| *declared.name == *APPS);
        let [types] = raw::members(apps.map(|apps| &*apps.settings), ["mimeTypes"]);
        let types = types.map_or_else(Vec::new, raw::entries);
        types.iter().any(|one| raw::is_text(one, PAGE))
    }

    /// The same, but that tasks are no answers.
    #[must_use]
    pub fn without_tasks(&self) -> Self {
        self.those(|name| name != tasks::NAME)
    }

    /// The same, and tasks are.
    #[must_use]
    pub fn with_tasks(&self) -> Self {
        let tasks = Self::read(Some(&format!(r#"{{"{}":{{}}}}"#, tasks::NAME)));
        let both = Self::united([self, &tasks].into_iter());
        Self::read(both.as_deref())
    }

    /// Those with the names that are `wanted`.
    fn those(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let all = self.all().iter();
        let wanted: Arc<[_]> = all.filter(|one| wanted(&one.name)).cloned().collect();
        match wanted.len() {
            0 => Self::default(),
            some if some == self.all().len() => self.clone(),
            _ => Self(Some(wanted)),
        }
    }

    fn all(&self) -> &[Extension] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether this one is declared.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all().iter().any(|declared| *declared.name == *name)
    }

    /// Whether one of them may have defined `method`, which is none of the core: it begins with what the
    /// extension's name ends with.
    #[must_use]
    pub fn may_own(&self, method: &str) -> bool {
        let first = method.split('/').next();
        let is_it = |declared: &Extension| declared.name.rsplit('/').next() == first;
        self.all().iter().any(is_it)
    }

    /// Whether results that say `kind` are understood between a server and a client that declare
    /// these: one of the extensions that both declare may have defined it.
    #[must_use]
    pub fn allow(&self, client: &Self, kind: &str) -> bool {
        let both = self.all().iter().filter(|one| client.has(&one.name));
        let mut those = both.filter(|one| (*one.name == *tasks::NAME) == (kind == tasks::RESULT));
        those.next().is_some()
    }

    /// As it is declared: an object, if there are any.
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        Self::united([self].into_iter())
    }

    /// What all servers declare together, the first of them for each name: an object, if there are any.
    pub fn united<'a>(servers: impl Iterator<Item = &'a Self>) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        let mut out = Vec::new();
        for one in servers.flat_map(Self::all) {
            if names.contains(&&*one.name) {
                continue;
            }
            names.push(&one.name);
            out.push(if out.is_empty() { b'{' } else { b',' });
            raw::push_string(&mut out, &one.name);
            out.push(b':');
            out.extend_from_slice(one.settings.as_bytes());
        }
        out.push(b'}');
        String::from_utf8(out).ok().filter(|_| !names.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Extensions {
        Extensions::read(Some(text))
    }

    #[test]
    fn what_is_declared_is_united_and_the_first_counts() {
        let one = read("{\"a/ui\":{\"n\":1.10,\n\"x\":{}},\"b/no\":true,\"b/null\":null}");
        let other = read(r#"{"a/u\u0069":{"n":2},"io.modelcontextprotocol/tasks":{},"c":{}}"#);
        let all = [&Extensions::default(), &one, &other];
        assert_eq!(
            Extensions::united(all.into_iter()).unwrap(),
            r#"{"a/ui":{"n":1.10,"x":{}},"io.modelcontextprotocol/tasks":{},"c":{}}"#
        );
        assert!(one.has("a/ui") && !one.has("b/no") && other.has("a/ui"));
        for nothing in ["{}", "[]", "null", "7", r#"{"a/b":1}"#] {
            assert_eq!(read(nothing), Extensions::default(), "{nothing}");
        }
        assert_eq!(Extensions::default().to_json(), None);
    }

    #[test]
    fn apps_and_tasks_are_known_by_name() {
        let apps = Extensions::apps();
        let declared =
            r#"{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}"#;
        assert_eq!(apps.to_json().as_deref(), Some(declared));
        assert!(apps.show_apps() && !Extensions::default().show_apps());
        for other in [
            r#"{"x":1}"#,
            r#"{"mimeTypes":["text/html"]}"#,
            r#"{"mimeTypes":"text/html;profile=mcp-app"}"#,
        ] {
            let other = format!(r#"{{"io.modelcontextprotocol/ui":{other}}}"#);
            assert!(!read(&other).show_apps(), "{other}");
        }
        let all = read(
            r#"{"a/b":{},"io.modelcontextprotocol/tasks":{"x":1},"io.modelcontextprotocol/ui":{"y":1}}"#,
        );
        let alone = r#"{"io.modelcontextprotocol/ui":{"y":1}}"#;
        assert_eq!(all.apps_alone().to_json().as_deref(), Some(alone));
        assert_eq!(read(r#"{"a/b":{}}"#).apps_alone(), Extensions::default());
        let rest = r#"{"a/b":{},"io.modelcontextprotocol/ui":{"y":1}}"#;
        assert_eq!(all.without_tasks().to_json().as_deref(), Some(rest));
        assert_eq!(all.with_tasks(), all);
        let tasks = r#"{"io.modelcontextprotocol/tasks":{}}"#;
        assert_eq!(
            Extensions::default().with_tasks().to_json().as_deref(),
            Some(tasks)
        );
    }

    #[test]
    fn of_too_many_or_too_long_ones_the_first_are_taken() {
        let many: Vec<String> = (0..10_000).map(|n| format!(r#""x/{n}":{{}}"#)).collect();
        let many = read(&format!("{{{}}}", many.join(",")));
        assert_eq!(many.all().len(), MOST);
        assert!(many.has("x/0") && !many.has("x/64"));
        let long = format!(
            r#"{{"a/b":{{}},"a/l":{{"x":"{}"}},"a/c":{{}}}}"#,
            "x".repeat(MOST_BYTES)
        );
        assert_eq!(read(&long).to_json().unwrap(), r#"{"a/b":{},"a/c":{}}"#);
    }

    #[test]
    fn a_method_or_a_result_belongs_to_what_is_declared() {
        let server = read(r#"{"io.modelcontextprotocol/skills":{},"bare":{},"x/other":{}}"#);
        for (method, is_its) in [
            ("skills/list", true),
            ("bare/do", true),
            ("io.modelcontextprotocol/skills", false),
            ("skill/list", false),
            ("", false),
        ] {
            assert_eq!(server.may_own(method), is_its, "{method}");
        }
        let with_tasks = read(r#"{"io.modelcontextprotocol/tasks":{},"x/other":{}}"#);
        let (only, none) = (read(r#"{"x/other":{}}"#), Extensions::default());
        assert!(with_tasks.allow(&with_tasks, "task") && with_tasks.allow(&only, "odd"));
        assert!(!with_tasks.allow(&only, "task") && !server.allow(&with_tasks, "task"));
        assert!(!with_tasks.allow(&none, "odd") && !none.allow(&with_tasks, "odd"));
    }
}
