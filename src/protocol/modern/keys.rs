//! The members of `_meta` that are the protocol's own (2026-07-28, basic, "General fields").

/// What they all begin with.
pub const PREFIX: &str = "io.modelcontextprotocol/";
/// Which revision a request speaks.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Which program asks.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// What it can be asked for.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// From which level on it wants to hear a server's log while its request runs.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Which program answered.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// Which `subscriptions/listen` a message belongs to.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
