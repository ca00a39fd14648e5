//! The entries of the four lists (2025-11-25, `Tool`, `Prompt`, `Resource`, `ResourceTemplate`; what
//! older revisions have is part of it).

use super::super::mcp::item::Kind;
use super::{Fault, Fit, Form, Member, Shape, form, may, must, readers, walk};

/// Looks at an entry of a list, valid JSON.
pub fn check(kind: Kind, entry: &str) -> Result<Fit, Fault> {
    readers::check(entry)?;
    let form = match kind {
        Kind::Tools => &TOOL,
        Kind::Prompts => &PROMPT,
        Kind::Resources => &RESOURCE,
        Kind::Templates => &TEMPLATE,
    };
    walk::fit(entry, &Shape::Object(form), true)
}

const NAME: Member = must("name", Shape::Text);
const TITLE: Member = may("title", Shape::Text);
const DESCRIPTION: Member = may("description", Shape::Text);
const MIME_TYPE: Member = may("mimeType", Shape::Text);
pub(super) const META: Member = may("_meta", Shape::Free);
pub(super) const ANNOTATIONS: Member = may("annotations", Shape::Object(&OF_CONTENT));
const ICONS: Member = may("icons", Shape::List(&Shape::Object(&ICON)));
const URI: Member = must("uri", Shape::Uri);
const SIZE: Member = may("size", Shape::Integer);

const TOOL: Form = form(&[
    NAME,
    DESCRIPTION,
    must("inputSchema", Shape::Object(&SCHEMA)),
    TITLE,
    may("annotations", Shape::Object(&HINTS)),
    may("outputSchema", Shape::Compiled(&SCHEMA)),
    ICONS,
    may("execution", Shape::Object(&EXECUTION)),
    META,
]);

/// A schema of arguments or of structured content. What is in it is not ours, but for what every
/// client looks at.
const SCHEMA: Form = form(&[
    must("type", Shape::OneOf(&["object"])),
    may("properties", Shape::Each(&Shape::Free)),
    may("required", Shape::List(&Shape::Text)),
    may("$schema", Shape::Text),
]);

const HINTS: Form = form(&[
    TITLE,
    may("readOnlyHint", Shape::Bool),
    may("destructiveHint", Shape::Bool),
    may("idempotentHint", Shape::Bool),
    may("openWorldHint", Shape::Bool),
]);

const EXECUTION: Form = form(&[may(
    "taskSupport",
    Shape::OneOf(&["forbidden", "optional", "required"]),
)]);

const ICON: Form = form(&[
    must("src", Shape::Text),
    MIME_TYPE,
    may("sizes", Shape::List(&Shape::Text)),
    may("theme", Shape::OneOf(&["light", "dark"])),
]);

const PROMPT: Form = form(&[
    NAME,
    DESCRIPTION,
    may("arguments", Shape::List(&Shape::Object(&ARGUMENT))),
    TITLE,
    ICONS,
    META,
]);

const ARGUMENT: Form = form(&[NAME, DESCRIPTION, may("required", Shape::Bool), TITLE]);

pub(super) const RESOURCE: Form = form(&[
    URI,
    NAME,
    DESCRIPTION,
    MIME_TYPE,
    TITLE,
    ANNOTATIONS,
    SIZE,
    ICONS,
    META,
]);

const TEMPLATE: Form = form(&[
    must("uriTemplate", Shape::Text),
    NAME,
    DESCRIPTION,
    MIME_TYPE,
    TITLE,
    ANNOTATIONS,
    ICONS,
    META,
]);

const OF_CONTENT: Form = form(&[
    may(
        "audience",
        Shape::List(&Shape::OneOf(&["user", "assistant"])),
    ),
    may("priority", Shape::Share),
    may("lastModified", Shape::Time),
]);
