#!/bin/sh
# fuzz.sh LOGDIR FOUND PROGRAM...: runs each fuzz target over its committed corpus and
# then for FUZZ_S seconds. What it finds goes to FOUND/<name>, what breaks it stays in
# LOGDIR. Ends with the line `fuzz: N passed, M failed`.
set -u

logdir=$1
found=$2
shift 2
mkdir -p "$logdir"

echo '== fuzz'
passed=0 failed=0
for program in "$@"; do
    name=$(basename "$program" _fuzz)
    corpus=tests/fuzz/corpus/$name
    dictionary=tests/fuzz/$name.dict
    log=$logdir/fuzz-$name.log
    mkdir -p "$found/$name"
    set -- -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$logdir/$name-" "$found/$name"
    [ ! -d "$corpus" ] || set -- "$@" "$corpus"
    [ ! -f "$dictionary" ] || set -- -dict="$dictionary" "$@"
    if "$program" -runs=0 "$@" > "$log" 2>&1 &&
        "$program" -max_total_time="${FUZZ_S:-60}" "$@" >> "$log" 2>&1; then
        passed=$((passed + 1))
        echo "$name: $(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\).*/\1 runs in \2 s/p' "$log" | tail -n 1)"
    else
        failed=$((failed + 1))
        echo "-- $program"
        tail -n 60 "$log"
    fi
done

echo "fuzz $passed $failed 0" >> "$logdir/results"
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
