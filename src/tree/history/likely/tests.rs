//! Each row with what is really said.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::*;

thread_local! {
    static SEEN: RefCell<BTreeSet<&'static str>> = RefCell::default();
}

fn seen(evidence: &Evidence<'_>) -> &'static str {
    let cause = of(evidence).map_or("", |likely| likely.cause);
    SEEN.with_borrow_mut(|seen| seen.insert(cause));
    cause
}

#[track_caller]
fn is(cause: &str, texts: &[&str]) {
    for text in texts {
        let said = text.lines().map(str::to_owned).collect::<Vec<_>>();
        let found = seen(&Evidence {
            said: &said,
            code: Some(1),
            ..Evidence::default()
        });
        assert!(found.contains(cause), "{text}: '{found}', not '{cause}'");
    }
}

#[track_caller]
fn starts(cause: &str, error: &str) {
    let found = seen(&Evidence {
        cause: Some(error),
        ..Evidence::default()
    });
    assert!(found.contains(cause), "{error}: '{found}', not '{cause}'");
}

#[test]
fn what_could_not_be_started() {
    starts(
        "its command is not there",
        "command 'npx' not found on the server's PATH; install it, write its absolute path, or set PATH in \
         the server's \"env\"",
    );
    starts(
        "its command is not there",
        "command '/opt/x' not found: there is no file /opt/x",
    );
    starts(
        "names no interpreter",
        "command 'x' cannot be run: the interpreter of /opt/x is missing (see its first line, '#!…', or its \
         dynamic loader)",
    );
    starts(
        "names no interpreter",
        "command 'x' cannot be run: /opt/x is neither a program for this machine nor a script that begins \
         with '#!'",
    );
    starts(
        "its working directory",
        "command 'x' cannot be run: its working directory /srv/x cannot be used: No such file or directory (os error 2)",
    );
    starts(
        "may not be run",
        "command 'x' cannot be run: permission denied for /opt/x; it must be a file with the right to \
         execute, on a file system that allows it",
    );
    starts(
        "that its entry refers to",
        "command 'x' is not started: ${file:mine} can't be used: CREDENTIALS_DIRECTORY is not set; add \
         LoadCredential=mine:/path to the systemd unit, or write an absolute path",
    );
    is(
        "names no interpreter",
        &[
            "/usr/bin/env: 'python3\\r': No such file or directory\n/usr/bin/env: use -[v]S to pass options in shebang lines",
            "/bin/sh: ./server: /usr/bin/python2: bad interpreter: No such file or directory",
            "sh: 1: ./server: Exec format error",
        ],
    );
}

#[test]
fn memory() {
    is(
        "Node's heap",
        &["FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"],
    );
    is(
        "want of memory",
        &[
            "OSError: [Errno 12] Cannot allocate memory",
            "terminate called after throwing an instance of 'std::bad_alloc'",
        ],
    );
    let killed = |signal, code| {
        let said = ["Killed".to_owned()];
        seen(&Evidence {
            said: &said,
            signal,
            code,
            cause: None,
        })
    };
    assert!(killed(Some(9), None).contains("memory"));
    assert!(killed(None, Some(137)).contains("memory"), "by a shell");
    assert_eq!(killed(Some(15), None), "");
}

#[test]
fn hardening() {
    let of_signal = |signal| {
        seen(&Evidence {
            signal: Some(signal),
            ..Evidence::default()
        })
    };
    assert!(of_signal(31).contains("SystemCallFilter"));
    is(
        "SystemCallFilter",
        &["sh: line 1: 1234 Bad system call (core dumped) ./server"],
    );
    is(
        "MemoryDenyWriteExecute",
        &["# Fatal process OOM in Failed to reserve virtual memory for CodeRange"],
    );
    is(
        "sandbox of its own",
        &[
            "[0101/000000.1:FATAL:zygote_host_impl_linux.cc(126)] No usable sandbox! If you are running on Ubuntu 23.10+",
            "Failed to move to new namespace: PID namespaces supported, but failed: errno = Operation not permitted",
        ],
    );
    is(
        "may only read",
        &[
            "Error: EROFS: read-only file system, open '/var/lib/x/memory.json'",
            "OSError: [Errno 30] Read-only file system: '/opt/x'",
        ],
    );
    is(
        "ProtectHome",
        &[
            "PermissionError: [Errno 13] Permission denied: '/home/user/notes'",
            "Error: ENOENT: no such file or directory, scandir '/home/user/notes'",
            "Error: EPERM: operation not permitted, setpriority",
        ],
    );
}

#[test]
fn npm() {
    is(
        "npm may not write",
        &[
            "npm error code EACCES\nnpm error syscall mkdir\nnpm error path /home/user/.npm",
            "npm ERR! Error: EACCES: permission denied, mkdir '/home/user/.npm/_cacache'",
        ],
    );
    is(
        "the disk is full",
        &[
            "npm error code ENOSPC\nnpm error syscall write\nnpm error nospc ENOSPC: no space left on device, write",
        ],
    );
    is(
        "npm knows no such package",
        &[
            "npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/@x%2fy - Not found",
            "npm ERR! code ETARGET\nnpm ERR! notarget No matching version found for @x/y@9.9.9.",
            "npm error could not determine executable to run",
        ],
    );
    is(
        "registry asks for a token",
        &["npm error code E401\nnpm error Incorrect or missing password."],
    );
    is(
        "npm does not reach",
        &[
            "npm error code EAI_AGAIN\nnpm error syscall getaddrinfo\nnpm error errno EAI_AGAIN",
            "npm ERR! code ENOTFOUND\nnpm ERR! network request to https://registry.npmjs.org/x failed",
        ],
    );
    is(
        "npm's cache is broken",
        &["npm error code ENOTEMPTY\nnpm error syscall rename"],
    );
}

#[test]
fn python() {
    is(
        "PyPI knows no such package",
        &[
            "ERROR: Could not find a version that satisfies the requirement nope (from versions: none)",
            "  × No solution found when resolving tool dependencies:\n  ╰─▶ Because nope was not found in the package registry",
        ],
    );
    is(
        "does not reach PyPI",
        &[
            "error: Failed to fetch: `https://pypi.org/simple/x/`\n  Caused by: error sending request for url (https://pypi.org/simple/x/)",
            "WARNING: Retrying after connection broken by 'NewConnectionError: Failed to establish a new connection'",
        ],
    );
    is(
        "the system's Python",
        &["error: externally-managed-environment"],
    );
    is(
        "pip or uv may not write",
        &[
            "error: Failed to initialize cache at `/home/user/.cache/uv`\n  Caused by: failed to create directory `/home/user/.cache/uv`: Permission denied (os error 13)",
        ],
    );
    is(
        "a module is missing in the Python",
        &[
            "ModuleNotFoundError: No module named 'mcp'",
            "/usr/bin/python3: No module named mcp_server_git",
        ],
    );
}

#[test]
fn node() {
    is(
        "this Node is too old",
        &[
            "npm warn EBADENGINE Unsupported engine {\nnpm warn EBADENGINE   required: { node: '>=20' }",
            "ReferenceError: File is not defined\n    at Object.<anonymous> (/x/node_modules/undici/lib/web/webidl/index.js:512:48)",
            "SyntaxError: The requested module 'node:util' does not provide an export named 'styleText'",
        ],
    );
    is(
        "in its installation for Node",
        &[
            "Error: Cannot find module '/srv/server/dist/index.js'",
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'zod' imported from /srv/server/index.js",
        ],
    );
    is(
        "that it starts itself",
        &[
            "/usr/bin/env: 'node': No such file or directory",
            "sh: 1: uvx: not found",
            "bash: line 1: npx: command not found",
            "Error: spawn git ENOENT",
        ],
    );
}

#[test]
fn surroundings() {
    is(
        "may not use Docker",
        &[
            "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        ],
    );
    is(
        "the port that it listens on",
        &[
            "Error: listen EADDRINUSE: address already in use 127.0.0.1:3000",
            "OSError: [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
        ],
    );
    is(
        "asks for a terminal",
        &[
            "the input device is not a TTY",
            "termios.error: (25, 'Inappropriate ioctl for device')",
            "ERROR Raw mode is not supported on the current process.stdin",
        ],
    );
    is(
        "not logged in",
        &[
            "HttpError: 401 Unauthorized",
            "To get started with GitHub CLI, please run:  gh auth login",
            "google.auth.exceptions.RefreshError: ('invalid_grant: Token has been expired or revoked.')",
        ],
    );
    is(
        "a variable that it needs",
        &[
            "Error: BRAVE_API_KEY environment variable is required",
            "KeyError: 'NOTION_TOKEN'",
            "GITHUB_PERSONAL_ACCESS_TOKEN not set",
        ],
    );
}

#[test]
fn what_is_not_known_is_not_guessed() {
    is("", &["starting", "Traceback (most recent call last):"]);
    let said = ["Segmentation fault".to_owned(), "bye".to_owned()];
    let evidence = Evidence {
        said: &said,
        code: Some(139),
        ..Evidence::default()
    };
    assert_eq!(of(&evidence), None);
}

#[test]
fn every_row_is_tested_and_is_short() {
    what_could_not_be_started();
    memory();
    hardening();
    npm();
    python();
    node();
    surroundings();
    for (_, likely) in TABLE {
        let is_tested = SEEN.with_borrow(|seen| seen.contains(likely.cause));
        assert!(is_tested, "{}", likely.cause);
        assert!(likely.cause.len() < 150 && likely.remedy.len() < 250);
    }
}
