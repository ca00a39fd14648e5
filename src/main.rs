//! The program: arguments, logging, the tree, signals, the exit code.
fn main() {}
