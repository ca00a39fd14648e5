//! `packaging/compose.yaml` against the schema of the compose specification, which
//! `check-jsonschema` brings along.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Result, ensure};

use crate::servers;

fn check(file: &Path) -> Result<Output> {
    let mut command = Command::new(servers::python(2));
    command.args(["-m", "check_jsonschema"]);
    command.args(["--builtin-schema", "vendor.compose-spec"]);
    Ok(command.arg(file).output()?)
}

#[test]
fn the_compose_file_is_one() -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/compose.yaml");
    let checked = check(&file)?;
    ensure!(checked.status.success(), "{checked:?}");
    let home = tempfile::tempdir()?;
    let wrong = home.path().join("compose.yaml");
    let text = fs::read_to_string(&file)?;
    fs::write(&wrong, text.replace("restart:", "restarts:"))?;
    let checked = check(&wrong)?;
    let said = String::from_utf8_lossy(&checked.stdout);
    ensure!(said.contains("'restarts' was unexpected"), "{checked:?}");
    Ok(())
}
