//! Integration tests against the real binary, one file per behaviour.

#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
#[path = "../support/tests.rs"]
mod support_tests;
