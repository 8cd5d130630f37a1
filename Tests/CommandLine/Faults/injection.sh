#!/usr/bin/env bash
# System calls that fail, are interrupted, or do half of what they should, and kills in the middle: a sample of the calls. All of
# them: injection.py --all.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

# The compiler that comes with Swift, or the system's.
compiler=$(dirname "$(readlink -f "$(command -v swift)")")/clang
[ -x "$compiler" ] || compiler=$(command -v clang || command -v cc)
"$compiler" -O1 -shared -fPIC -o "$work/faulty_calls.so" "$tests/Faults/faulty_calls.c" -ldl || fail "faulty_calls.c is compiled"
TMPDIR=$work python3 "$tests/Faults/injection.py" --understudy "$UNDERSTUDY" --faults "$work/faulty_calls.so" "$@"
