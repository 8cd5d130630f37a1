#!/usr/bin/env bash
# What the program prints: help, status, export, keys, bench.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
ends "help" 0 "understudy reproduce two-layer" "exit codes" run status statistics export extract forget report audit connect recover prune convert outputs keys bench -- \
  "$UNDERSTUDY" --help
for command in run reproduce status statistics export extract forget report audit connect recover prune convert outputs keys bench; do
  ends "help of $command" 0 "USAGE: understudy $command" -- "$UNDERSTUDY" "$command" --help
done
ends "version" 0 -- "$UNDERSTUDY" --version
check "the version has three numbers" grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' ends.log

ends "keys" 0 training.learningRate student.overRealization inputs.training.file evaluationLoss trainingCorrelation \
  "Bundled studies: alignment-bound, augmentation, connectivity" "two-dimensional, two-layer" -- "$UNDERSTUDY" keys

study study.yaml "claim: Three nodes are learned." \
  "record: [{measures: [evaluationLoss, trainingLoss], every: 2}, {measures: [evaluationCorrelation, fanOutNorms], last: true}]"
grid=(--set 'teacher.strengthDecay=[0, 1]' --set seeds=3)
ends "a run" 0 "6 of 6 runs recorded" -- "$UNDERSTUDY" run study.yaml "${grid[@]}" --results results
ends "status" 0 "Three nodes are learned." "6 of 6 recorded" "teacher.strengthDecay = 1" "3 of 3" -- \
  "$UNDERSTUDY" status results
ends "a run of which one setting diverges" 0 "1 diverged" -- "$UNDERSTUDY" run study.yaml \
  --set 'training.learningRate=[0.05, 1000]' --results diverging
ends "status says so, and which one" 0 "2 of 2 recorded, 1 diverged" \
  "training.learningRate = 1000, seed 1: in epoch 1" -- "$UNDERSTUDY" status diverging
ends "status of a study without diverged runs has no list of them" 0 -- "$UNDERSTUDY" status results
check "none" test "$(grep -c "in epoch" ends.log)" -eq 0
ends "a statistic by a key" 0 "teacher.strengthDecay  runs  recoveredNodes" "0                         3" -- \
  "$UNDERSTUDY" statistics results recoveredNodes --by teacher.strengthDecay
ends "as JSON, over epochs" 0 '"epoch" : 2' '"runCount" : 3' '"teacher.strengthDecay" : "1"' -- \
  "$UNDERSTUDY" statistics results logEvaluationLoss --epoch 0,2 --by teacher.strengthDecay --json
check "the numbers are those of the runs" python3 - ends.log <<'PYTHON'
import json, math, sqlite3, sys
db = sqlite3.connect("file:results/results.sqlite?mode=ro", uri=True)
for entry in json.load(open(sys.argv[1])):
    losses = db.execute(
        "SELECT value FROM scalar JOIN run ON run.hash = scalar.run WHERE measure = 'evaluationLoss' AND epoch = ? "
        "AND setting_index = ?", (entry["epoch"], int(entry["group"]["teacher.strengthDecay"]))).fetchall()
    mean = sum(math.log10(loss) for (loss,) in losses) / len(losses)
    assert len(losses) == 3 and abs(mean - entry["value"]) < 1e-12, entry
PYTHON
ends "a statistic of what is not recorded says so" 0 "alignment is not recorded" -- \
  "$UNDERSTUDY" statistics results alignedShare
ends "a key that is none" 2 "settings have no key 'teacher.decay'" -- \
  "$UNDERSTUDY" statistics results recoveredShare --by teacher.decay
ends "a layer of what looks at none" 64 "leave --layer out" -- "$UNDERSTUDY" statistics results recoveredShare --layer 1
ends "a run that declares no report" 0 "no report, because the study declares no figures and no findings" -- \
  "$UNDERSTUDY" run study.yaml --results results "${grid[@]}"
check "there is none" test ! -e results/report.html

study drawn.yaml "figures: [{name: losses, kind: evaluationLoss}]" "findings: [{statement: Is low., statistic: recoveredShare, atLeast: 0}]"
ends "a first report without Python has no figures" 0 "figures left out" "cannot start 'nowhere/python3'" \
  "vl-convert-python" "report: " -- "$UNDERSTUDY" run drawn.yaml --results drawn --python nowhere/python3
check "but what was found" grep -q "Is low." drawn/report.html
check "and why" grep -q "vl-convert-python" drawn/report.html
printf '#!/bin/sh\necho "No module named vl_convert"\nexit 3\n' >without-wheel
chmod +x without-wheel
ends "nor one without the wheel, which takes its place" 0 "pip install vl-convert-python" -- \
  "$UNDERSTUDY" report drawn --python ./without-wheel
echo "<html>with figures</html>" >drawn/report.html
ends "a report with figures is not replaced" 1 "cannot start" -- "$UNDERSTUDY" report drawn --python nowhere/python3
check "it is there" grep -q "with figures" drawn/report.html
for file in study.yaml results.sqlite; do check "the folder has $file" test -s "results/$file"; done
ends "the study of the folder runs, too" 0 "6 of 6 runs recorded" -- \
  "$UNDERSTUDY" run results/study.yaml --results again
check "with the same weights" diff -r results/weights again/weights

ends "export as CSV" 0 -- "$UNDERSTUDY" export results --output out.csv
ends "export as JSON" 0 -- "$UNDERSTUDY" export results --format json --output out.json
check "CSV on standard output is the same" cmp out.csv <("$UNDERSTUDY" export results)
check "CSV and JSON say the same" python3 - <<'PYTHON'
import csv, json
with open("out.csv", newline="") as file:
    table = list(csv.DictReader(file))
with open("out.json") as file:
    objects = json.load(file)
assert len(table) == len(objects) > 0, (len(table), len(objects))
for row, thing in zip(table, objects):
    assert list(row) == list(thing), (row, thing)
    for key, cell in row.items():
        value = thing[key]
        if value is None:
            assert cell == "", (key, cell)
        elif isinstance(value, bool):
            assert cell == str(value).lower(), (key, cell, value)
        elif isinstance(value, (int, float)):
            assert float(cell) == value, (key, cell, value)
        else:
            assert cell == value, (key, cell, value)
# 6 runs: two losses at epochs 0, 2, 4; 3 x 6 correlations and 6 norms at the end.
assert len(table) == 6 * (2 * 3 + 18 + 6), len(table)
assert {row["seed"] for row in table} == {"1", "2", "3"}
assert {row["epoch"] for row in table if row["measure"] == "evaluationLoss"} == {"0", "2", "4"}
assert {row["teacher.strengthDecay"] for row in table} == {"0", "1"} or {"0.0", "1.0"}
assert {(row["i"], row["j"]) for row in table if row["measure"] == "evaluationCorrelation"} == {
    (str(i), str(j)) for i in range(3) for j in range(6)}
PYTHON
check "one measure alone" test "$("$UNDERSTUDY" export results --measure trainingLoss | wc -l)" -eq 19
check "a diverged run is exported up to the epoch before" python3 - <(
  "$UNDERSTUDY" export diverging --format json --measure evaluationLoss) <<'PYTHON'
import json, math, sys
rows = [row for row in json.load(open(sys.argv[1])) if row["outcome"] == "diverged"]
assert [row["epoch"] for row in rows] == [0], rows
assert all(math.isfinite(row["value"]) for row in rows)
PYTHON

ends "bench deep" 0 -- "$UNDERSTUDY" bench deep --json --step-only --threads 1 --rounds 1
check "bench deep has the keys that are promised" python3 - ends.log <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
(step,) = report["steps"]
assert "OpenBLAS" in report["machine"], report
assert step["threads"] == 1 and step["millisecondsPerStep"] > 0 and step["peakGFLOPS"] > 0, step
# A share is work over time and peak; how large it is depends on what else the machine does.
work = step["shareOfPeak"] * step["peakGFLOPS"] * step["millisecondsPerStep"] * 1e-3
assert abs(work / step["stepGFLOP"] - 1) < 1e-9, (work, step)
assert abs(step["stepGFLOP"] - 0.963) < 1e-3, step
PYTHON
ends "bench convolution" 0 -- "$UNDERSTUDY" bench convolution --json --algorithm direct --threads 1 --rounds 1
check "bench convolution has the keys that are promised" python3 - ends.log <<'PYTHON'
import json, sys
(row,) = json.load(open(sys.argv[1]))
assert row["threads"] == 1 and row["algorithm"] == "direct" and row["forwardMilliseconds"] > 0, row
assert 0 < row["shareOutsideProducts"] < 1, row
# Five layers; the lowest needs no gradient of its input.
assert len(row["choices"]) == 5 and not any("wino" in choice["forward"] for choice in row["choices"]), row
assert ["data" in choice for choice in row["choices"]] == [False] + 4 * [True], row
work = row["stepGFLOPS"] * row["millisecondsPerStep"] * 1e-3
assert abs(work / row["stepGFLOP"] - 1) < 1e-9 and abs(row["stepGFLOP"] - 29.361) < 1e-3, (work, row)
PYTHON
ends "bench" 0 -- "$UNDERSTUDY" bench two-layer --json --rounds 1 --any-depth
check "bench has the keys that are promised" python3 - ends.log <<'PYTHON'
import json, sys
rows = json.load(open(sys.argv[1]))
assert rows
for row in rows:
    missing = {"m", "n", "d", "c", "batch", "precision", "microsecondsPerStep", "shareOfPeak"} - set(row)
    assert not missing, missing
    assert "OpenBLAS" in row["machine"], row
    assert row["microsecondsPerStep"] > 0 and row["peakGFLOPS"] > 0, row
    assert row["anyDepthMicrosecondsPerStep"] > 0 and row["anyDepthEvaluationMilliseconds"] > 0, row
    # Forward, back and update of n (d + 1) + C (n + 1) weights, without the gradient of the inputs; 2 operations each.
    work = row["shareOfPeak"] * row["peakGFLOPS"] * row["microsecondsPerStep"] * 1e3
    first, last = row["n"] * (row["d"] + 1), row["c"] * (row["n"] + 1)
    assert 4 * (first + last) < work / row["batch"] < 6.2 * (first + last), (work, row)
sizes = {(row["m"], row["n"], row["d"], row["c"], row["batch"]) for row in rows if row["precision"] == "float64"}
for size in [(20, 200, 100, 50, 16), (10, 50, 100, 50, 16), (5, 5, 100, 50, 16), (10, 50, 37, 11, 13)]:
    assert size in sizes, size
PYTHON

finish
