//! The table of known causes.

use super::Sign::{Signal, Words};
use super::{Likely, Row};

const fn row(cause: &'static str, remedy: &'static str) -> Likely {
    Likely { cause, remedy }
}

/// What is special comes before what is general: an error of npm tells of a file that is missing, too.
pub(super) const TABLE: &[Row] = &[
    // The gateway's own words for what could not be started.
    (
        &[
            Words(&["not found on the server's path"]),
            Words(&["not found: there is no file"]),
        ],
        row(
            "its command is not there: the PATH that the gateway gives it does not have it",
            "install it, write its absolute path as \"command\", or set PATH in the entry's \"env\"; \
             a shell's PATH is often longer than a service's",
        ),
    ),
    (
        &[
            Words(&["the interpreter of", "is missing"]),
            Words(&["bad interpreter"]),
            Words(&["env: ", "\\r'"]),
            Words(&["neither a program for this machine nor a script"]),
            Words(&["exec format error"]),
        ],
        row(
            "its first line ('#!…') names no interpreter that is there, or it is made for another system",
            "write the interpreter as \"command\" and the file as its first argument; if the file came from \
             Windows, give it Unix line ends",
        ),
    ),
    (
        &[Words(&["its working directory", "cannot be used"])],
        row(
            "its working directory is not there, or closed to the gateway",
            "correct \"cwd\", or create the directory for the gateway's user",
        ),
    ),
    (
        &[
            Words(&["cannot be run: permission denied"]),
            Words(&["eacces", "spawn"]),
        ],
        row(
            "its command may not be run by the gateway's user",
            "chmod +x the file; it must lie on a file system without 'noexec', in a directory that the \
             gateway's user may enter",
        ),
    ),
    (
        &[
            Words(&["is not started:", "not set"]),
            Words(&["is not started:", "can't be used"]),
        ],
        row(
            "a variable or a file that its entry refers to is not there",
            "set the variable for the gateway or in an \"env_file\", or correct the reference",
        ),
    ),
    // Memory.
    (
        &[
            Words(&["javascript heap out of memory"]),
            Words(&["reached heap limit"]),
        ],
        row(
            "Node's heap was full",
            "give it more with \"env\": {\"NODE_OPTIONS\": \"--max-old-space-size=4096\"}, or less to do",
        ),
    ),
    (
        &[
            Words(&["out of memory"]),
            Words(&["cannot allocate memory"]),
            Words(&["oom-kill"]),
            Words(&["oom kill"]),
            Words(&["memoryerror"]),
            Words(&["std::bad_alloc"]),
            Words(&["enomem"]),
            Signal(9),
        ],
        row(
            "it was killed, or gave up, for want of memory",
            "look for 'oom' in 'journalctl -k'; raise MemoryMax of the service or the limit of the container, \
             or give the server less to do. If somebody killed it by hand, nothing is wrong",
        ),
    ),
    // A service's hardening.
    (
        &[Signal(31), Words(&["bad system call"]), Words(&["sigsys"])],
        row(
            "it made a system call that the service forbids (SystemCallFilter)",
            "allow it in a drop-in ('systemctl edit mcp-gateway'): SystemCallFilter=",
        ),
    ),
    (
        &[
            Words(&["failed to reserve virtual memory for coderange"]),
            Words(&["mprotect", "operation not permitted"]),
            Words(&["cannot enable executable stack"]),
        ],
        row(
            "it makes memory executable, which the service forbids (MemoryDenyWriteExecute)",
            "set MemoryDenyWriteExecute=no in a drop-in ('systemctl edit mcp-gateway')",
        ),
    ),
    (
        &[
            Words(&["no usable sandbox"]),
            Words(&["failed to move to new namespace"]),
            Words(&["creating new namespace failed"]),
            Words(&["unshare", "operation not permitted"]),
        ],
        row(
            "its browser may not make a sandbox of its own (RestrictNamespaces, or an unprivileged container)",
            "set RestrictNamespaces=no in a drop-in ('systemctl edit mcp-gateway'), or start the browser \
             without its sandbox",
        ),
    ),
    (
        &[Words(&["erofs"]), Words(&["read-only file system"])],
        row(
            "it writes where the service may only read (ProtectSystem, ProtectHome)",
            "add ReadWritePaths= with the directory in a drop-in ('systemctl edit mcp-gateway'), or have the \
             server write to its state directory",
        ),
    ),
    // npm.
    (
        &[Words(&["npm", "eacces"]), Words(&["npm", "eperm"])],
        row(
            "npm may not write its cache or its packages",
            "give the gateway's user a home that it may write to, or set npm_config_cache in \"env\"",
        ),
    ),
    (
        &[
            Words(&["enospc"]),
            Words(&["no space left on device"]),
            Words(&["disk quota exceeded"]),
        ],
        row(
            "the disk is full",
            "make room where its packages, its cache and its files lie",
        ),
    ),
    (
        &[
            Words(&["npm", "e404"]),
            Words(&["npm", "404 not found"]),
            Words(&["npm", "etarget"]),
            Words(&["could not determine executable to run"]),
        ],
        row(
            "npm knows no such package, or no such version of it",
            "correct the package's name in \"args\"; a private one needs its registry and a token",
        ),
    ),
    (
        &[
            Words(&["npm", "eneedauth"]),
            Words(&["npm", "e401"]),
            Words(&["npm", "e403"]),
        ],
        row(
            "npm's registry asks for a token",
            "put the token into the .npmrc of the gateway's user",
        ),
    ),
    (
        &[
            Words(&["npm", "enotfound"]),
            Words(&["npm", "eai_again"]),
            Words(&["npm", "etimedout"]),
            Words(&["npm", "econnrefused"]),
            Words(&["npm", "econnreset"]),
            Words(&["npm", "network"]),
            Words(&["npm", "self-signed certificate"]),
            Words(&["npm", "self_signed_cert"]),
        ],
        row(
            "npm does not reach its registry",
            "see whether the gateway's machine or container has DNS and a way out; set HTTPS_PROXY in \"env\" \
             if there is a proxy",
        ),
    ),
    (
        &[
            Words(&["npm", "eintegrity"]),
            Words(&["npm", "enotempty"]),
            Words(&["npm", "tar_entry_error"]),
        ],
        row(
            "npm's cache is broken",
            "remove the directory _npx in npm's cache of the gateway's user, and restart the server",
        ),
    ),
    // pip and uv.
    (
        &[
            Words(&["no matching distribution found"]),
            Words(&["could not find a version that satisfies"]),
            Words(&["no solution found when resolving"]),
            Words(&["was not found in the package registry"]),
        ],
        row(
            "PyPI knows no such package, or none for this version of Python",
            "correct the package's name in \"args\", or name a Python for it (uvx --python 3.12)",
        ),
    ),
    (
        &[
            Words(&["failed to fetch", "pypi"]),
            Words(&["pypi.org", "connection"]),
            Words(&["pypi.org", "name resolution"]),
            Words(&["error sending request for url"]),
            Words(&["newconnectionerror"]),
            Words(&["files.pythonhosted.org"]),
        ],
        row(
            "pip or uv does not reach PyPI",
            "see whether the gateway's machine or container has DNS and a way out; set HTTPS_PROXY in \"env\" \
             if there is a proxy",
        ),
    ),
    (
        &[Words(&["externally-managed-environment"])],
        row(
            "pip may not install into the system's Python",
            "run the server with uvx, or from a virtual environment",
        ),
    ),
    (
        &[
            Words(&["failed to create directory", "permission denied"]),
            Words(&["failed to initialize cache", "permission denied"]),
            Words(&["[errno 13] permission denied", "site-packages"]),
        ],
        row(
            "pip or uv may not write its cache or its packages",
            "give the gateway's user a home that it may write to, or set UV_CACHE_DIR in \"env\"",
        ),
    ),
    // Versions and parts that are not there.
    (
        &[
            Words(&["unsupported engine"]),
            Words(&["ebadengine"]),
            Words(&["requires node"]),
            Words(&["node.js version", "required"]),
            Words(&["referenceerror: file is not defined"]),
            Words(&["syntaxerror: unexpected token '?'"]),
            Words(&["syntaxerror: unexpected token '??='"]),
            Words(&["does not provide an export named", "node:"]),
            Words(&["no such built-in module: node:"]),
        ],
        row(
            "this Node is too old for it",
            "install a newer Node for the gateway (a service sees no nvm), or pin an older version of the server",
        ),
    ),
    (
        &[Words(&["modulenotfounderror"]), Words(&["no module named"])],
        row(
            "a module is missing in the Python that runs it",
            "run it with uvx or with the Python of its virtual environment as \"command\"; or install the \
             module there",
        ),
    ),
    (
        &[
            Words(&["cannot find module"]),
            Words(&["cannot find package"]),
            Words(&["err_module_not_found"]),
        ],
        row(
            "a module is missing in its installation for Node, or its file is not where \"args\" say",
            "run 'npm install' where the server lies, build it, or correct the path in \"args\"",
        ),
    ),
    (
        &[
            Words(&["env: ", "no such file or directory"]),
            Words(&["command not found"]),
            Words(&["sh: ", ": not found"]),
            Words(&["spawn", "enoent"]),
            Words(&["executable file not found in $path"]),
        ],
        row(
            "a program that it starts itself is not on its PATH",
            "install it for the gateway, or set PATH in the entry's \"env\"; a shell's PATH is often longer \
             than a service's",
        ),
    ),
    // Docker.
    (
        &[
            Words(&["cannot connect to the docker daemon"]),
            Words(&["permission denied", "docker daemon socket"]),
            Words(&["permission denied", "docker api"]),
        ],
        row(
            "it may not use Docker, or Docker does not run",
            "start Docker, and add the gateway's user to the group 'docker'",
        ),
    ),
    // What it wants of its surroundings.
    (
        &[
            Words(&["eaddrinuse"]),
            Words(&["address already in use"]),
            Words(&["port", "already in use"]),
            Words(&["port is already allocated"]),
        ],
        row(
            "the port that it listens on is another's",
            "give it a port of its own, or have it speak stdio alone; end what an earlier start left",
        ),
    ),
    (
        &[
            Words(&["not a tty"]),
            Words(&["not a terminal"]),
            Words(&["inappropriate ioctl for device"]),
            Words(&["enotty"]),
            Words(&["could not open a new tty"]),
            Words(&["/dev/tty"]),
            Words(&["raw mode is not supported"]),
        ],
        row(
            "it asks for a terminal, and a server of stdio has none",
            "give it the option that asks nothing (npx -y, docker run -i without -t), or do what it asks once \
             by hand as the gateway's user",
        ),
    ),
    (
        &[
            Words(&["401", "unauthorized"]),
            Words(&["not logged in"]),
            Words(&["please log in"]),
            Words(&["please login"]),
            Words(&["login required"]),
            Words(&["not authenticated"]),
            Words(&["authentication required"]),
            Words(&["invalid_grant"]),
            Words(&["bad credentials"]),
            Words(&["invalid api key"]),
            Words(&["auth login"]),
            Words(&["token", "expired"]),
            Words(&["could not load the default credentials"]),
        ],
        row(
            "it is not logged in, or its token does not hold any more",
            "renew the token in the entry's \"env\", or log in once by hand as the gateway's user",
        ),
    ),
    (
        &[
            Words(&["environment variable"]),
            Words(&["env var"]),
            Words(&["keyerror: '"]),
            Words(&["_key", "not set"]),
            Words(&["_key", "required"]),
            Words(&["_token", "not set"]),
            Words(&["_token", "required"]),
            Words(&["_url", "not set"]),
            Words(&["_url", "required"]),
            Words(&["missing", "api key"]),
        ],
        row(
            "a variable that it needs is not set",
            "set it in the entry's \"env\" or \"env_file\"; its own words, and its page, say which",
        ),
    ),
    (
        &[
            Words(&["permission denied", "/home/"]),
            Words(&["permission denied", "/root"]),
            Words(&["eacces", "/home/"]),
            Words(&["eacces", "/root"]),
            Words(&["no such file or directory", "/home/"]),
            Words(&["enoent", "/home/"]),
            Words(&["operation not permitted"]),
            Words(&["eperm"]),
        ],
        row(
            "the service hides or forbids what it uses (ProtectHome, or another line of its hardening)",
            "set ProtectHome=no, or the line that forbids it, in a drop-in ('systemctl edit mcp-gateway')",
        ),
    ),
];
