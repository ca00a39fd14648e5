//! `params.task`, by which a caller wants a task instead of an answer (2025-11-25, experimental).
//! The gateway does not declare tasks, and who does not "MUST process requests of that type
//! normally, ignoring any task-augmentation metadata" (basic/utilities/tasks, "capabilities").

use bytes::Bytes;

use super::super::raw;

/// The params of a request without the wish for a task, on one line. `None` if there is no such
/// wish in them, or they are no object.
#[must_use]
pub fn without_task(params: &Bytes) -> Option<Bytes> {
    let text = std::str::from_utf8(params).ok()?;
    raw::without(text, "task").map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_goes_and_the_call_stays() {
        for (params, wanted) in [
            (
                "{\"name\":\"x\",\n\"task\":{\"ttl\":60000},\"arguments\":{\"task\":1.10}}",
                Some(r#"{"name":"x","arguments":{"task":1.10}}"#),
            ),
            (r#"{"t\u0061sk":null,"name":"x"}"#, Some(r#"{"name":"x"}"#)),
            (r#"{"name":"task","arguments":{"task":{}}}"#, None),
            ("[]", None),
        ] {
            let out = without_task(&Bytes::from(params));
            assert_eq!(out, wanted.map(Bytes::from), "{params}");
        }
    }
}
