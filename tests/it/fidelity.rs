//! Bodies pass byte for byte.
