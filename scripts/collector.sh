#!/bin/sh
# collector.sh [CONFIG PROGRAM]: prints the path of the OpenTelemetry Collector that
# tests/interop/collector/builder.yaml describes. The first call builds it, which takes minutes; it is kept
# outside the tree, in ${XDG_CACHE_HOME:-~/.cache}/spanmap, for all checkouts. Calls at one time wait for
# each other. With arguments it builds, from the tree's root, what CONFIG describes, as PROGRAM: what both
# have in common is compiled once.
set -eu

cd "$(dirname "$0")/.."
[ $# -eq 0 ] || case $2 in /*) program=$2 ;; *) program=$PWD/$2 ;; esac
config=$PWD/${1:-tests/interop/collector/builder.yaml}
version=$(sed -n 's/^  version: *//p' "$config")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spanmap
if [ $# -eq 0 ]; then
    name=otelcol-$(sha256sum "$config" | cut -c1-16)
    program=$cache/$name/otelcol
    lock=$cache/$name.lock
    log=$cache/$name.log
    [ ! -x "$program" ] || { echo "$program" && exit 0; }
else
    lock=$program.lock
    log=$program.log
fi

command -v go > /dev/null || { echo 'collector.sh: go is missing' >&2 && exit 1; }
mkdir -p "$cache" "$(dirname "$program")"
exec 9> "$lock"
flock 9
if [ $# -ne 0 ] || [ ! -x "$program" ]; then
    builder=$cache/builder-$version
    work=$(mktemp -d "$cache/build.XXXXXX")
    trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
    echo "building the OpenTelemetry Collector $version: $program" >&2
    (
        if [ ! -x "$builder" ]; then
            GOBIN=$work go install "go.opentelemetry.io/collector/cmd/builder@v$version"
            mv "$work/builder" "$builder"
        fi
        sed "s|^  output_path:.*|  output_path: $work/dist|" "$config" > "$work/builder.yaml"
        "$builder" --config "$work/builder.yaml"
        mv "$work/dist/$(sed -n 's/^  name: *//p' "$config")" "$program"
    ) > "$log" 2>&1 9>&- || { tail -n 20 "$log" >&2 && exit 1; }
fi
echo "$program"
