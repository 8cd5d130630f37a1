#!/usr/bin/env bash
# Files that the program once answered badly; `make fuzz` looks for more.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

TMPDIR=$work python3 "$tests/../Fuzzing/fuzz.py" --understudy "$UNDERSTUDY" --replay
