//! The names of the methods the gateway knows, spelt once.

/// The handshake's request.
pub const INITIALIZE: &str = "initialize";
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
/// A request is no longer wanted.
pub const CANCELLED: &str = "notifications/cancelled";
/// How far a request has come.
pub const PROGRESS: &str = "notifications/progress";
