#!/bin/sh
# setup.sh build|test|demo: installs what that needs and this machine lacks, on Debian
# and Ubuntu, as root or through sudo. Says what it installs and why; where nothing is
# missing it prints nothing and changes nothing.
#
# System packages come by apt-get, without the recommended ones. Python packages go to
# the environment $VENV (build/venv) alone. Two programs whose packages would start a
# service on this machine, Redis and Prometheus, are taken without that service and put
# into the environment's bin/. Several runs may go on at once: they wait for each other.
set -eu

cd "$(dirname "$0")/.."
mode=${1:-}
venv=${VENV:-build/venv}

die() {
    echo "spanmap: $1" >&2
    exit 1
}

case $mode in
build | test | demo) ;;
*)
    echo 'usage: scripts/setup.sh build|test|demo' >&2
    exit 2
    ;;
esac

# ------------------------------------------------------------------- probes

has() {
    command -v "$1" > /dev/null 2>&1
}

pc() {
    pkg-config --exists "$1" 2> /dev/null
}

compiler() {
    has "${CC:-cc}" && [ -e "$("${CC:-cc}" -print-file-name=crt1.o)" ] && [ -e /usr/include/stdio.h ]
}

llhttp() {
    pc libllhttp || [ -e /usr/share/llhttp/llhttp.c ]
}

fuzzer_runtime() {
    has clang && [ -n "$(find "$(clang -print-runtime-dir)" "$(clang -print-resource-dir)/lib/linux" \
        -name 'libclang_rt.fuzzer*.a' 2> /dev/null | head -n 1)" ]
}

font() {
    [ -n "$(find /usr/share/fonts -name '*.[to]tf' 2> /dev/null | head -n 1)" ]
}

certificates() {
    [ -s /etc/ssl/certs/ca-certificates.crt ]
}

# The system's own Python first: what a user's shell puts before it may go away.
python() {
    for candidate in /usr/bin/python3 python3; do
        if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

environment() {
    [ -x "$venv/bin/python" ] || python > /dev/null
}

redis() {
    has redis-server || has redis-check-rdb
}

prometheus() {
    { has prometheus || [ -x "$venv/bin/prometheus" ]; } &&
        { has promtool || [ -x "$venv/bin/promtool" ]; }
}

browser() {
    has chromium && has chromedriver
}

# ---------------------------------------------------------------- the table

# MODES : PROBE : PACKAGES : WHY. Of names joined by `/` the first that this release
# has is taken. A row marked `?` is wanted only; one marked `=` is unpacked into the
# environment and not installed.
rows() {
    cat << 'TABLE'
build test demo : compiler               : gcc libc6-dev               : the C compiler
build test demo : has pkg-config         : pkg-config/pkgconf          : finds the libraries
build test demo : pc libuv               : libuv1-dev                  : event loop
build test demo : pc libnghttp2          : libnghttp2-dev              : HTTP/2
build test demo : llhttp                 : libllhttp-dev/node-llhttp   : HTTP/1.1
build test demo : pc libprotobuf-c       : libprotobuf-c-dev           : protobuf
build test demo : has protoc-c           : protobuf-c-compiler         : protobuf
build test demo : pc jansson             : libjansson-dev              : JSON
build test demo : pc libcurl             : libcurl4-openssl-dev        : asks a running spanmap for its map
build test demo : pc snappy              : libsnappy-dev               : remote write
build test demo : pc libpcre2-8          : libpcre2-dev                : rules for names
build test demo : pc libdeflate          : libdeflate-dev              : gzip
build test demo : pc zlib                : zlib1g-dev                  : gzip
build test demo : pc libzstd             : libzstd-dev                 : zstd
build test demo : pc yaml-0.1            : libyaml-dev                 : the configuration file
build test demo : pc libxxhash           : libxxhash-dev               : hashing
build test demo : pc libssl              : libssl-dev                  : TLS
build test demo : pc libcrypt            : libcrypt-dev                : hashed passwords
build test demo : pc libgvc              : libgraphviz-dev             : draws the map
build test demo : pc grpc                : libgrpc-dev                 : passes spans and metrics on
build test demo : font                   : fonts-dejavu-core           : text in the map
test demo       : environment            : python3 python3-venv        : the shop and the tests
test demo       : certificates           : ca-certificates             : fetches Python packages
test demo       : redis                  : redis-tools                 : the shop's queue and cache
test            : pc cmocka              : libcmocka-dev               : unit tests
test            : has clang              : clang                       : second compiler, fuzzing
test            : fuzzer_runtime         : libclang-rt-dev/libclang-rt-14-dev : fuzzing
test            : ? has afl-fuzz         : afl++                       : the other fuzzer
test            : has dot                : graphviz                    : tests of the map
test            : has zstd               : zstd                        : tests of packed files
test            : has openssl            : openssl                     : certificates for tests
test            : has valgrind           : valgrind                    : counts instructions
test            : has curl               : curl                        : another client
test            : has systemd-analyze    : systemd                     : tests of the unit file
test            : has mandoc             : mandoc                      : tests of the man page
test            : has zsh                : zsh                         : tests of completion
test            : has fish               : fish                        : tests of completion
test            : has dpkg-shlibdeps     : dpkg-dev                    : tests of the package
test            : ? browser              : chromium chromium-driver    : tests of the page
test            : ? has systemd-socket-activate : systemd               : tests of socket activation
test            : = prometheus           : prometheus promtool         : tests of /metrics
TABLE
}

# Prints the rows of this mode whose probe fails, as `MARK|PACKAGES|WHY`.
missing() {
    rows | while IFS=: read -r modes probe packages why; do
        case " $modes " in *" $mode "*) ;; *) continue ;; esac
        # shellcheck disable=SC2086 # words and blanks of the table
        set -- $probe
        mark=-
        case $1 in '?' | '=') mark=$1 && shift ;; esac
        # shellcheck disable=SC2086
        "$@" || echo "$mark|$(echo $packages)|$(echo $why)"
    done
}

# --------------------------------------------------------------- installing

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
        apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" >> "$log" 2>&1 8<&- 9<&-
}

# Prints, for each name or list of alternatives, the package that this release has.
choose() {
    for names in "$@"; do
        for name in $(echo "$names" | tr / ' '); do
            if apt-cache show --no-all-versions "$name" > /dev/null 2>&1; then
                echo "$name"
                break
            fi
        done
    done
}

needed_by_hand() {
    die "$1; $mode needs these packages, by their Debian names:
  $(echo "$wanted" | cut -d'|' -f2 | tr '\n' ' ')"
}

install_rows() {
    packages=$(echo "$wanted" | sed -n "s/^$1|\(.*\)|.*/\1/p")
    # shellcheck disable=SC2046,SC2086 # lists of words
    set -- $(choose $packages)
    [ $# -eq 0 ] || apt install -y --no-install-recommends "$@"
}

# Unpacked as whoever runs this, since nothing outside the environment is written.
unpack_programs() {
    mkdir -p "$venv/unpacked" "$venv/bin"
    # shellcheck disable=SC2046 # a list of words
    for name in $(choose $(echo "$wanted" | sed -n 's/^=|\(.*\)|.*/\1/p')); do
        (
            cd "$venv/unpacked"
            rm -f "$name"_*.deb
            apt-get -qq download "$name" > download.log 2>&1 && dpkg -x "$name"_*.deb "$name" &&
                rm -f "$name"_*.deb download.log
        ) || continue
        for program in "$venv/unpacked/$name/usr/bin"/*; do
            ln -sf "../unpacked/$name/usr/bin/${program##*/}" "$venv/bin/${program##*/}"
        done
    done
}

tell_what_is_left() {
    echo "$wanted" | sed -n 's/^[?=]|\(.*\)|\(.*\)/spanmap: \1 cannot be had here; skipped: \2/p'
}

install_packages() {
    wanted=$(missing)
    [ -n "$wanted" ] || return 0
    has apt-get || needed_by_hand 'this machine has no apt-get'
    # shellcheck disable=SC2046 # a list of words
    if [ -z "$(choose $(echo "$wanted" | cut -d'|' -f2))" ] && ! echo "$wanted" | grep -q '^-'; then
        tell_what_is_left
        return 0
    fi
    if [ "$(id -u)" -ne 0 ] && echo "$wanted" | grep -qv '^=|'; then
        has sudo || needed_by_hand 'not root, and there is no sudo'
        [ -t 0 ] || sudo -n true 2> /dev/null || needed_by_hand 'not root, and sudo asks for a password'
    fi

    # One at a time on this machine; what another run has just installed is not missing.
    if has flock && [ -d /var/lib/apt/lists ]; then
        exec 8< /var/lib/apt/lists
        flock 8
        wanted=$(missing)
        [ -n "$wanted" ] || return 0
    fi

    echo "spanmap: $mode needs what this machine lacks; apt-get fetches it:"
    echo "$wanted" | awk -F'|' '{ printf "  %-28s %s\n", $2, $3 }'
    : > "$log"
    # A source of packages that does not answer need not be one that is needed.
    apt update || echo 'spanmap: apt-get update failed; going on with the lists that are here'
    if ! install_rows -; then
        tail -n 15 "$log" >&2
        needed_by_hand "apt-get failed, see $log"
    fi
    install_rows '?' || true
    unpack_programs
    [ ! -d /var/lib/apt/lists ] || exec 8<&-

    wanted=$(missing)
    tell_what_is_left
    wanted=$(echo "$wanted" | grep '^-|') || return 0
    needed_by_hand "still missing after apt-get, see $log"
}

# ----------------------------------------------------------- Python packages

# Names its programs by what they are: the check of a dump is the server's own binary.
link_redis() {
    if ! has redis-server && [ ! -e "$venv/bin/redis-server" ]; then
        mkdir -p "$venv/bin"
        ln -sf "$(command -v redis-check-rdb)" "$venv/bin/redis-server"
    fi
}

# The environment is whole if its Python runs and finds pip: neither holds after an
# upgrade of the system's Python.
environment_is_whole() {
    "$venv/bin/python" -c 'import sys, importlib.util; sys.exit(importlib.util.find_spec("pip") is None)' \
        2> /dev/null
}

# Installs the requirement files $@ unless each was installed as it stands.
python_packages() {
    stale=
    if ! environment_is_whole; then
        [ ! -e "$venv/pyvenv.cfg" ] || rm -rf "$venv/bin/python"* "$venv/lib" "$venv/lib64" "$venv/pyvenv.cfg"
        "$(python)" -m venv "$venv" || die "cannot make a Python environment in $venv"
        rm -f "$venv"/*.installed
    fi
    arguments=
    for file in "$@"; do
        cmp -s "$file" "$venv/$(echo "$file" | tr / -).installed" || stale="$stale $file"
        arguments="$arguments -r $file"
    done
    [ -n "$stale" ] || return 0
    echo "spanmap: pip installs the Python packages of$stale into $venv"
    # shellcheck disable=SC2086 # a list of words
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input $arguments ||
        die "pip failed; nothing but $venv was changed, and the next run tries again"
    for file in $stale; do
        cp "$file" "$venv/$(echo "$file" | tr / -).installed"
    done
}

# --------------------------------------------------------------------- main

mkdir -p "$venv"
log=$(dirname "$venv")/setup.log
if has flock; then
    exec 9< "$venv"
    flock 9
fi

install_packages
case $mode in
test)
    link_redis
    python_packages deploy/demo/requirements.txt tests/requirements.txt
    ;;
demo)
    link_redis
    python_packages deploy/demo/requirements.txt
    ;;
esac
