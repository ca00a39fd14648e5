# For the scripts that install what tests need, by `source`: Node, Python, and packages of both, each pinned. What the
# machine itself lacks is installed with apt-get.

say() { printf '%s: %s\n' "$0" "$*" >&2; }
fail() { say "$*"; exit 1; }

# Node 18 is the oldest that the servers run on; npm comes with it or beside it.
has_node() {
    command -v npm >/dev/null && command -v npx >/dev/null &&
        node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' 2>/dev/null
}

# The oldest Python that will do.
oldest=${oldest:-3.10}

# Debian ships venv apart from Python: `ensurepip` is what is missing then.
is_python() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < tuple(map(int, sys.argv[1].split("."))))' "$oldest" 2>/dev/null
}

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10 /usr/bin/python3; do
        if is_python "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# What a command is put behind that needs root: sets `root`.
become_root() {
    root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "missing: $*. Install them as root, or install sudo, and run again"
        root=(sudo)
    fi
}

apt_update() {
    local root
    become_root "lists of packages"
    "${root[@]}" apt-get update -qq
}

apt_install() {
    command -v apt-get >/dev/null ||
        fail "missing: $*. There is no apt-get here: install them (Node 18 or newer, Python $oldest or newer) and run again"
    local root
    become_root "$@"
    say "installing $*"
    apt_update
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# What a stamp says: the files, the tools and the place that an installation was made from.
stamp_of() { { cat "${@:2}"; echo "$1 $PWD"; } | sha256sum; }

is_stamped() { [ "$(cat "$1/.stamp" 2>/dev/null)" = "$2" ]; }

# The folder's Node packages, as its lock file has them; `ci` unless npm is to do it in another way.
install_node_packages() {
    local stamp how=("${@:2}")
    [ "${#how[@]}" -gt 0 ] || how=(ci)
    stamp=$(stamp_of "$(node --version)" "$1/package.json" "$1/package-lock.json")
    if ! is_stamped "$1/node_modules" "$stamp"; then
        say "installing the Node packages of $1"
        npm "${how[@]}" --prefix "$1" --no-audit --no-fund --loglevel=error >&2
        echo "$stamp" >"$1/node_modules/.stamp"
    fi
}

# The Python packages of a list; lists with a number are for versions that do not fit into one environment.
install_python_packages() {
    local venv=$1/.venv${2:-} list=$1/requirements${2:-}.txt stamp
    stamp=$(stamp_of "$("$python" --version)" "$list")
    if ! is_stamped "$venv" "$stamp"; then
        say "installing the Python packages of $list"
        "$python" -m venv --clear "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$list" >&2
        echo "$stamp" >"$venv/.stamp"
    fi
}

# Debian keeps the server's programs beside PATH, by version. The tests run one of their own, as another user if need be.
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

# For the tests of the way over from MetaMCP.
install_postgres() { has_postgres || apt_install postgresql; }

# `promtool`, out of Debian's package and into a folder of its own: nothing is installed, and no service is started. Where
# there is one on PATH and no Debian, that one.
install_promtool() {
    local folder=$1/.prometheus stamp work
    stamp=$(. /etc/os-release && echo "prometheus of ${ID:-} ${VERSION_ID:-} for $(uname -m)")
    if is_stamped "$folder" "$stamp"; then return; fi
    rm -rf "$folder"
    mkdir -p "$folder/usr/bin"
    if ! command -v apt-get >/dev/null; then
        command -v promtool >/dev/null || fail "missing: promtool. There is no apt-get here: install it (Prometheus has it) and run again"
        ln -s "$(command -v promtool)" "$folder/usr/bin/promtool"
    else
        say "fetching promtool"
        work=$(mktemp -d)
        (cd "$work" && apt-get download -qq prometheus >&2) ||
            { apt_update && (cd "$work" && apt-get download -qq prometheus >&2); }
        dpkg -x "$work"/prometheus_*.deb "$work"
        mv "$work/usr/bin/promtool" "$folder/usr/bin/"
        rm -rf "$work"
    fi
    echo "$stamp" >"$folder/.stamp"
}

# Sets `python`.
install_tools() {
    local missing=()
    has_node || missing+=(nodejs npm)
    find_python >/dev/null || missing+=(python3 python3-venv)
    command -v git >/dev/null || missing+=(git)
    if [ "${#missing[@]}" -gt 0 ]; then
        apt_install "${missing[@]}"
        has_node || fail "Node 18 or newer with npm is needed; found: $(node --version 2>&1 || true)"
        find_python >/dev/null || fail "Python $oldest or newer with venv is needed; found: $(python3 --version 2>&1 || true)"
    fi
    python=$(find_python)
}
