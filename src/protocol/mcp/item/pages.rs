//! The pages of apps that a tool names in its `_meta` (MCP Apps, 2026-01-26, "Tool metadata"): in the
//! form that is demanded now, in the flat one before it, and as `openai/outputTemplate`.

use std::ops::Range;

use super::super::super::raw;
use super::Item;

/// Members of `_meta`, or of an object in it, that name a page.
const NESTED: (&str, &str) = ("ui", "resourceUri");
const FLAT: [&str; 2] = ["ui/resourceUri", "openai/outputTemplate"];

/// One URI, and where it stands in the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageLink {
    uri: Box<str>,
    span: Range<usize>,
}

impl PageLink {
    /// What to write there, if `page` knows another URI for it.
    pub(super) fn edit<'p>(
        &self,
        page: impl Fn(&str) -> Option<&'p str>,
    ) -> Option<(Range<usize>, Vec<u8>)> {
        let other = page(&self.uri)?;
        Some((self.span.clone(), raw::quoted(other)))
    }
}

/// All that the tool `text` names, which was read before. Of what is written twice nobody knows what
/// counts.
pub(super) fn links(text: &str) -> Box<[PageLink]> {
    let mut links = Vec::new();
    let mut note = |value: &str| {
        let uri = raw::string(value).map(Into::into);
        links.extend(uri.map(|uri| PageLink {
            uri,
            span: raw::span(text, value),
        }));
    };
    raw::each_read(text, |key, meta| {
        if !raw::is_text(key, "_meta") {
            return;
        }
        raw::each_read(meta, |key, value| {
            if FLAT.iter().any(|flat| raw::is_text(key, flat)) {
                note(value);
            } else if raw::is_text(key, NESTED.0) {
                raw::each_read(value, |key, value| {
                    if raw::is_text(key, NESTED.1) {
                        note(value);
                    }
                });
            }
        });
    });
    links.into()
}

impl Item {
    /// The URIs of the pages that a tool names.
    pub fn pages(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().map(|link| &*link.uri)
    }

    /// Whether there are any.
    #[must_use]
    pub fn has_pages(&self) -> bool {
        !self.pages.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Kind, Wording};
    use super::*;

    fn item(text: &str) -> Item {
        Item::parse(Kind::Tools, &Bytes::from(text.to_owned())).unwrap()
    }

    fn rewritten(text: &str) -> String {
        let page = |uri: &str| (uri == "ui://x/\u{e9}").then_some("ui://b/ui://x/\u{e9}");
        let made = item(text).reworded("b__t", Wording::default(), page);
        String::from_utf8(made).unwrap()
    }

    #[test]
    fn each_form_is_rewritten_where_it_stands_and_nothing_else() {
        let text = |uri: [&str; 3]| {
            let [nested, flat, other] = uri;
            format!(
                r#"{{"x":1.10,"_meta":{{"ui":{{"visibility":["app"],"resourceUri" : {nested},"uri":"ui://x/é"}},"ui\/resourceUri":{flat},"openai/outputTemplate":{other},"resourceUri":"ui://x/é"}},"description":"ui://x/é"}}"#
            )
        };
        let with =
            |name: &str, text: String| text.replacen('{', &format!(r#"{{"name":"{name}","#), 1);
        let before = with(
            "t",
            text([r#""ui:\/\/x\/\u00e9""#, r#""ui://x/é""#, r#""ui://x/é""#]),
        );
        let new = r#""ui://b/ui://x/é""#;
        assert_eq!(rewritten(&before), with("b__t", text([new; 3])));
        let other = with("t", text([r#""ui://y""#, "7", "null"]));
        let kept = with("b__t", text([r#""ui://y""#, "7", "null"]));
        assert_eq!(rewritten(&other), kept);
        assert_eq!(item(&other).pages().collect::<Vec<_>>(), ["ui://y"]);
    }

    #[test]
    fn what_is_written_twice_is_rewritten_twice() {
        let text = r#"{"name":"t","_meta":{"ui":{"resourceUri":"ui://x/é"},"ui":{"resourceUri":"ui://x/é","resourceUri":"ui://x/é"}},"_meta":{"ui/resourceUri":"ui://x/é"}}"#;
        assert_eq!(item(text).pages().count(), 4);
        assert!(!rewritten(text).contains(r#""ui://x/é""#));
    }

    #[test]
    fn what_names_no_page_has_none() {
        for meta in [
            "null",
            "7",
            "[]",
            "{}",
            r#"{"ui":"ui://x"}"#,
            r#"{"ui":{"uri":"ui://x"}}"#,
        ] {
            let text = format!(r#"{{"name":"t","_meta":{meta}}}"#);
            assert_eq!(item(&text).pages().count(), 0, "{meta}");
        }
        let resource = Bytes::from(r#"{"uri":"ui://x","_meta":{"ui/resourceUri":"ui://x"}}"#);
        assert_eq!(
            Item::parse(Kind::Resources, &resource)
                .unwrap()
                .pages()
                .count(),
            0
        );
    }
}
