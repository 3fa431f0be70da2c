#!/bin/sh
# stage.sh NAME LOGDIR COMMAND...: runs one stage of the tests, keeps its output in
# LOGDIR/NAME.log, and ends with the line `NAME: N passed, M failed`. The counts are
# those of the last line of the output that has any; a command that fails without
# counting anything counts as one failure.
set -u

name=$1
logdir=$2
shift 2
mkdir -p "$logdir"
log=$logdir/$name.log

echo "== $name"
{
    "$@"
    echo $? > "$log.status"
} 2>&1 | tee "$log"
status=$(cat "$log.status")
rm -f "$log.status"

counts=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
    function count(word,    text) {
        if (!match($0, "[0-9]+ " word)) return 0
        text = substr($0, RSTART, RLENGTH)
        return text + 0
    }
    /[0-9]+ (passed|failed|error|skipped)/ {
        passed = count("passed"); failed = count("failed") + count("error"); skipped = count("skipped")
    }
    END { print passed + 0, failed + 0, skipped + 0 }')
set -- $counts
passed=$1 failed=$2 skipped=$3

# pytest exits with 5 where it collected nothing.
if [ "$status" -eq 5 ] && [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
    status=0
fi
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    failed=1
fi

echo "$name $passed $failed $skipped" >> "$logdir/results"
echo "$name: $passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
