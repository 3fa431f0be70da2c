#!/bin/sh
# summary.sh LOGDIR begin: forgets the results of an earlier run.
# summary.sh LOGDIR end:   prints a line a stage and their sum, fails if anything failed.
# summary.sh LOGDIR expect NAME...: counts one failure for each stage without a result.
# summary.sh LOGDIR sum:   prints `passed failed skipped`, for a caller that adds up runs.
set -u

results=$1/results
case $2 in
begin)
    mkdir -p "$1"
    : > "$results"
    ;;
expect)
    shift 2
    for name in "$@"; do
        grep -q "^$name " "$results" || echo "$name 0 1 0" >> "$results"
    done
    ;;
end)
    echo '== summary'
    awk '{ printf "%-12s %6d passed %4d failed %4d skipped\n", $1, $2, $3, $4
           passed += $2; failed += $3; skipped += $4 }
         END { printf "%-12s %6d passed %4d failed %4d skipped\n", "all", passed, failed, skipped
               exit failed > 0 || passed == 0 }' "$results"
    ;;
sum)
    awk '{ passed += $2; failed += $3; skipped += $4 }
         END { print passed + 0, failed + 0, skipped + 0 }' "$results"
    ;;
esac
