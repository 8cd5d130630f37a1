#!/usr/bin/env bash
# The five studies of deep students in quick form: they run, every figure is drawn, and the lowest layer specializes.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

repository=$(cd "$tests/../.." && pwd)
[ ! -x "$repository/.venv/bin/python" ] || export UNDERSTUDY_PYTHON=${UNDERSTUDY_PYTHON:-$repository/.venv/bin/python}
cd "$work" || exit 1

ends "reproduce deep" 0 "report:" -- "$UNDERSTUDY" reproduce deep --scale quick --results deep
cp ends.log deep.log
check "every figure is drawn" bash -c '! grep "figure left out" deep.log'
for study in deep depth teacher-width deep-bound deep-connectivity; do reproduced deep "$study"; done
ends "the guide's tables" 0 "### deep" "The lowest layer specializes" "✓ borne out" -- \
  python3 "$repository/Scripts/findings_table.py" deep/report.html
check "the lowest layer specializes and has the L-shape" bash -c \
  "grep -E 'lowest layer (specializes|has the L-shape)' ends.log | grep -vc 'not borne out' | grep -qx 3"
ends "the guide's numbers" 0 "### deep, 10x" "### depth" "### teacher-width" "### deep-bound" "### deep-connectivity" -- \
  python3 "$repository/Scripts/deep_facts.py" deep
ends "the same command again has nothing to do" 0 "deep: 0 of 8 runs" "depth: 0 of 9 runs" "teacher-width: 0 of 6 runs" \
  "deep-bound: 0 of 12 runs" "deep-connectivity: 0 of 3 runs" -- \
  "$UNDERSTUDY" reproduce deep --scale quick --results deep --no-report

finish
