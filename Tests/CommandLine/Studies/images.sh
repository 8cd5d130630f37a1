#!/usr/bin/env bash
# Studies over images through the program: the whole pipeline on a small part of Fashion-MNIST, kills in each of its stages, and
# settings that cannot be carried out.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
cd "$work" || exit 1

cat >study.yaml <<'YAML'
teacher:
  layers: "conv 8, conv 8 max 2"
  normalization: afterActivation
  training: {epochs: 4, learningRate: 0.02, decay: cosine}
oracle: {prunedShares: "0.25-0.5", training: {epochs: 3, learningRate: 0.01}}
student: {overRealization: [1, 2], initialization: uniform, normalization: afterActivation}
inputs: {images: fashion-mnist, cropPadding: 1, flips: true, training: {count: 3200}, evaluation: {count: 500}}
training: {loss: [squaredError, labels], batchSize: 32, learningRate: 0.005, momentum: 0.9, rateByWidth: true, epochs: 4, stepsPerEpoch: 50}
seeds: 1
record:
  - {measures: [trainingLoss, evaluationLoss, evaluationAccuracy, evaluationAgreement, layerWidths, layerCorrelations], every: 1}
  - {measures: [teacherAccuracies], epochs: [0]}
YAML
run=("$UNDERSTUDY" run study.yaml --threads 1)
numbers() { "$UNDERSTUDY" export "$1" --format csv | sort; }

ends "the pipeline runs" 0 "4 of 4 runs recorded" -- "${run[@]}" --results whole
check "teacher and oracle are kept, the oracle smaller, and both know most of the images" python3 - <<'PYTHON'
import glob, json, struct
notes = {note["what"]: (path, note) for path in glob.glob("whole/artifacts/*.json") for note in [json.load(open(path))]}
assert set(notes) == {"teacher", "oracle"}, notes
shapes = {}
for what, (path, note) in notes.items():
    data = open(path.replace(".json", ".safetensors"), "rb").read()
    header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
    shapes[what] = [header[f"layers.{layer}.weight"]["shape"] for layer in range(3)]
    assert note["accuracy"] > 0.6, (what, note)
assert shapes == {"teacher": [[8, 1, 3, 3], [8, 8, 3, 3], [10, 8 * 12 * 12]],
                  "oracle": [[6, 1, 3, 3], [4, 6, 3, 3], [10, 4 * 12 * 12]]}, shapes
PYTHON
check "what is recorded is in its ranges" python3 - <<'PYTHON'
import sqlite3, struct
db = sqlite3.connect("file:whole/results.sqlite?mode=ro", uri=True)
values = db.execute("SELECT measure, value FROM scalar").fetchall()
accuracies = [v for m, v in values if m == "evaluationAccuracy"]
assert len(accuracies) == 20 and all(0 <= v <= 1 for v in accuracies) and max(accuracies) > 0.6, accuracies
rho = [struct.unpack(f"<{len(v) // 8}d", v) for m, v in db.execute('SELECT measure, "values" FROM array') if m == "layerCorrelations"]
assert len(rho) == 20 and all(len(one) == 10 and all(-1 <= r <= 1 for r in one) for one in rho), rho
PYTHON

# A part of a study now, the rest later.
ends "only what is chosen runs" 0 "1 of 4 runs recorded" "3 left out by --where and --seed" -- \
  "${run[@]}" --results parts --where student.overRealization=1 --where training.loss=labels --seed 1
ends "the rest runs later" 0 "3 of 4 runs recorded" "1 were there before" -- "${run[@]}" --results parts
equal "with the numbers of a study that ran at once" "$(numbers parts)" "$(numbers whole)"
ends "a value that the study has not" 2 "no setting of the study has it" -- "${run[@]}" --results bad --where student.overRealization=3
ends "a seed that the study has not" 64 "its seeds are 1" -- "${run[@]}" --results bad --seed 2
check "neither leaves anything" test ! -e bad

# Runs as files, and forgotten runs.
ends "several runs are not extracted" 2 "student.overRealization" "training.loss" -- "$UNDERSTUDY" extract whole --into extracted
one=(--where student.overRealization=2 --where training.loss=squaredError)
ends "a run over images is extracted" 0 "README.md" -- "$UNDERSTUDY" extract whole "${one[@]}" --into extracted
check "with its networks and batches" bash -c 'cd extracted && ls teacher.safetensors oracle.safetensors \
  student-initial.safetensors batches.npy && cmp student.safetensors ../whole/weights/$(python3 -c "
import json; print(json.load(open(\"run.json\"))[\"run\"])").safetensors'
ends "the oracle is the one in the folder" 0 -- "$UNDERSTUDY" audit --teacher extracted/oracle.safetensors \
  --student extracted/student.safetensors --images fashion-mnist --correlations-only

# A copy of the folder's own study, with another figure: it is elsewhere, and names images by their digest.
sed '/^figures:/,$d' whole/study.yaml >redrawn.yaml
echo 'figures: [{name: accuracy, kind: accuracy, column: student.overRealization, caption: c}]' >>redrawn.yaml
ends "a report of it" 0 "report:" -- "$UNDERSTUDY" report whole --study redrawn.yaml --output redrawn.html
check "has the figure" grep -q "accuracy" redrawn.html

# More epochs, from what the optimizer remembers; and a look into one of them.
cp -r whole longer
cp -r whole planned
python3 -c 'import sqlite3
with sqlite3.connect("planned/results.sqlite") as db: db.executescript("PRAGMA foreign_keys = ON; DELETE FROM run_record")'
ends "momentum goes on" 0 "go on from their last epoch" -- "${run[@]}" --set training.epochs=6 "${one[@]}" --results longer
ends "planned so" 0 "1 of 4 runs recorded" -- "${run[@]}" --set training.epochs=6 "${one[@]}" --results planned
equal "the same numbers" "$(numbers longer)" "$(numbers planned)"
ends "a zoom" 0 "steps 30 to 100, every 35" "1 of 1 runs recorded" -- \
  "$UNDERSTUDY" zoom whole "${one[@]}" --from 30 --to 100 --every 35 --into near --threads 1 --no-report
check "with the teachers that were there" diff -r whole/artifacts near/artifacts
at() { query "$1" "SELECT measure, value FROM scalar JOIN run ON run = hash WHERE epoch = $2 AND setting LIKE '%overRealization\":2%squaredError%'"; }
equal "at the end of an epoch it sees what the run has recorded" "$(at near 100)" "$(at whole 2)"
check "there is something" test -n "$(at near 65)"
rm -rf longer planned near
cp -r parts fewer
ends "a teacher that others need stays" 0 "1 run forgotten" -- "$UNDERSTUDY" forget fewer "${one[@]}"
equal "both networks" "$(find fewer/artifacts -name '*.json' | wc -l)" 2
ends "with the last run it goes" 0 "artifacts/" "3 runs forgotten" -- "$UNDERSTUDY" forget fewer --seed 1
equal "none" "$(find fewer/artifacts -type f | wc -l)" 0

# Teachers and oracles that are lost, cut, exchanged or changed by one bit are named, refused, and made again.
ends "a folder with all its networks is whole" 0 "all well" -- "$UNDERSTUDY" check whole
harm() {
  cp -r whole harmed
  python3 - "$1" <<'PYTHON'
import glob, json, os, sys
files = {json.load(open(note))["what"]: note[:-5] + ".safetensors" for note in glob.glob("harmed/artifacts/*.json")}
data = {what: open(path, "rb").read() for what, path in files.items()}
how = sys.argv[1]
for what, path in files.items():
    if how == "lost":
        os.remove(path)
    elif how == "without notes":
        os.remove(path[:-12] + ".json")
    else:
        open(path, "wb").write({"cut": data[what][:99], "one bit turned": data[what][:-6] + bytes([data[what][-6] ^ 1]) + data[what][-5:],
                                "exchanged": data["oracle" if what == "teacher" else "teacher"]}[how])
PYTHON
}
for how in "lost" "without notes" "cut" "one bit turned" "exchanged"; do
  harm "$how"
  case $how in lost | without*) kind=missing ;; *) kind=damaged ;; esac
  ends "networks $how: check names them" 1 "teacher    $kind: " "oracle     $kind: " "2 problems" -- "$UNDERSTUDY" check harmed
  if [ $kind = missing ]; then
    ends "so does status" 0 "teacher    missing: " "oracle     missing: " -- "$UNDERSTUDY" status harmed
  fi
  ends "an audit refuses them" 2 "run the study again" -- "$UNDERSTUDY" audit harmed "${one[@]}" --correlations-only
  ends "running again makes them again" 0 "1 of 4 runs recorded" "3 were there" "1 made again" -- "${run[@]}" --results harmed
  check "with the same bits, and with the numbers of the run" bash -c 'diff -r whole/artifacts harmed/artifacts && diff -r whole/weights harmed/weights'
  equal "all of them" "$(numbers harmed)" "$(numbers whole)"
  ends "then all is well" 0 "all well" -- "$UNDERSTUDY" check harmed
  rm -rf harmed
done

# Kills in the training of the teacher, of the oracle, and of students, most of them within an epoch.
kept() { [ "$(find killed/artifacts -name '*.json' 2>/dev/null | wc -l)" -ge "$1" ]; }
recorded() { [ "$(query killed "SELECT count(*) FROM run")" -ge "$1" ] 2>/dev/null; }
kill_when() {
  local what=$1
  shift
  "${run[@]}" --results killed --checkpoint-interval 0.05 >kill.log 2>&1 &
  local pid=$!
  wait_until 120 "$@"
  sleep 0.15
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  equal "killed $what" $? 137
}
kill_when "in the training of the teacher" test -e killed/results.sqlite
kill_when "in the training of the teacher, again" test -e killed/results.sqlite
kill_when "in the training of the oracle" kept 1
kill_when "in the training of the first student" kept 2
kill_when "in the training of the second student" recorded 1
kill_when "in the training of the last student" recorded 3
check "the killed study ends" "${run[@]}" --results killed
equal "with the numbers of the one that was not killed" "$(numbers killed)" "$(numbers whole)"
check "and the networks" bash -c 'for f in whole/artifacts/*.safetensors whole/weights/*.safetensors; do cmp "$f" "killed/${f#whole/}" || exit 1; done'
equal "nothing is left over" "$(find killed/artifacts -name '*partial*' -o -name '*checkpoint*')" ""

# The same seed, the same bits.
check "the same study again" "${run[@]}" --results again
equal "has the same numbers" "$(numbers again)" "$(numbers whole)"

# What the layers were computed by.
ends "status" 0 "runs       4 of 4" "  layer 1 (lowest) " "  layer 2 " "1 thread" -- "$UNDERSTUDY" status whole

# A folder that keeps its images, away from them.
mkdir photographs
cp /usr/share/datasets/fashion-mnist/*.gz photographs/
sed 's/fashion-mnist/photographs/' study.yaml >kept.yaml
ends "images are kept" 0 "1 of 4 runs recorded" -- "$UNDERSTUDY" run kept.yaml --results own --keep-images --threads 1 "${one[@]}"
digest=$(ls own/files)
check "all of them" diff -r photographs "own/files/$digest"
check "its study names them" grep -q "files/$digest" own/study.yaml
mkdir away
mv own away/own
mv photographs hidden
ends "away from the images: audit" 0 "photographs is gone since" "the copy in" "nearly silent" -- "$UNDERSTUDY" audit away/own --correlations-only
ends "away from the images: extract" 0 "README.md" -- "$UNDERSTUDY" extract away/own --into away/files
check "the guide names the copy" grep -q "away/own/files/$digest" away/files/README.md
ends "away from the images: check" 0 "all well" -- "$UNDERSTUDY" check away/own
ends "away from the images: go on by the folder's study" 0 "1 of 4 runs recorded" "1 were there before" -- \
  "$UNDERSTUDY" run away/own/study.yaml --results away/own --threads 1 --where student.overRealization=1 --where training.loss=labels
ends "away from the images: go on by the first study" 0 "photographs is gone; the copy in" "2 of 4 runs recorded" -- \
  "$UNDERSTUDY" run kept.yaml --results away/own --threads 1
equal "with the numbers of the study beside the images" "$(numbers away/own)" "$(numbers whole)"
ends "away from the images: zoom" 0 "1 of 1 runs recorded" -- \
  "$UNDERSTUDY" zoom away/own "${one[@]}" --from 30 --to 100 --every 35 --into away/near --threads 1 --no-report
labels="away/own/files/$digest/train-labels-idx1-ubyte.gz"
cp "$labels" labels.gz
printf x >>"$labels"
ends "a copy of images that is damaged" 1 "damaged: " "1 problems" -- "$UNDERSTUDY" check away/own
ends "is not used" 2 "no set of images is there any more" -- "$UNDERSTUDY" audit away/own --correlations-only "${one[@]}"
mv hidden photographs
ends "and made again" 0 "4 were there before" -- "$UNDERSTUDY" run kept.yaml --results away/own
check "from the images" cmp "$labels" labels.gz
ends "no images to be kept" 0 "names no images" -- "$UNDERSTUDY" run two-dimensional --scale quick --set training.epochs=1 \
  --set 'figures=[]' --set 'findings=[]' --seed 1 --keep-images --results none
rm -rf away

bad() {
  local what=$1 text=$2
  shift 2
  ends "$what" 2 "$text" -- "$UNDERSTUDY" run study.yaml --results bad "$@"
  [ ! -e bad/results.sqlite ] || fail "$what: leaves nothing"
}
bad "a set that is not there" "understudy data list" --set inputs.images=cifar10
bad "a folder without a set" "no set of images" --set inputs.images=.
bad "more images than there are" "there are 60000 images" --set inputs.training.count=60001
bad "a window larger than its map" "does not fit its map" --set 'teacher.layers=conv 8 size 29, conv 8'
bad "layers that are none" "hidden layers, lowest first" --set 'teacher.layers=conv eight'
bad "a share that empties a layer" "from 0 to below 1" --set oracle.prunedShares=1-0.5
bad "shares for another number of layers" "3 shares for 2 hidden layers" --set oracle.prunedShares=0.1-0.1-0.1
bad "a measure of the theory" "cannot be recorded over images" --set 'record=[{measures: [alignment], every: 1}]'
ends "a key of drawn inputs" 2 "inputs.images gives images with labels" -- \
  "$UNDERSTUDY" run study.yaml --results bad --set inputs.standardDeviation=2
ends "labels where there are none" 2 "needs labels" -- "$UNDERSTUDY" run two-dimensional --results bad --set training.loss=labels

finish
