"""Makes one fault after the other, and tells which tests noticed. `make mutation` runs it.

    run.py [WORD...]   those faults only that have one of these words in their rule, file or reason
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from faults import FAULTS
from mutant import caught_by, is_found, unharmed_fails


def result_of(fault):
    if not is_found(fault):
        return "NOT FOUND"
    try:
        return caught_by(fault) or "SURVIVED"
    except AssertionError as error:
        print(error, file=sys.stderr)
        return "NOT MADE"


def wanted(fault, arguments):
    return not arguments or any(word in f"{fault.rule} {fault.file} {fault.why}" for word in arguments)


def main():
    failing = unharmed_fails()
    if failing:
        raise SystemExit(f"without any fault these fail: {', '.join(failing)}")
    faults = [fault for fault in FAULTS if wanted(fault, sys.argv[1:])]
    bad = 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for fault, result in zip(faults, pool.map(result_of, faults)):
            bad += result.isupper()
            print(f"{result:10} {fault.rule:10} {fault.file}: {fault.why}", flush=True)
    print(f"mutation: {len(faults) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
