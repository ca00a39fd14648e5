//! What the program tells about itself: [`log`] to syslog or stdout, [`metrics`], the counters
//! behind `/metrics`, and [`readiness`], the latch behind `/readyz`. Every room may use it; it
//! knows none of them.

pub mod call_log;
pub mod log;
pub mod metrics;
pub mod readiness;
