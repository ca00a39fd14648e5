//! Edits JSON that people write: what is not touched keeps its comments, its order and its layout. Pure.
//!
//! [`Document`] is a file; `servers.rs` has what concerns the lists of servers of this gateway's own.

mod json;
mod servers;
#[cfg(test)]
mod tests;

pub use self::json::Json;

use jsonc_parser::cst::{CstObject, CstObjectProp, CstRootNode};

use crate::config::notes::Notes;
use crate::config::quoted;
use crate::config::source::{self, Source};

/// The members of an object, in their order.
pub type Members = Vec<(String, Json)>;

/// A file that is edited.
pub struct Document {
    root: CstRootNode,
    /// What Windows puts before a text.
    mark: &'static str,
}

/// What became of a member that was put into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was not there.
    New,
    /// It was, and is another now.
    Replaced,
    /// It was there as it is.
    Same,
}

impl Document {
    /// Reads JSON with comments and trailing commas.
    ///
    /// # Errors
    /// Where it is none, and what to do. Nothing of the text is in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let source = Source::new(text);
        let mut notes = Notes::default();
        if source.tree(&mut notes).is_none() {
            let finding = notes.into_sorted().into_iter().next();
            let problem = finding.map(|finding| source.problem(finding).to_string());
            return Err(problem.unwrap_or_else(|| "it is no JSON".to_owned()));
        }
        let (mark, text) = match text.strip_prefix('\u{feff}') {
            Some(text) => ("\u{feff}", text),
            None => ("", text),
        };
        let root = CstRootNode::parse(text, &source::STRICT);
        let root = root.map_err(|error| error.kind().to_string())?;
        Ok(Self { root, mark })
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.mark, self.root)
    }

    /// Puts `value` at the end of `path`, objects on the way to it included.
    ///
    /// # Errors
    /// Something on the way is there, and no object.
    pub fn put(&self, path: &[&str], value: &Json) -> Result<Put, String> {
        let Some((name, way)) = path.split_last() else {
            return Ok(Put::Same);
        };
        let no_object = "the file holds no object";
        let mut object = self.root.object_value().ok_or(no_object)?;
        for name in way {
            object = inside(&object, name)?;
        }
        let Some(member) = last(&object, name) else {
            object.append(name, value.into());
            return Ok(Put::New);
        };
        let written = member.value().map(|value| value.to_string());
        if written.is_some_and(|written| value.is_written_as(&written)) {
            return Ok(Put::Same);
        }
        member.set_value(value.into());
        Ok(Put::Replaced)
    }
}

fn inside(object: &CstObject, name: &str) -> Result<CstObject, String> {
    let inner = match last(object, name) {
        Some(member) => member.object_value(),
        None => object.object_value_or_create(name),
    };
    inner.ok_or_else(|| format!("{} in it is no object", quoted(name)))
}

/// The member of this name; of several the last, which is the one that programs read.
fn last(object: &CstObject, name: &str) -> Option<CstObjectProp> {
    let mut members = object.properties().into_iter().rev();
    members.find(|member| member.decoded_name().as_deref() == Some(name))
}
