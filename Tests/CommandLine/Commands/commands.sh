#!/usr/bin/env bash
# What the program prints: help, status, export, keys, bench.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
ends "help" 0 "understudy reproduce two-layer" "exit codes" run status statistics export extract zoom forget report audit connect recover prune convert outputs keys bench -- \
  "$UNDERSTUDY" --help
for command in run reproduce status statistics export extract zoom forget report audit connect recover prune convert outputs keys bench; do
  ends "help of $command" 0 "USAGE: understudy $command" -- "$UNDERSTUDY" "$command" --help
done
ends "version" 0 -- "$UNDERSTUDY" --version
check "the version has three numbers" grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' ends.log

ends "keys" 0 training.learningRate student.overRealization inputs.training.file evaluationLoss trainingCorrelation \
  "Bundled studies" alignment-bound two-dimensional heatMap recoveredShare -- "$UNDERSTUDY" keys
ends "keys with a word" 0 training.outputNoise -- "$UNDERSTUDY" keys noise
check "lists no others" test "$("$UNDERSTUDY" keys noise | grep -c learningRate)" -eq 0
equal "lines fit 80 columns" "$("$UNDERSTUDY" keys | python3 -c \
  'import sys; print(sum(len(line.rstrip()) > 80 for line in sys.stdin.buffer.read().decode().splitlines()))')" 0
ends "keys with a slip" 64 "did you mean 'training.weightDecay'" -- "$UNDERSTUDY" keys weightdecy
ends "keys by the name of other programs" 0 "lr: here it is called training.learningRate" "default 0.01" -- "$UNDERSTUDY" keys lr
ends "keys in another spelling" 0 "training.batchSize" -- "$UNDERSTUDY" keys batch_size
ends "keys of a short name" 0 "evaluationCorrelation" "teacher node, student node" -- "$UNDERSTUDY" keys evalCorr
equal "what other programs call so comes first" "  training.epochs" \
  "$("$UNDERSTUDY" keys epoch | sed -n '3s/ (.*//p')"
ends "options of plots" 0 "plot" "heatMap" "reduce" -- "$UNDERSTUDY" keys reduce
ends "keys with a slip in a part of a name" 64 "did you mean 'recovery'" -- "$UNDERSTUDY" keys recovry

study study.yaml "claim: Three nodes are learned." \
  "record: [{measures: [evaluationLoss, trainingLoss], every: 2}, {measures: [evaluationCorrelation, fanOutNorms], last: true}]"
grid=(--set 'teacher.strengthDecay=[0, 1]' --set seeds=3)
ends "a run" 0 "6 of 6 runs recorded" -- "$UNDERSTUDY" run study.yaml "${grid[@]}" --results results
ends "status" 0 "Three nodes are learned." "6 of 6 recorded" "teacher.strengthDecay  seeds done  diverged" "3 of 3" -- \
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
check "the numbers are those of the runs" python3 - ends.out <<'PYTHON'
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
ends "a key that is none" 2 "settings have no key 'teacher.decay'; here it is called teacher.strengthDecay" -- \
  "$UNDERSTUDY" statistics results recoveredShare --by teacher.decay
ends "a key that the study does not give" 2 "the settings of this study do not give student.widths; this study varies" -- \
  "$UNDERSTUDY" statistics results recoveredShare --by student.widths
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
# Settings, and studies, beside each other.
study pair.yaml
ends "another study" 0 -- "$UNDERSTUDY" run pair.yaml "${grid[@]}" --set training.outputNoise=0.5 --results pair --no-report
ends "settings are compared by a key, without Python, too" 0 "recoveredShare" "1 - 0" "3 of 3 seeds" "comparison.html" -- \
  "$UNDERSTUDY" report results --compare teacher.strengthDecay --python nowhere/python3
ends "studies are compared" 0 "pair - study" "cannot start" "report: " -- \
  "$UNDERSTUDY" report results pair --compare teacher.strengthDecay --statistic logEvaluationLoss --output both.html \
  --python nowhere/python3
check "the page says what they differ in" grep -q "training.outputNoise: 0, 0.5" both.html
ends "not by a key that does not vary" 2 "momentum" "those that differ are teacher.strengthDecay" -- \
  "$UNDERSTUDY" report results --compare training.momentum
ends "not by what is of all runs" 2 "strongFirst" "all runs together" -- \
  "$UNDERSTUDY" report results --compare teacher.strengthDecay --statistic strongFirst
ends "the page of a study is not a comparison's" 2 "give the comparison another name" -- \
  "$UNDERSTUDY" report results pair --compare teacher.strengthDecay --output pair/report.html
ends "a statistic goes with a key" 64 "--statistic goes with --compare" -- \
  "$UNDERSTUDY" report results --statistic recoveredShare
ends "other seeds" 0 -- "$UNDERSTUDY" run pair.yaml "${grid[@]}" --set "seeds=[7, 8]" --results seeds --no-report
ends "studies without a common seed are not compared" 2 "no seed in common" -- \
  "$UNDERSTUDY" report results seeds --compare teacher.strengthDecay
for file in study.yaml results.sqlite; do check "the folder has $file" test -s "results/$file"; done
ends "the study of the folder runs, too" 0 "6 of 6 runs recorded" -- \
  "$UNDERSTUDY" run results/study.yaml --results again
check "with the same weights" diff -r results/weights again/weights

ends "export as CSV" 0 -- "$UNDERSTUDY" export results --output out.csv
ends "export as JSON" 0 -- "$UNDERSTUDY" export results --format json --output out.json
check "CSV on standard output is the same" cmp out.csv <("$UNDERSTUDY" export results)
"$UNDERSTUDY" export results --all-keys --output keys.csv
"$UNDERSTUDY" export results --format wide --output wide.csv
check "CSV and JSON say the same, and the database" python3 - <<'PYTHON'
import csv, itertools, json, os, sqlite3, struct
tables = {}
for name in ("out", "keys", "wide"):
    with open(name + ".csv", newline="") as file:
        tables[name] = list(csv.DictReader(file))
with open("out.json") as file:
    document = json.load(file)
table = tables["out"]
varied = ["teacher.strengthDecay"]
assert list(table[0]) == ["run", *varied, "seed", "outcome", "epoch", "measure", "i", "j", "value"], list(table[0])

def same(cell, value):
    if value is None:
        return cell == ""
    if isinstance(value, bool):
        return cell == str(value).lower()
    return float(cell) == value if isinstance(value, (int, float)) else cell == value

# Every number, by its place.
def numbers(value, *place):
    if not isinstance(value, list):
        yield place, value
        return
    for index, part in enumerate(value):
        yield from numbers(part, *place, str(index))

found = {}
for run in document["runs"]:
    for measure, series in run["measures"].items():
        for epoch, value in zip(series["epochs"], series["values"]):
            for place, number in numbers(value):
                found[run["run"], str(epoch), measure, *place] = number
rows = {(row["run"], row["epoch"], row["measure"], *filter(None, (row["i"], row["j"]))): float(row["value"]) for row in table}
assert found == rows and len(rows) == len(table), (len(found), len(rows), len(table))
db = sqlite3.connect("file:results/results.sqlite?mode=ro", uri=True)
stored = {(run, str(epoch), measure): value for run, epoch, measure, value in db.execute("SELECT run, epoch, measure, value FROM scalar")}
for run, epoch, measure, shape, data in db.execute('SELECT run, epoch, measure, shape, "values" FROM array'):
    places = itertools.product(*(map(str, range(size)) for size in json.loads(shape)))
    for place, (value,) in zip(places, struct.iter_unpack("<d", data)):
        stored[run, str(epoch), measure, *place] = value
assert stored == rows, (len(stored), len(rows))
# 6 runs: two losses at epochs 0, 2, 4; 3 x 6 correlations and 6 norms at the end.
assert len(table) == 6 * (2 * 3 + 18 + 6), len(table)
# Settings: the varied key with each run, the others once.
runs = {run["run"]: run for run in document["runs"]}
for row in table:
    assert all(same(row[key], runs[row["run"]][key]) for key in ["seed", "outcome", *varied]), row
for row in tables["keys"]:
    own = {**document["setting"], **runs[row["run"]]}
    settings = set(row) - {"run", "epoch", "measure", "i", "j", "value"}
    assert settings == set(own) - {"run", "measures"} and len(settings) > 40, settings ^ set(own)
    assert all(same(row[key], own[key]) for key in settings), row
# Wide: the same losses beside each other.
assert len(tables["wide"]) == 18, len(tables["wide"])
for row in tables["wide"]:
    for measure in ("trainingLoss", "evaluationLoss"):
        assert float(row[measure]) == rows[row["run"], row["epoch"], measure], row
# Of the size of the database, without its empty pages.
assert os.path.getsize("out.json") < 25 * len(rows) + 8000, (os.path.getsize("out.json"), len(rows))
PYTHON
check "one measure alone" test "$("$UNDERSTUDY" export results --measure trainingLoss | wc -l)" -eq 19
check "a diverged run is exported up to the epoch before" python3 - <(
  "$UNDERSTUDY" export diverging --format json --measure evaluationLoss) <<'PYTHON'
import json, math, sys
runs = [run for run in json.load(open(sys.argv[1]))["runs"] if run["outcome"] == "diverged"]
assert [run["measures"]["evaluationLoss"]["epochs"] for run in runs] == [[0]], runs
assert all(math.isfinite(value) for run in runs for value in run["measures"]["evaluationLoss"]["values"])
PYTHON
chosen() { "$UNDERSTUDY" export results --measure fanOutNorms "$@" | wc -l; }
equal "a setting and a seed alone" "$(chosen --where teacher.strengthDecay=1) $(chosen --seed 1 --seed 3) $(chosen --seed 1 --where 'teacher.strengthDecay=[0]')" "19 25 7"
ends "a measure that is not recorded" 2 "alignment is not recorded; recorded are: trainingLoss, evaluationLoss" -- \
  "$UNDERSTUDY" export results --measure alignment
ends "measures that have no rows in common" 2 "--format wide" "use --format csv" -- \
  "$UNDERSTUDY" export results --format wide --measure evaluationLoss --measure fanOutNorms
ends "a value that the study has not" 2 "no setting of the study has it; in the study teacher.strengthDecay is" -- "$UNDERSTUDY" export results --where teacher.strengthDecay=7
ends "a seed that the study has not" 64 "its seeds are 1, 2, 3" -- "$UNDERSTUDY" export results --seed 9

ends "bench deep" 0 -- "$UNDERSTUDY" bench deep --json --step-only --threads 1 --rounds 1
check "bench deep has the keys that are promised" python3 - ends.out <<'PYTHON'
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
check "bench convolution has the keys that are promised" python3 - ends.out <<'PYTHON'
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
check "bench has the keys that are promised" python3 - ends.out <<'PYTHON'
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
