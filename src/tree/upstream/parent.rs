//! Who started an upstream, as far as it has to know.

use super::UpstreamHandle;

/// Is told how far an upstream is. Nothing here waits.
pub(crate) trait UpstreamParent: Send + Sync + 'static {
    /// Its process runs, or its address is asked.
    fn spawned(&self, upstream: &UpstreamHandle, pid: Option<u32>);

    /// `initialize` was answered.
    fn initialized(&self, upstream: &UpstreamHandle);

    /// It takes calls and offers so many tools.
    fn ready(&self, upstream: &UpstreamHandle, tools: usize);

    /// Nobody has used it for long, and it takes nothing any more.
    fn unused(&self, upstream: &UpstreamHandle);
}
