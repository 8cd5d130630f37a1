#!/usr/bin/env bash
# The nine studies of the theory in quick form: they run, every figure is drawn, and what must never be seen is not.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

repository=$(cd "$tests/../.." && pwd)
[ ! -x "$repository/.venv/bin/python" ] || export UNDERSTUDY_PYTHON=${UNDERSTUDY_PYTHON:-$repository/.venv/bin/python}
cd "$work" || exit 1
studies=(
  alignment-bound unaligned-students observers strong-and-weak augmentation low-rank connectivity coverage-and-loss dynamics
)

ends "reproduce theory" 0 "report:" -- "$UNDERSTUDY" reproduce theory --scale quick --results theory
cp ends.log theory.log
check "every figure is drawn" bash -c '! grep "figure left out" theory.log'
for study in "${studies[@]}"; do reproduced theory "$study"; done

check "no audit found a violation, and no prediction was crossed" python3 - <<'PYTHON'
import json, sqlite3, struct
for study in ("alignment-bound", "low-rank"):
    db = sqlite3.connect(f"file:theory/{study}/results.sqlite?mode=ro", uri=True)
    arrays = {}
    for run, epoch, measure, values in db.execute('SELECT run, epoch, measure, "values" FROM array'):
        arrays[run, epoch, measure] = struct.unpack(f"<{len(values) // 8}d", values)
    verdicts = [value for key, values in arrays.items() if key[2] == "verdicts" for value in values]
    assert verdicts and 9 not in verdicts, study
    for (run, epoch, measure), predicted in arrays.items():
        if measure != "predictedAlignment":
            continue
        for limit, measured in zip(predicted, arrays[run, epoch, "alignment"]):
            assert limit < 0 or measured <= limit, (study, run, epoch, limit, measured)
PYTHON
check "a run that went on after its last epoch is stored with its finished student" python3 - <<'PYTHON'
import sqlite3, struct
db = sqlite3.connect("file:theory/low-rank/results.sqlite?mode=ro", uri=True)
reports = [struct.unpack("<8d", values) for (values,) in db.execute(
    """SELECT "values" FROM array WHERE measure = 'criticalPoint'""")]
reached = [report for report in reports if report[2] == 1]
assert len(reached) >= len(reports) - 1, reports
assert all(report[4] <= 1e-10 and report[0] > 0 for report in reached), reports
PYTHON
ends "the guide's tables" 0 "### alignment-bound" "### coverage-and-loss" "borne out" -- \
  python3 "$repository/Scripts/findings_table.py" theory/report.html
ends "the guide's numbers" 0 "### alignment-bound" "| 2 | teacherAware |" "### connectivity" "### coverage-and-loss" -- \
  python3 "$repository/Scripts/theory_facts.py" theory
ends "the same command again has nothing to do" 0 "0 of" -- \
  "$UNDERSTUDY" reproduce theory --scale quick --results theory --no-report

finish
