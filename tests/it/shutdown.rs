//! The stop and its phases.
