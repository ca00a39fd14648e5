//! A kept catalogue as the text of its file: each list as a server would answer it, page by page
//! into one, and what the server said of itself.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::catalogue::{Abilities, Catalogue, Gap, Lessons};
use super::hold::Approved;
use crate::protocol::mcp::item::{self, Item, Kind};
use crate::protocol::modern::extensions::Extensions;

/// A kept catalogue, and what was run when it was told.
#[derive(Debug, Clone)]
pub(super) struct KeptCatalogue {
    pub(super) fingerprint: u64,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) lessons: Lessons,
    /// What is approved of its tools, where that is asked for.
    pub(super) approved: Option<Approved>,
}

#[derive(Deserialize, Serialize)]
struct File<'a> {
    fingerprint: u64,
    /// In the order of [`Kind::ALL`].
    #[serde(borrow)]
    lists: Vec<&'a RawValue>,
    abilities: Abilities,
    instructions: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    extensions: Option<&'a RawValue>,
    #[serde(default)]
    lessons: Lessons,
    /// Bits of the [`Kind`]s of lists that are only their first pages.
    #[serde(default)]
    torn: u8,
    /// Those of lists that could not be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    unread: u8,
    /// The tools that are approved, as a list of them.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    approved: Option<&'a RawValue>,
    /// Whether the first list has not come yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_first: bool,
}

/// What is said of a list that a former life left torn.
pub(super) const TORN: &str = "its later pages have never come";
/// What is said of a list that a former life could not read.
const UNREAD: &str = "it could not be read";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(bits: &u8) -> bool {
    *bits == 0
}

impl KeptCatalogue {
    pub(super) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let catalogue = &self.catalogue;
        let list = |kind, items: &[Item]| {
            let raw = items.iter().map(|item| &**item.raw());
            item::list_result(kind, raw, None)
        };
        let lists = Kind::ALL.map(|kind| list(kind, catalogue.items(kind)));
        let approved = self.approved.as_ref();
        let approved = approved.map(|approved| list(Kind::Tools, &approved.tools));
        let approved = approved.as_deref().map(serde_json::from_slice);
        let lists: Result<Vec<&RawValue>, _> = lists
            .iter()
            .map(|list| serde_json::from_slice(list))
            .collect();
        let extensions = catalogue.extensions.to_json();
        let extensions = extensions.as_deref().map(serde_json::from_str);
        serde_json::to_vec(&File {
            fingerprint: self.fingerprint,
            lists: lists?,
            abilities: catalogue.abilities,
            instructions: catalogue.instructions.as_deref().map(Cow::Borrowed),
            extensions: extensions.transpose()?,
            lessons: self.lessons,
            torn: bits(catalogue, |gap| matches!(gap, Gap::Torn(_))),
            unread: bits(catalogue, |gap| matches!(gap, Gap::Unread(_))),
            approved: approved.transpose()?,
            is_first: self.approved.as_ref().is_some_and(|it| it.is_first),
        })
    }

    /// `None` for what this version did not write: it is only a head start.
    pub(super) fn decode(text: Vec<u8>) -> Option<Self> {
        let text = Bytes::from(text);
        let file: File<'_> = serde_json::from_slice(&text).ok()?;
        let mut catalogue = Catalogue {
            abilities: file.abilities,
            instructions: file.instructions.map(Cow::into_owned),
            extensions: Extensions::read(file.extensions.map(RawValue::get)),
            ..Catalogue::default()
        };
        if file.lists.len() != Kind::ALL.len() {
            return None;
        }
        for (kind, list) in Kind::ALL.into_iter().zip(file.lists) {
            let list = text.slice_ref(list.get().as_bytes());
            catalogue.set(kind, item::page(kind, &list).ok()?.items);
            if file.torn & kind.bit() != 0 {
                catalogue.gaps.insert(kind, Gap::Torn(TORN.into()));
            } else if file.unread & kind.bit() != 0 {
                catalogue.gaps.insert(kind, Gap::Unread(UNREAD.into()));
            }
        }
        let approved = match file.approved {
            Some(list) => {
                let list = text.slice_ref(list.get().as_bytes());
                let tools = item::page(Kind::Tools, &list).ok()?.items.into();
                let is_first = file.is_first;
                Some(Approved { tools, is_first })
            }
            None => None,
        };
        Some(Self {
            approved,
            fingerprint: file.fingerprint,
            catalogue: Arc::new(catalogue),
            lessons: file.lessons,
        })
    }
}

/// The lists with such a gap.
fn bits(catalogue: &Catalogue, is_it: fn(&Gap) -> bool) -> u8 {
    let gaps = catalogue.gaps.iter().filter(|(_, gap)| is_it(gap));
    gaps.fold(0, |bits, (kind, _)| bits | kind.bit())
}
