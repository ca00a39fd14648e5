//! Which stream: all that what is said needs to know of where it goes.

/// One stream to the client, whatever connections it has had. That of a POST has the POST's number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(in super::super) struct StreamId(pub(in super::super) u64);

impl StreamId {
    /// For what belongs to no request: the SSE stream, or the stream of GET.
    pub(in super::super) const STANDALONE: Self = Self(0);
}
