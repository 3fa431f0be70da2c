#!/bin/sh
# collector.sh: prints the path of the OpenTelemetry Collector that tests/interop/collector/builder.yaml
# describes. The first call builds it, which takes minutes; it is kept outside the tree, in
# ${XDG_CACHE_HOME:-~/.cache}/spanmap, for all checkouts. Calls at one time wait for each other.
set -eu

cd "$(dirname "$0")/../tests/interop/collector"
version=$(sed -n 's/^  version: *//p' builder.yaml)
name=otelcol-$(sha256sum builder.yaml | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spanmap
program=$cache/$name/otelcol

if [ ! -x "$program" ]; then
    command -v go > /dev/null || { echo 'collector.sh: go is missing' >&2 && exit 1; }
    mkdir -p "$cache"
    exec 9> "$cache/$name.lock"
    flock 9
fi
if [ ! -x "$program" ]; then
    work=$(mktemp -d "$cache/$name.XXXXXX")
    trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
    config=$PWD/builder.yaml
    echo "building the OpenTelemetry Collector $version in $cache" >&2
    (
        cd "$work"
        GOBIN=$work go install "go.opentelemetry.io/collector/cmd/builder@v$version"
        ./builder --config "$config"
    ) > "$cache/$name.log" 2>&1 9>&- || { tail -n 20 "$cache/$name.log" >&2 && exit 1; }
    mkdir -p "$cache/$name"
    mv "$work/dist/otelcol" "$program"
fi
echo "$program"
