#!/usr/bin/env bash
# A study that changes while its folder has results: fewer and more of it, more epochs, other figures; and a folder that was moved
# away from the files that its study names.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
study small.yaml 'name: small'
understudy() { "$UNDERSTUDY" "$@" --no-report; }

# same_results A B: equal weights and equal numbers.
same_results() {
  check "$1 and $2 have the same weights" diff -r "$1/weights" "$2/weights"
  "$UNDERSTUDY" export "$1" | sort >a.csv
  "$UNDERSTUDY" export "$2" | sort >b.csv
  check "and the same numbers" cmp a.csv b.csv
}

# A part of a study.
understudy run small.yaml --set 'training.learningRate=[0.05, 0.1]' --set seeds=3 --results parts 2>run.log
checksums parts >before
ends "fewer seeds" 0 "0 of 2 runs recorded" "2 were there before" "a larger grid" -- \
  "$UNDERSTUDY" run small.yaml --set training.learningRate=0.1 --set 'seeds=[1, 3]' --results parts --no-report
checksums parts >after
check "change nothing that is there" diff <(grep -v -e results.sqlite before) <(grep -v -e results.sqlite after)
equal "all runs stay" "$(query parts "SELECT count(*) FROM run")" 6
check "the study in the folder stays the larger one" grep -q "learningRate: \[0.05, 0.1\]" parts/study.yaml
ends "forget one of them" 0 "1 run forgotten" -- "$UNDERSTUDY" forget parts --seed 3 --where training.learningRate=0.1
ends "and one of the others" 0 "1 run forgotten" -- "$UNDERSTUDY" forget parts --seed 2 --where training.learningRate=0.1
ends "the part runs what it misses, and no more" 0 "1 of 2 runs recorded" -- \
  "$UNDERSTUDY" run small.yaml --set training.learningRate=0.1 --set 'seeds=[1, 3]' --results parts --no-report
equal "five are there" "$(query parts "SELECT count(*) FROM run")" 5
ends "neither a part nor the whole" 2 "does not declare" -- \
  "$UNDERSTUDY" run small.yaml --set 'training.learningRate=[0.1, 0.2]' --set seeds=3 --results parts --no-report

# More epochs. Some measures are recorded at the end only, one run diverges.
longer() { # WHAT OPTION...
  local what=$1
  shift
  rm -rf short long
  understudy run small.yaml "$@" --set training.epochs=3 --results short 2>run.log || fail "$what: the shorter run" "$(cat run.log)"
  understudy run small.yaml "$@" --set training.epochs=7 --results long 2>run.log || fail "$what: the longer run" "$(cat run.log)"
  ends "$what: go on" 0 "go on from their last epoch" -- \
    "$UNDERSTUDY" run small.yaml "$@" --set training.epochs=7 --results short --no-report
  same_results short long
  ends "$what: the folder is whole" 0 "all well" -- "$UNDERSTUDY" check short
}
longer "rates" --set 'training.learningRate=[0.05, 5]' --set 'seeds=2'
longer "float32, halved rates, fresh samples" --set training.precision=float32 --set training.learningRateHalvingInterval=2 \
  --set inputs.regenerateEachEpoch=true
longer "reshuffled, measured every two epochs" --set training.batchOrder=reshuffled \
  --set 'record=[{measures: [evaluationLoss, weightChanges], every: 2}, {measures: [evaluationCorrelation], last: true}]'
longer "normalised" --set student.normalization=beforeActivation
equal "no more steps are taken than are missing" "$(query short "SELECT step_count FROM run")" 700
checksums short >before
ends "fewer epochs are another study" 2 "does not declare" -- \
  "$UNDERSTUDY" run small.yaml --set student.normalization=beforeActivation --set training.epochs=3 --results short --no-report
longer "momentum, float32" --set training.momentum=0.5 --set training.precision=float32
longer "Adam, one diverges" --set training.method=adam --set 'training.learningRate=[0.01, 1e200]'
for option in training.momentum=0.5 training.method=adam; do
  rm -rf short
  understudy run small.yaml --set "$option" --results short 2>run.log
  # As an earlier version left it.
  check "an older folder" python3 -c 'import sqlite3
with sqlite3.connect("short/results.sqlite") as db: db.executescript("DROP TRIGGER optimizer_deletion; DROP TABLE optimizer")'
  checksums short/weights >before
  ends "$option cannot go on" 2 "cannot go on" "${option%=*}" "understudy forget" -- \
    "$UNDERSTUDY" run small.yaml --set "$option" --set training.epochs=9 --results short --no-report
  checksums short/weights >after
  check "and nothing is lost" cmp before after
  equal "the run is there" "$(query short "SELECT count(*) FROM run")" 1
done
check "forgotten, it begins anew" bash -c '"$0" forget short --seed 1 &&
  "$0" run small.yaml --set training.method=adam --set training.epochs=9 --results short --no-report' "$UNDERSTUDY"

# What the study's file says now.
study figures.yaml 'name: figures' 'claim: The first claim.' \
  'figures: [{name: loss, kind: evaluationLoss, caption: The first caption.}, {name: weights, kind: lShape, caption: Weights.}]'
python=(${UNDERSTUDY_PYTHON:+--python "$UNDERSTUDY_PYTHON"})
"$UNDERSTUDY" run figures.yaml --results figures "${python[@]}" 2>run.log
check "a figure is drawn" test -s figures/figures/weights.json
touch figures/figures/mine.svg
sed -i 's/first claim/second claim/; s/first caption/second caption/; s/, {name: weights[^}]*}//' figures.yaml
ends "the report" 0 "report:" -- "$UNDERSTUDY" report figures "${python[@]}"
check "has the claim of now" grep -q "second claim" figures/report.html
check "the figure of now" grep -q "second caption" figures/figures/loss.json
check "and not the one that is gone" bash -c '! ls figures/figures/weights*'
check "files of others stay" test -e figures/figures/mine.svg
ends "for slides" 0 "report:" -- "$UNDERSTUDY" report figures --slides "${python[@]}"
check "letters are large" grep -q '"labelFontSize":15.5' figures/figures/loss.json
sed -i 's/second caption./second caption., style: {fontSize: 15}/' figures.yaml
ends "in a style" 0 "report:" -- "$UNDERSTUDY" report figures "${python[@]}"
check "letters are those of the style" grep -q '"labelFontSize":20' figures/figures/loss.json
sed -i 's/second claim/third claim/; s/epochs: 4/epochs: 5/' figures.yaml
ends "a file of other runs" 0 "declares other runs" "those of the last run" -- "$UNDERSTUDY" report figures "${python[@]}"
check "leaves what was run" grep -q "first claim" figures/report.html
ends "and is refused if it is asked for" 2 "declares other runs" -- "$UNDERSTUDY" report figures --study figures.yaml "${python[@]}"
sed -i 's/epochs: 5/epochs: 4/' figures.yaml
mv figures.yaml elsewhere.yaml
ends "a file that is gone" 0 "report:" -- "$UNDERSTUDY" report figures "${python[@]}"
ends "a file elsewhere" 0 "report:" -- "$UNDERSTUDY" report figures --study elsewhere.yaml "${python[@]}"
check "is read" grep -q "third claim" figures/report.html

# The folder's own study is of one scale and has no others.
study scaled.yaml "record: [{measures: [evaluationLoss], last: true}]" "claim: own claim" "scales: {small: {seeds: 1}}"
ends "a study in one of its scales" 0 -- "$UNDERSTUDY" run scaled.yaml --scale small --results scaled --no-report
sed 's/own claim/other claim/' scaled/study.yaml >other-claim.yaml
ends "a copy of the folder's study" 0 "report:" -- "$UNDERSTUDY" report scaled --study other-claim.yaml "${python[@]}"
check "says what is said now" grep -q "other claim" scaled/report.html

# A folder that is moved away from its files.
mkdir sources
python3 "$tests/files.py" network sources/teacher.safetensors 6 3 4
python3 "$tests/files.py" network sources/student.safetensors 6 6 4
python3 "$tests/files.py" inputs sources/x.npy 100 6
python3 "$tests/files.py" inputs sources/e.npy 50 6
python3 "$tests/files.py" batches sources/batches.npy 60 8 100
cat >sources/files.yaml <<'YAML'
teacher: {file: teacher.safetensors}
student: {file: student.safetensors}
inputs: {training: {file: x.npy}, evaluation: {file: e.npy}}
training: {epochs: 3, stepsPerEpoch: 20, batches: {file: batches.npy}, learningRate: [0.01, 0.02]}
YAML
understudy run sources/files.yaml --results kept 2>run.log
"$UNDERSTUDY" audit kept --json >audit.json 2>run.log
mv kept moved
mv sources gone
ends "a moved folder: audit" 0 -- bash -c '"$0" audit moved --json 2>/dev/null' "$UNDERSTUDY"
check "as before" python3 -c '
import json
def read(path):
    text = open(path).read().replace("/moved/", "/kept/")
    return json.loads(text)
assert read("ends.out") == read("audit.json")'
ends "a moved folder: connect" 0 "straight line" -- "$UNDERSTUDY" connect moved
ends "a moved folder: extract" 0 "README.md" -- "$UNDERSTUDY" extract moved --where training.learningRate=0.01 --into files
check "the teacher is the file's" bash -c '"$0" outputs files/teacher.safetensors --inputs gone/e.npy --output a.npy &&
  "$0" outputs gone/teacher.safetensors --inputs gone/e.npy --output b.npy && cmp a.npy b.npy' "$UNDERSTUDY"
cp -r moved/weights weights
ends "a moved folder: forget" 0 "1 run forgotten" -- "$UNDERSTUDY" forget moved --where training.learningRate=0.02
ends "a moved folder: go on" 0 "1 of 2 runs recorded" -- "$UNDERSTUDY" run moved/study.yaml --results moved --no-report
check "with the same bits" diff -r weights moved/weights
ends "a moved folder is whole" 0 "all well" -- "$UNDERSTUDY" check moved

finish
