//! The names of the methods the gateway knows, spelt once.

/// The handshake's request.
pub const INITIALIZE: &str = "initialize";
/// What a gateway or server offers, without a handshake (2026-07-28).
pub const DISCOVER: &str = "server/discover";
/// The handshake's end.
pub const INITIALIZED: &str = "notifications/initialized";
/// Answered by whoever is asked, with `{}`.
pub const PING: &str = "ping";
/// The tools, page by page.
pub const TOOLS_LIST: &str = "tools/list";
/// One tool's use.
pub const TOOLS_CALL: &str = "tools/call";
/// The list of tools is not what it was.
pub const TOOLS_LIST_CHANGED: &str = "notifications/tools/list_changed";
/// The prompts, page by page.
pub const PROMPTS_LIST: &str = "prompts/list";
/// One prompt, filled in.
pub const PROMPTS_GET: &str = "prompts/get";
/// The list of prompts is not what it was.
pub const PROMPTS_LIST_CHANGED: &str = "notifications/prompts/list_changed";
/// The resources, page by page.
pub const RESOURCES_LIST: &str = "resources/list";
/// The resource templates, page by page.
pub const TEMPLATES_LIST: &str = "resources/templates/list";
/// What a resource holds.
pub const RESOURCES_READ: &str = "resources/read";
/// Asks to be told of a resource's changes.
pub const RESOURCES_SUBSCRIBE: &str = "resources/subscribe";
/// Ends that.
pub const RESOURCES_UNSUBSCRIBE: &str = "resources/unsubscribe";
/// The list of resources, or of templates, is not what it was.
pub const RESOURCES_LIST_CHANGED: &str = "notifications/resources/list_changed";
/// A resource is not what it was.
pub const RESOURCES_UPDATED: &str = "notifications/resources/updated";
/// Suggestions for an argument.
pub const COMPLETE: &str = "completion/complete";
/// How much a server is to say.
pub const SET_LEVEL: &str = "logging/setLevel";
/// What a server says.
pub const LOG_MESSAGE: &str = "notifications/message";
/// A server asks for a model's answer.
pub const SAMPLING: &str = "sampling/createMessage";
/// A server asks the user.
pub const ELICITATION: &str = "elicitation/create";
/// What a user was sent elsewhere for is done.
pub const ELICITATION_COMPLETE: &str = "notifications/elicitation/complete";
/// A server asks where it may work.
pub const ROOTS_LIST: &str = "roots/list";
/// The answer to that is not what it was.
pub const ROOTS_LIST_CHANGED: &str = "notifications/roots/list_changed";
/// A request is no longer wanted.
pub const CANCELLED: &str = "notifications/cancelled";
/// How far a request has come.
pub const PROGRESS: &str = "notifications/progress";
