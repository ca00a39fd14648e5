//! What a server's program is known to read from its environment, is there for the gateway, and is not
//! passed on: credentials are not, but for what the entry asks for.

use crate::config::model::{Program, Secret, ServerSpec};
use crate::config::{Environment, Origin, Problem, Severity};
use crate::process;

/// Programs, and the variables that they read beside those that every server gets.
const PROGRAMS: &[(&[&str], &[&str])] = &[
    (
        &["npx", "npm", "node", "pnpm", "pnpx", "yarn", "bun", "bunx"],
        &["NPM_TOKEN", "NODE_AUTH_TOKEN", "NODE_OPTIONS", "NODE_PATH"],
    ),
    (
        &["uvx", "uv", "python", "python3", "pipx"],
        &["PYTHONPATH", "PYTHONHOME"],
    ),
    (&["deno"], &["DENO_AUTH_TOKENS"]),
    (
        &["docker", "podman"],
        &["DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "SSH_AUTH_SOCK"],
    ),
    (&["ssh", "git"], &["SSH_AUTH_SOCK"]),
    (&["java"], &["JAVA_TOOL_OPTIONS", "CLASSPATH"]),
    (
        &["ruby", "bundle", "gem"],
        &["GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE"],
    ),
    (&["go"], &["GOFLAGS", "GOPRIVATE"]),
    (&["gh"], GITHUB),
    (&["kubectl", "helm"], KUBERNETES),
    (&["aws"], AWS),
];

/// The same for a word in the name of a program or in its first arguments, where packages are named.
const WORDS: &[(&str, &[&str])] = &[
    ("playwright", DISPLAY),
    ("puppeteer", DISPLAY),
    ("chrome", DISPLAY),
    ("github", GITHUB),
    ("gitlab", &["GITLAB_TOKEN", "GITLAB_PERSONAL_ACCESS_TOKEN"]),
    ("kube", KUBERNETES),
    ("k8s", KUBERNETES),
    ("aws", AWS),
    ("huggingface", &["HF_TOKEN"]),
    ("hf-mcp", &["HF_TOKEN"]),
];
/// So many arguments are looked at.
const FIRST_ARGS: usize = 4;

const DISPLAY: &[&str] = &["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"];
const GITHUB: &[&str] = &["GITHUB_PERSONAL_ACCESS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"];
const KUBERNETES: &[&str] = &["KUBECONFIG"];
const AWS: &[&str] = &[
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_CONFIG_FILE",
    "AWS_ACCESS_KEY_ID",
];

/// What is to be said about what `spec` is not given.
pub(super) fn left_out(
    spec: &ServerSpec,
    wanted: &Program,
    origin: &Origin,
    env: Environment<'_>,
) -> Vec<Problem> {
    let program = wanted.command.rsplit('/').next().unwrap_or_default();
    let args: Vec<String> = wanted.args.iter().map(Secret::expose).collect();
    // What is wrong with the files is said of them.
    let variables = spec.variables(&mut Vec::new()).unwrap_or_default();
    let is_given = |name: &str| {
        wanted.env.contains_key(name)
            || variables.contains_key(name)
            || (wanted.inherit_env || process::is_passed_on(name)) && env(name).is_some()
    };
    let mut problems = Vec::new();
    for name in handed_on(program, &args).filter(|name| !is_given(name)) {
        let what = format!(
            "'{program}' is to hand {name} on to the container, and is not given it itself"
        );
        problems.extend(problem(origin, what, &[name]));
    }
    let is_left_out =
        |name: &&str| !is_given(name) && env(name).is_some_and(|value| !value.is_empty());
    let mut names: Vec<&str> = known(program, &args).filter(is_left_out).collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        let what = format!(
            "what this server may need is set for the gateway and not passed on: {}",
            names.join(", ")
        );
        problems.extend(problem(origin, what, &names));
    }
    problems
}

fn known(program: &str, args: &[String]) -> impl Iterator<Item = &'static str> {
    let of_program = PROGRAMS
        .iter()
        .filter(move |(programs, _)| programs.contains(&program));
    let is_said = move |word: &str| {
        let mut texts =
            std::iter::once(program).chain(args.iter().take(FIRST_ARGS).map(String::as_str));
        texts.any(|text| text.contains(word))
    };
    let of_words = WORDS.iter().filter(move |(word, _)| is_said(word));
    let names = of_program
        .map(|(_, names)| names)
        .chain(of_words.map(|(_, names)| names));
    names
        .flat_map(|names| names.iter().copied())
        .collect::<Vec<_>>()
        .into_iter()
}

/// The variables that `docker run -e NAME` takes from its own environment.
fn handed_on<'a>(program: &str, args: &'a [String]) -> impl Iterator<Item = &'a str> {
    let is_engine = ["docker", "podman", "nerdctl"].contains(&program);
    let before = std::iter::once("").chain(args.iter().map(String::as_str));
    let named = before.zip(args).filter_map(|(before, arg)| match before {
        "-e" | "--env" => Some(arg.as_str()),
        _ => arg.strip_prefix("--env="),
    });
    let is_name = |text: &&str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    named
        .filter(is_name)
        .take(if is_engine { usize::MAX } else { 0 })
}

fn problem(origin: &Origin, message: String, names: &[&str]) -> Option<Problem> {
    let command = origin.command.as_ref()?;
    let entry = names.first()?;
    Some(Problem {
        severity: Severity::Warning,
        line: command.place.line,
        column: command.place.column,
        path: command.path.clone(),
        server: Some(origin.server.to_string()),
        message,
        help: Some(format!(
            "where it is needed, add \"env\": {{\"{entry}\": \"${{{entry}}}\"}}"
        )),
    })
}
