//! What the program tells about itself: [`log`] to syslog or stdout, and [`readiness`], the latch
//! behind `/readyz`. Every room may use it; it knows none of them.

pub mod log;
pub mod readiness;
