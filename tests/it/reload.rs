//! The configuration file under a running gateway.
