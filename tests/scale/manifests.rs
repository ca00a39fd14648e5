//! The manifests of `packaging/kubernetes`, held against the schemas of three versions of Kubernetes; and that the
//! balancer's configuration in them is the one that is tested here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::gateway::mcproxy;

const VERSIONS: [&str; 3] = ["1.30", "1.34", "1.37"];
/// A kind that an operator brings along has no schema there, and a kustomization is none of the cluster's.
const OTHERS: [&str; 2] = ["servicemonitor.yaml", "kustomization.yaml"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it is there").flatten();
    let (folders, files): (Vec<_>, Vec<_>) = entries
        .map(|entry| entry.path())
        .partition(|path| path.is_dir());
    let is_manifest = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".yaml") && !OTHERS.contains(&&*name)
    };
    let below = folders.iter().flat_map(|folder| manifests(folder));
    files.into_iter().filter(is_manifest).chain(below).collect()
}

fn validate(version: &str, files: &[PathBuf]) -> (bool, String) {
    let program = root().join("tests/scale/.venv/bin/kubernetes-validate");
    let mut command = Command::new(program);
    command.args(["--kubernetes-version", version, "--strict"]);
    let output = command.args(files).output().expect("tests/run installs it");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn each_is_valid_for_three_versions() {
    let files = manifests(&root().join("packaging/kubernetes"));
    assert!(files.len() >= 7, "{files:?}");
    for version in VERSIONS {
        let (is_valid, said) = validate(version, &files);
        assert!(is_valid, "{version}: {said}");
    }
}

#[test]
fn a_misspelt_field_is_found() {
    let home = tempfile::tempdir().expect("a directory");
    let text =
        fs::read_to_string(root().join("packaging/kubernetes/base/pdb.yaml")).expect("it is there");
    let file = home.path().join("pdb.yaml");
    fs::write(&file, text.replace("maxUnavailable", "maxUnavailabel")).expect("it is ours");
    let (is_valid, said) = validate(VERSIONS[0], &[file]);
    assert!(!is_valid && said.contains("maxUnavailabel"), "{said}");
}

#[test]
fn what_a_kustomization_names_is_there() {
    for folder in [
        "packaging/kubernetes/base",
        "packaging/kubernetes/overlays/haproxy",
        "packaging/kubernetes/overlays/partition",
    ] {
        let folder = root().join(folder);
        let text = fs::read_to_string(folder.join("kustomization.yaml")).expect("it is there");
        let named = text.lines().filter_map(|line| line.strip_prefix("  - "));
        let named: Vec<&str> = named.filter(|name| !name.contains(':')).collect();
        assert!(named.len() >= 2, "{named:?}");
        for name in named {
            let named = folder.join(name).canonicalize();
            let named = named.unwrap_or_else(|error| panic!("{name}: {error}"));
            // kubectl takes it for a ring.
            assert!(!folder.starts_with(&named), "{name} has {folder:?} in it");
        }
    }
}

/// But for the comment, the names of the gateways and how they are found.
#[test]
fn the_balancer_is_the_one_that_is_tested() {
    let own = |line: &&str| {
        !line.starts_with('#')
            && !line.trim().is_empty()
            && !line.contains("    server ")
            && !line.contains("default-server")
    };
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("it is there");
    let tested = read("packaging/scale/haproxy.cfg");
    let shipped = read("packaging/kubernetes/overlays/haproxy/haproxy.cfg");
    let resolvers = "resolvers cluster\n    parse-resolv-conf\n    hold valid 1s\n";
    assert!(shipped.contains(resolvers));
    let shipped = shipped.replace(resolvers, "");
    let (tested, shipped): (Vec<_>, Vec<_>) = (
        tested.lines().filter(own).collect(),
        shipped.lines().filter(own).collect(),
    );
    assert_eq!(tested, shipped);
}

/// Those of the config maps, and of the document.
#[test]
fn the_configurations_can_be_used() {
    let home = tempfile::tempdir().expect("a directory");
    let token = home.path().join("worker-token");
    fs::write(&token, "a-token-of-some-length").expect("it is ours");
    let own = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&token, own).expect("it is ours");
    let mut texts = Vec::new();
    for file in manifests(&root().join("packaging/kubernetes")) {
        let text = fs::read_to_string(file).expect("it is there");
        let (_, block) = text.split_once("mcp-servers.json: |\n").unwrap_or_default();
        let lines = block.lines().take_while(|line| line.starts_with("    "));
        texts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    let document = fs::read_to_string(root().join("docs/scale.md")).expect("it is there");
    let blocks = document.split("```json\n").skip(1);
    texts.extend(blocks.filter_map(|block| Some(block.split("```").next()?.to_owned())));
    texts.retain(|text| !text.is_empty());
    assert!(texts.len() >= 4, "{texts:?}");
    for text in texts {
        let text = text.replace(
            "/run/secrets/mcproxy/worker-token",
            &token.display().to_string(),
        );
        let file = home.path().join("mcp-servers.json");
        fs::write(&file, &text).expect("it is ours");
        let mut check = Command::new(mcproxy());
        check.arg("check").arg(&file).env("WORKER_TOKEN", "a-token");
        let output = check.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}: {said}");
        assert!(!said.contains("warning"), "{text}: {said}");
    }
}
