//! What of a server's tools is held back, as its operator looks at it before he approves it.

use crate::tree::Held;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

/// So many tools are named, and so many bytes of definitions shown.
const TOOLS: usize = 1000;
const DEFINITIONS: usize = 4 << 20;

#[derive(Serialize)]
pub(super) struct HeldBack<'h> {
    /// Stands for all of it: what is approved is what has this one.
    digest: String,
    tools: Vec<HeldTool<'h>>,
    /// So many are neither shown nor named.
    #[serde(skip_serializing_if = "is_none")]
    more: usize,
}

#[derive(Serialize)]
struct HeldTool<'h> {
    tool: &'h str,
    parts: &'h [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<&'h RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offered: Option<&'h RawValue>,
    /// What it says is too much.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_too_large: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(more: &usize) -> bool {
    *more == 0
}

impl<'h> HeldBack<'h> {
    pub(super) fn of(held: &'h [Held]) -> Self {
        let mut room = DEFINITIONS;
        let tools = held.iter().take(TOOLS).map(|held| {
            let left = room.checked_sub(text(held));
            room = left.unwrap_or(room);
            let show = |raw: &'h Option<Bytes>| read(left.and(raw.as_ref()));
            HeldTool {
                tool: &held.tool,
                parts: &held.parts,
                approved: show(&held.approved),
                offered: show(&held.offered),
                is_too_large: left.is_none(),
            }
        });
        Self {
            digest: Held::digest(held),
            tools: tools.collect(),
            more: held.len().saturating_sub(TOOLS),
        }
    }

    /// The bytes of what is shown at the most.
    pub(super) fn size(held: &[Held]) -> usize {
        held.iter().map(text).sum::<usize>().min(DEFINITIONS)
    }
}

fn text(held: &Held) -> usize {
    let raws = [&held.approved, &held.offered].into_iter().flatten();
    raws.map(Bytes::len).sum()
}

fn read(raw: Option<&Bytes>) -> Option<&RawValue> {
    serde_json::from_slice(raw?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(tool: &str, size: usize) -> Held {
        let definition = format!(r#"{{"name":"{}"}}"#, "x".repeat(size));
        Held {
            tool: tool.into(),
            parts: vec!["new"],
            approved: None,
            offered: Some(definition.into()),
        }
    }

    #[test]
    fn what_is_too_much_is_named_and_what_is_far_too_much_is_counted() {
        let mut all = vec![held("large", DEFINITIONS + 1)];
        all.extend((0..TOOLS + 5).map(|at| held(&format!("t{at}"), 10)));
        let size = HeldBack::size(&all);
        assert_eq!(size, DEFINITIONS);
        let shown = serde_json::to_value(HeldBack::of(&all)).unwrap();
        assert!(shown.to_string().len() < DEFINITIONS);
        assert_eq!(shown["tools"][0]["is_too_large"], true);
        assert_eq!(shown["tools"][0]["offered"], serde_json::Value::Null);
        assert_eq!(shown["tools"][1]["offered"]["name"], "xxxxxxxxxx");
        assert_eq!(shown["tools"].as_array().unwrap().len(), TOOLS);
        assert_eq!(shown["more"], 6);
        assert_eq!(shown["digest"], Held::digest(&all));
        all.pop();
        assert_ne!(
            shown["digest"],
            Held::digest(&all),
            "of what is not shown, too"
        );
    }
}
