//! The requests that clients may make in this revision (2026-07-28, schema, `ClientRequest`). What was
//! taken out since 2025-11-25 is not among them.

use super::super::mcp::method;
use super::listen::LISTEN;
use super::tasks;

/// All of them. The methods of extensions are not here.
const KNOWN: [&str; 10] = [
    method::TOOLS_CALL,
    method::TOOLS_LIST,
    method::RESOURCES_READ,
    method::RESOURCES_LIST,
    method::TEMPLATES_LIST,
    method::PROMPTS_GET,
    method::PROMPTS_LIST,
    method::COMPLETE,
    method::DISCOVER,
    LISTEN,
];

/// What methods of the core, and of extensions that are known here, begin with: none of these is another
/// extension's.
const TAKEN: [&str; 14] = [
    "completion",
    "elicitation",
    "initialize",
    "logging",
    "notifications",
    "ping",
    "prompts",
    "resources",
    "roots",
    "sampling",
    "server",
    "subscriptions",
    "tasks",
    "tools",
];
/// No extension calls its methods anything longer.
const LONGEST: usize = 256;

/// Whether `method` is one of them, or asks about a task.
#[must_use]
pub fn is_known(method: &str) -> bool {
    KNOWN.contains(&method) || tasks::method(method).is_some()
}

/// Whether some extension may have defined `method`, which is not known.
#[must_use]
pub fn may_be_of_extension(method: &str) -> bool {
    let Some((first, rest)) = method.split_once('/') else {
        return false;
    };
    let is_free = !first.is_empty() && !rest.is_empty() && !TAKEN.contains(&first);
    is_free && method.len() <= LONGEST
}

/// The member of a request's params that its header `Mcp-Name` says too, where there is to be one.
#[must_use]
pub fn named_by(method: &str) -> Option<&'static str> {
    match method {
        method::TOOLS_CALL | method::PROMPTS_GET => Some("name"),
        method::RESOURCES_READ => Some("uri"),
        _ => tasks::method(method).map(|_| tasks::ID),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_out_is_not_known() {
        for gone in [
            "initialize",
            "ping",
            "logging/setLevel",
            "resources/subscribe",
            "resources/unsubscribe",
            "notifications/cancelled",
            "tools/Call",
            "",
        ] {
            assert!(!is_known(gone), "{gone}");
        }
        assert!(is_known("server/discover") && is_known("subscriptions/listen"));
        assert!(is_known("tasks/get") && !is_known("tasks/list") && !is_known("tasks/result"));
    }

    #[test]
    fn some_are_about_something_that_has_a_name() {
        assert_eq!(named_by("tools/call"), Some("name"));
        assert_eq!(named_by("prompts/get"), Some("name"));
        assert_eq!(named_by("resources/read"), Some("uri"));
        assert_eq!(named_by("tasks/get"), Some("taskId"));
        assert_eq!(named_by("tools/list"), None);
    }

    #[test]
    fn what_begins_as_the_core_does_is_no_extension_s() {
        let long = format!("x/{}", "y".repeat(LONGEST));
        for other in [
            "ping",
            "tasks/list",
            "tools/x",
            "skills",
            "/x",
            "x/",
            "",
            &long,
        ] {
            assert!(!may_be_of_extension(other), "{other}");
        }
        assert!(may_be_of_extension("skills/list") && may_be_of_extension("a/b/c"));
    }
}
