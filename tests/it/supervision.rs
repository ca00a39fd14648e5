//! The twelve properties of supervision, struck on real processes.
