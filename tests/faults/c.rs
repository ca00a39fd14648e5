//! What can only be done in C is built when it is needed.

use std::path::Path;
use std::process::{Command, Stdio};

/// Builds `source`, which is beside this, as `target`; gives its path. A linker of C is what Rust itself needs.
pub(crate) fn build(source: &str, flags: &[&str], target: &Path) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    let mut compiler = Command::new("cc");
    compiler
        .args(flags)
        .arg("-o")
        .arg(target)
        .arg(directory.join(source));
    let status = compiler
        .stdin(Stdio::null())
        .status()
        .expect("a C compiler");
    assert!(status.success(), "{compiler:?}: {status}");
    target.display().to_string()
}
