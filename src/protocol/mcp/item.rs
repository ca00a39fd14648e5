//! What servers list: tools, prompts, resources and resource templates, page by page. An entry is
//! kept raw; what it is called by is found in it and may be replaced in place, nothing else.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::super::modern::param_headers::ParamHeaders;
use super::super::raw::{self, Member};
use super::super::uri::Template;
use super::method;

mod listed;
mod odd;
mod pages;

pub use listed::{Page, list_cursor, list_params, page};
pub use odd::{Named, Odd};
use pages::PageLink;

/// What an entry costs beside its bytes.
const PER_ENTRY: usize = 256;

/// The four lists of MCP (`server/tools`, `server/prompts`, `server/resources`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `tools/list`.
    Tools,
    /// `prompts/list`.
    Prompts,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    Templates,
}

impl Kind {
    /// All of them, in the order in which a server is asked.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Prompts, Self::Resources, Self::Templates];

    /// The list that `method` asks for.
    #[must_use]
    pub fn of_method(method: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.method() == method)
    }

    /// One bit for each.
    #[must_use]
    pub fn bit(self) -> u8 {
        1 << (self as u8)
    }

    /// The method that asks for it.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Tools => method::TOOLS_LIST,
            Self::Prompts => method::PROMPTS_LIST,
            Self::Resources => method::RESOURCES_LIST,
            Self::Templates => method::TEMPLATES_LIST,
        }
    }

    /// The member of the result that holds the entries.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    /// The member of an entry that it is called by.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::Templates => "uriTemplate",
        }
    }
}

/// One entry of a server's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    raw: Bytes,
    key: String,
    span: Range<usize>,
    template: Option<Arc<Template>>,
    param_headers: Option<Arc<ParamHeaders>>,
    pages: Box<[PageLink]>,
}

impl Item {
    /// Takes the raw JSON of an entry. `None` if it has nothing to call it by: it is no object,
    /// its key is missing, repeated, empty or no text.
    #[must_use]
    pub fn parse(kind: Kind, entry: &Bytes) -> Option<Self> {
        let text = std::str::from_utf8(entry).ok()?;
        let [key, meta] = raw::pick(text, [kind.key(), "_meta"]).ok()?;
        let raw_key = key.once(kind.key()).ok()??;
        let key = raw::string(raw_key).filter(|key| !key.is_empty())?;
        Some(Self {
            raw: entry.clone(),
            template: (kind == Kind::Templates).then(|| Arc::new(Template::parse(&key))),
            param_headers: (kind == Kind::Tools)
                .then(|| ParamHeaders::parse(text))
                .flatten(),
            pages: if kind == Kind::Tools && meta != Member::Absent {
                pages::links(text)
            } else {
                Box::default()
            },
            key: key.into(),
            span: raw::span(text, raw_key),
        })
    }

    /// The server's own name or URI for it, decoded.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The key of a resource template, taken apart; once, since lists are merged often.
    #[must_use]
    pub fn template(&self) -> Option<&Arc<Template>> {
        self.template.as_ref()
    }

    /// Which arguments of a tool its calls repeat in headers, if any; read once, as calls come often.
    #[must_use]
    pub fn param_headers(&self) -> Option<&Arc<ParamHeaders>> {
        self.param_headers.as_ref()
    }

    /// What handling it costs, in bytes: its own, and as much as so many for an entry at all.
    #[must_use]
    pub fn size(&self) -> usize {
        self.raw.len() + PER_ENTRY
    }

    /// The whole entry as the server wrote it. It shares the memory of the page it came on.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The same without the memory of the page it came on.
    #[must_use]
    pub fn detached(self) -> Self {
        let raw = Bytes::copy_from_slice(&self.raw);
        Self { raw, ..self }
    }

    /// The entry under another name or URI, on one line, otherwise as the server wrote it.
    #[must_use]
    pub fn renamed(&self, key: &str) -> Vec<u8> {
        let key = raw::quoted(key);
        raw::splice(&self.raw, vec![(self.span.clone(), key.as_slice())])
    }
}

/// Members of a tool that the configuration gives it, each with its value as JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wording<'a> {
    /// Its own.
    pub members: &'a [(&'a str, String)],
    /// Those of its `annotations`; others that are there stay.
    pub annotations: &'a [(&'a str, String)],
}

impl Item {
    /// The same in other words, and with the pages that it names by other URIs.
    #[must_use]
    pub fn reworded<'p>(
        &self,
        key: &str,
        wording: Wording<'_>,
        page: impl Fn(&str) -> Option<&'p str>,
    ) -> Vec<u8> {
        let Wording {
            members,
            annotations,
        } = wording;
        let key = raw::quoted(key);
        let mut edits = vec![(self.span.clone(), Cow::Borrowed(key.as_slice()))];
        let pages = self.pages.iter().filter_map(|link| link.edit(&page));
        edits.extend(pages.map(|(span, uri)| (span, Cow::Owned(uri))));
        if let Ok(text) = std::str::from_utf8(&self.raw) {
            let mut wanted: Vec<(&str, Set<'_>)> = Vec::new();
            wanted.extend(members.iter().map(|(name, value)| (*name, Set::To(value))));
            if !annotations.is_empty() {
                wanted.push(("annotations", Set::Within(annotations)));
            }
            set(text, text, &wanted, &mut edits);
        }
        let edits = edits.iter().map(|(span, with)| (span.clone(), &**with));
        raw::splice(&self.raw, edits.collect())
    }
}

/// What becomes of a member of an object.
enum Set<'a> {
    /// It has this value.
    To(&'a str),
    /// It is an object with these members beside its own.
    Within(&'a [(&'a str, String)]),
}

/// The edits of `whole` by which the object `part`, a piece of it, has the members that are wanted.
fn set<'a>(
    whole: &'a str,
    part: &'a str,
    wanted: &[(&str, Set<'_>)],
    edits: &mut Vec<(Range<usize>, Cow<'a, [u8]>)>,
) {
    let mut missing: Vec<&(&str, Set<'_>)> = wanted.iter().collect();
    let mut is_empty = true;
    let read = raw::each(part, |key, value| {
        is_empty = false;
        let Some((name, set_to)) = wanted.iter().find(|(name, _)| raw::is_text(key, name)) else {
            return;
        };
        missing.retain(|(other, _)| other != name);
        match set_to {
            Set::Within(members) if value.starts_with('{') => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| (*name, Set::To(value)))
                    .collect();
                set(whole, value, &members, edits);
            }
            Set::To(_) | Set::Within(_) => {
                edits.push((raw::span(whole, value), set_to.json().into_bytes().into()));
            }
        }
    });
    if missing.is_empty() || read.is_err() {
        return;
    }
    let added: Vec<String> = missing
        .iter()
        .map(|(name, set_to)| format!("\"{name}\":{}", set_to.json()))
        .collect();
    let comma = if is_empty { "" } else { "," };
    let at = raw::inside(whole, part);
    edits.push((at..at, (added.join(",") + comma).into_bytes().into()));
}

impl Set<'_> {
    fn json(&self) -> String {
        match self {
            Self::To(value) => (*value).to_owned(),
            Self::Within(members) => {
                let member = |(name, value): &(&str, String)| format!("\"{name}\":{value}");
                let members: Vec<String> = members.iter().map(member).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

/// The result of a list request from raw entries; `next_cursor` if there is another page.
pub fn list_result<'a>(
    kind: Kind,
    items: impl Iterator<Item = &'a [u8]>,
    next_cursor: Option<&str>,
) -> Bytes {
    let mut out = list_head(kind).into_bytes();
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        push_entry(&mut out, item);
    }
    out.extend_from_slice(&list_tail(next_cursor));
    out.into()
}

/// Appends a raw entry on one line.
pub fn push_entry(out: &mut Vec<u8>, entry: &[u8]) {
    raw::push_single_line(out, entry);
}

/// What stands before the entries in the result of a list request.
#[must_use]
pub fn list_head(kind: Kind) -> String {
    format!("{{\"{}\":[", kind.member())
}

/// What stands after them.
#[must_use]
pub fn list_tail(next_cursor: Option<&str>) -> Vec<u8> {
    let mut out = vec![b']'];
    if let Some(cursor) = next_cursor {
        out.extend_from_slice(b",\"nextCursor\":");
        raw::push_string(&mut out, cursor);
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests;
