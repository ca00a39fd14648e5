//! Who started the sessions, as far as they have to know.

use crate::ids::ServerName;
use crate::tree::client::InstanceOwner;
use crate::tree::sessions::Stop;

/// Starts instances of servers for sessions and requests, and is told of both. Nothing here waits.
pub(crate) trait SessionsParent: Send + Sync + 'static {
    /// A session uses this isolated server. Asking again for what is there changes nothing.
    fn instance_wanted(&self, server: ServerName, owner: InstanceOwner);

    /// A session has no use for the instances of its own that there are. It may want one again.
    fn instances_unused(&self, session: u64);

    /// To be told once a session *has* ended, when all that it said is on its way already: a
    /// wish that came later would start an instance that nobody ends.
    fn session_ended(&self, session: u64);

    /// During the stop: whether any session has a call without an answer.
    fn sessions_calling(&self, step: Stop, are_they: bool);
}
