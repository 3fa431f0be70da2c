#!/bin/sh
# fuzz.sh LOGDIR FOUND PROGRAM...: runs each fuzz target over its committed corpus and
# then for FUZZ_S seconds, by libFuzzer or, with ENGINE=afl, by AFL++. What it finds goes
# to FOUND/<name>, what breaks it stays in LOGDIR. Ends with the line
# `fuzz: N passed, M failed`.
set -u

logdir=$1
found=$2
shift 2
mkdir -p "$logdir"

# The options are AFL++'s own demands on sanitizers, and leave out what only a person needs.
export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
export AFL_IGNORE_SEED_PROBLEMS=1

libfuzzer() {
    set -- "$program" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$logdir/$name-" "$found/$name"
    [ ! -d "$corpus" ] || set -- "$@" "$corpus"
    [ ! -f "$dictionary" ] || set -- "$@" -dict="$dictionary"
    "$@" -runs=0 > "$log" 2>&1 && "$@" -max_total_time="${FUZZ_S:-60}" >> "$log" 2>&1 || return 1
    told=$(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\).*/\1 runs in \2 s/p' "$log" | tail -n 1)
}

afl() {
    # What an earlier run found and left is no finding of this one.
    rm -rf "$found/$name/default" "$logdir/$name-id"*
    # The committed ones as they are, then AFL++'s search from them.
    find "$corpus" -type f -size +0 -exec "$program" {} + > "$log" 2>&1 || return 1
    set -- -i "$corpus" -o "$found/$name" -t 10000 -V "${FUZZ_S:-60}"
    [ ! -f "$dictionary" ] || set -- "$@" -x "$dictionary"
    ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1:symbolize=0 \
        afl-fuzz "$@" -- "$program" >> "$log" 2>&1 || return 1
    for artifact in "$found/$name"/default/crashes/id:* "$found/$name"/default/hangs/id:*; do
        [ ! -f "$artifact" ] || cp "$artifact" "$logdir/$name-$(basename "$artifact" | tr ':,' '--')"
    done
    told=$(sed -n 's/^execs_done *: *\([0-9]*\)/\1/p' "$found/$name/default/fuzzer_stats")
    told="$told runs in ${FUZZ_S:-60} s"
    set -- "$logdir/$name-id"*
    [ ! -f "$1" ] || { echo "$name broke: $*" >> "$log" && "$program" "$1" >> "$log" 2>&1; return 1; }
}

engine=${ENGINE:-libfuzzer}
case $engine in
libfuzzer) ;;
afl) command -v afl-fuzz > /dev/null || { echo 'fuzz.sh: afl-fuzz is missing (Debian: afl++)' >&2 && exit 1; } ;;
*) echo "fuzz.sh: ENGINE is libfuzzer or afl, not $engine" >&2 && exit 2 ;;
esac

echo "== fuzz ($engine)"
passed=0 failed=0
for program in "$@"; do
    name=$(basename "$program" _fuzz)
    corpus=tests/fuzz/corpus/$name
    dictionary=tests/fuzz/$name.dict
    log=$logdir/fuzz-$name.log
    mkdir -p "$found/$name"
    told=
    if $engine; then
        passed=$((passed + 1))
        echo "$name: $told"
    else
        failed=$((failed + 1))
        echo "-- $program"
        tail -n 60 "$log"
    fi
done

echo "fuzz $passed $failed 0" >> "$logdir/results"
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
