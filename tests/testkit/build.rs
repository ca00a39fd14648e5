//! The fixture server, at hand for every test. Cargo gives a test the path of its own package's programs only, so
//! this program is the fixture as well: it leaves a copy of itself, and the copy is the server. So the server is
//! never older than its source, however a test is started, and no test has to build or to look for it.

#![expect(clippy::disallowed_methods, reason = "a build may block")]

use std::ffi::OsStr;
use std::path::Path;
use std::{env, fs, io};

const NAME: &str = "fixture-server";
/// What cargo calls the program that it runs at the build. By any other name it is the fixture: tests copy it.
const BUILD_SCRIPT: &str = "build-script-";

fn main() -> io::Result<()> {
    let this = env::current_exe()?;
    let name = this.file_name().map(OsStr::to_string_lossy);
    if !name.is_some_and(|name| name.replace('_', "-").starts_with(BUILD_SCRIPT)) {
        fixture::run();
        return Ok(());
    }
    let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let copy = Path::new(&folder).join(NAME);
    // One that still runs cannot be written to.
    if copy.exists() {
        fs::remove_file(&copy)?;
    }
    fs::copy(this, &copy)?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=FIXTURE_SERVER={}", copy.display());
    Ok(())
}
