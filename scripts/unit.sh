#!/bin/sh
# unit.sh LOGDIR PROGRAM...: runs cmocka programs, as many at once as there are
# processors, shows the output of each that fails, and ends with a summed line.
# A program that dies or hangs counts as one failure more.
set -u

name=${STAGE:-unit}
logdir=$1
shift
rm -rf "$logdir"
mkdir -p "$logdir"

echo "== $name"
if [ $# -gt 0 ]; then
    printf '%s\n' "$@" | LOGDIR=$logdir xargs -P "$(nproc)" -I '{}' sh -c '
        log=$LOGDIR/$(echo "{}" | sed "s,.*/unit/,,; s,/,.,g")
        timeout --kill-after=5 "${UNIT_TIMEOUT_S:-300}" "{}" > "$log.log" 2>&1 < /dev/null
        echo $? > "$log.status"'
fi

passed=0 failed=0 skipped=0
for program in "$@"; do
    log=$logdir/$(echo "$program" | sed 's,.*/unit/,,; s,/,.,g')
    status=$(cat "$log.status")
    ok=$(grep -c '^\[       OK \]' "$log.log")
    # cmocka repeats the names after its closing count.
    skip=$(sed '/^\[==========\].*run\.$/,$d' "$log.log" | grep -c '^\[  SKIPPED \]')
    bad=0
    if [ "$status" -ne 0 ]; then
        bad=$(sed '/^\[==========\].*run\.$/,$d' "$log.log" | grep -c '^\[  FAILED  \]')
        [ "$bad" -gt 0 ] || bad=1
        echo "-- $program (exit $status)"
        cat "$log.log"
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
done

echo "$name $passed $failed $skipped" >> "$logdir/../results"
echo "$name: $passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
