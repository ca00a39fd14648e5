//! The HTTP+SSE transport as a client meets it.
