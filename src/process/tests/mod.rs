//! Real children, made of small shell scripts.
