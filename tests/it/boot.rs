//! The first seconds: the latch, kept catalogues, start slots, readiness.
