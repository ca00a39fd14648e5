//! What single answers hold (2025-11-25, `CallToolResult`, `GetPromptResult`, `ReadResourceResult`,
//! `CompleteResult`), and what an error is (JSON-RPC 2.0, section 5.1). Strings may have any form here:
//! one answer spoils nothing but itself, and some clients take what others don't.

use bytes::Bytes;

use super::super::mcp::method;
use super::super::version::Era;
use super::entries::{ANNOTATIONS, META, RESOURCE};
use super::{Fault, Fit, Form, Member, Need, Shape, form, may, must, walk};

/// Looks at the result of `method` of a server of that era, valid JSON.
pub fn check(era: Era, method: &str, result: &str) -> Result<Fit, Fault> {
    let form = match method {
        method::TOOLS_CALL if era == Era::Modern => &CALLED_MODERN,
        method::TOOLS_CALL => &CALLED,
        method::PROMPTS_GET => &PROMPT,
        method::RESOURCES_READ => &READ,
        method::COMPLETE => &COMPLETED,
        _ if result == "null" => {
            // There is nothing to say, which is an object without members.
            let text = Bytes::from_static(b"{}");
            let members = Vec::new();
            return Ok(Fit::Mended { text, members });
        }
        _ => &NOTHING,
    };
    walk::fit(result, &Shape::Object(form), false)
}

/// Looks at an error, valid JSON.
pub fn check_error(error: &str) -> Result<Fit, Fault> {
    walk::fit(error, &Shape::Object(&ERROR), false)
}

const ERROR: Form = form(&[must("code", Shape::Integer), must("message", Shape::Text)]);

/// Of a result's own `_meta` some clients look at the token of a request's.
const OWN_META: Member = may("_meta", Shape::Object(&WITH_TOKEN));
const WITH_TOKEN: Form = form(&[may("progressToken", Shape::Token)]);

const NOTHING: Form = form(&[OWN_META]);

const CALLED: Form = form(&[
    Member {
        name: "content",
        shape: Shape::List(&BLOCK),
        need: Need::Filled,
    },
    may("structuredContent", Shape::Free),
    may("isError", Shape::Bool),
    OWN_META,
]);

/// Structured content may be anything (2026-07-28, `CallToolResult`).
const CALLED_MODERN: Form = form(&[
    Member {
        name: "content",
        shape: Shape::List(&BLOCK),
        need: Need::Filled,
    },
    may("isError", Shape::Bool),
    OWN_META,
]);

const PROMPT: Form = form(&[
    may("description", Shape::Text),
    listed("messages", &Shape::Object(&MESSAGE)),
    OWN_META,
]);

const MESSAGE: Form = form(&[
    must("role", Shape::OneOf(&["user", "assistant"])),
    must("content", BLOCK),
]);

const READ: Form = form(&[listed("contents", &Shape::Object(&CONTENTS)), OWN_META]);

const COMPLETED: Form = form(&[must("completion", Shape::Object(&COMPLETION)), OWN_META]);

const COMPLETION: Form = form(&[
    listed("values", &Shape::Text),
    may("total", Shape::Integer),
    may("hasMore", Shape::Bool),
]);

/// `ContentBlock`.
const BLOCK: Shape = Shape::Kinds(&[
    (
        "text",
        form(&[TYPE, must("text", Shape::Text), ANNOTATIONS, META]),
    ),
    ("image", MEDIA),
    ("audio", MEDIA),
    ("resource_link", RESOURCE),
    (
        "resource",
        form(&[
            TYPE,
            must("resource", Shape::Object(&CONTENTS)),
            ANNOTATIONS,
            META,
        ]),
    ),
]);

const TYPE: Member = must("type", Shape::Text);

const MEDIA: Form = form(&[
    TYPE,
    must("data", Shape::Text),
    must("mimeType", Shape::Text),
    ANNOTATIONS,
    META,
]);

/// `TextResourceContents`, or `BlobResourceContents`.
const CONTENTS: Form = Form {
    members: &[
        must("uri", Shape::Uri),
        may("text", Shape::Text),
        may("mimeType", Shape::Text),
        may("blob", Shape::Text),
        META,
    ],
    one_of: &["text", "blob"],
};

const fn listed(name: &'static str, of: &'static Shape) -> Member {
    let (shape, need) = (Shape::List(of), Need::Listed);
    Member { name, shape, need }
}
