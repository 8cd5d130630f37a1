#!/usr/bin/env bash
# A folder one can work with: the list of its runs, one run as files, two runs joined, runs forgotten.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1

# numbers FILE: a checksum of a network file without its header.
numbers() { python3 -c '
import struct, sys, zlib
with open(sys.argv[1], "rb") as file:
    file.seek(*struct.unpack("<Q", file.read(8)), 1)
    print(zlib.crc32(file.read()))' "$1"; }

study small.yaml 'name: small'
"$UNDERSTUDY" run small.yaml --set 'training.learningRate=[0.05, 5]' --set seeds=2 --results results --no-report 2>run.log

# The list of runs.
ends "status --runs" 0 "training.learningRate" "completed" "4 of 4" "diverged" "the loss is not finite; losses before it" -- \
  "$UNDERSTUDY" status results --runs
equal "a line for each run" "$(wc -l <ends.log)" 5
ends "of some runs" 0 -- "$UNDERSTUDY" status results --runs --seed 2 --where training.learningRate=0.05
equal "one is chosen" "$(wc -l <ends.log)" 2
ends "as JSON" 0 -- "$UNDERSTUDY" status results --runs --json
check "which has the steps before a divergence" python3 - <<'PYTHON'
import json
runs = json.load(open("ends.out"))
assert [run["state"] for run in runs] == ["completed"] * 2 + ["diverged"] * 2
assert [run["setting"]["training.learningRate"] for run in runs] == [0.05] * 2 + [5] * 2
for run in runs[2:]:
    steps = [step["step"] for step in run["lastSteps"]]
    assert run["epoch"] == 1 and steps == list(range(steps[0], run["step"])), run
    losses = [step["loss"] for step in run["lastSteps"]]
    assert losses[-1] > 1e10 and all(step["length"] > 0 for step in run["lastSteps"]), losses
PYTHON
ends "--json alone" 64 "--runs" -- "$UNDERSTUDY" status results --json
ends "no hash" 64 "beginning of a run's hash" -- "$UNDERSTUDY" status results --runs --run xyz

# Between epochs.
ends "a zoom of runs that have not diverged" 2 "has not diverged" "--from 100" -- "$UNDERSTUDY" zoom results --seed 1
ends "beyond the end" 2 "400 steps" -- "$UNDERSTUDY" zoom results --seed 1 --where training.learningRate=0.05 --from 400
ends "not every setting with every seed" 2 "not every setting" -- "$UNDERSTUDY" zoom results --from 1 \
  --run "$(query results "SELECT hash FROM run WHERE setting_index = 0 AND seed = 1")" \
  --run "$(query results "SELECT hash FROM run WHERE setting_index = 1 AND seed = 2")"
ends "to before from" 64 "later --to" -- "$UNDERSTUDY" zoom results --seed 1 --from 9 --to 8
check "and nothing is written" test ! -e results-zoom
ends "a zoom" 0 "steps 150 to 300, every 25" "2 of 2 runs recorded" -- \
  "$UNDERSTUDY" zoom results --where training.learningRate=0.05 --from 150 --to 300 --every 25 --no-report
losses() { query "$1" "SELECT seed, value FROM scalar JOIN run ON run = hash WHERE setting_index = 0 AND measure = 'evaluationLoss' AND epoch = $2 ORDER BY seed"; }
equal "sees at the ends of epochs what was recorded there" "$(losses results-zoom 200; losses results-zoom 300)" \
  "$(losses results 2; losses results 3)"
equal "and seven moments" "$(query results-zoom "SELECT count(DISTINCT epoch), min(epoch), max(epoch) FROM scalar")" "7 150 300"
ends "its time is steps" 0 "step" "300 of 300" -- "$UNDERSTUDY" status results-zoom --runs
ends "into a divergence" 0 "1 diverged" -- "$UNDERSTUDY" zoom results --seed 1 --where training.learningRate=5 --into near --no-report
at=$(query results "SELECT step FROM divergence JOIN run ON run = hash WHERE seed = 1")
check "up to where it diverges" test "$(query near "SELECT max(epoch) FROM scalar")" -ge $((at - 2))
ends "the folder is whole" 0 "all well" -- "$UNDERSTUDY" check near
ends "its study can be run" 0 "0 of 1 runs recorded" -- "$UNDERSTUDY" run near/study.yaml --results near --no-report
ends "a zoom is not extracted" 2 "whole run" -- "$UNDERSTUDY" extract near --into extracted

# One run as files.
ends "several runs cannot be extracted" 2 "4 runs are chosen" "training.learningRate" "0.05, 5" "--seed: 1, 2" -- \
  "$UNDERSTUDY" extract results --into extracted
check "and nothing is written" test ! -e extracted
ends "extract" 0 "README.md" -- "$UNDERSTUDY" extract results --seed 1 --where training.learningRate=0.05 --into extracted
ends "not into a folder with files" 2 "not empty" -- \
  "$UNDERSTUDY" extract results --seed 1 --where training.learningRate=0.05 --into extracted
for name in teacher.safetensors student-initial.safetensors student.safetensors training-inputs.npy training-targets.npy \
  evaluation-inputs.npy evaluation-targets.npy batches.npy retrain.py; do
  check "the guide names $name" grep -q "| .$name. | " extracted/README.md
  check "$name is there" test -s "extracted/$name"
done
run=$("$UNDERSTUDY" status results --runs | awk '$2 == 0.05 && $3 == 1 { print $1 }')
check "the student is the stored one" cmp extracted/student.safetensors results/weights/"$run"*.safetensors
ends "other commands take the files" 0 "loss" -- "$UNDERSTUDY" audit --teacher extracted/teacher.safetensors \
  --student extracted/student.safetensors --inputs extracted/training-inputs.npy
cp ends.log files.log
ends "the run's own audit" 0 -- "$UNDERSTUDY" audit results --run "$run" --json
check "says the same as that of the files" bash -c '
  "$0" audit --teacher extracted/teacher.safetensors --student extracted/student.safetensors \
    --inputs extracted/training-inputs.npy --json | python3 -c "
import json, sys
a, (b,) = json.load(sys.stdin), json.load(open(\"ends.log\"))
assert a[\"loss\"] == b[\"loss\"] > 0
assert [n[\"correlation\"] for n in a[\"teacherNodes\"]] == [n[\"correlation\"] for n in b[\"teacherNodes\"]]"' "$UNDERSTUDY"

# Retrained in NumPy: python3 may have none, then the one that draws does.
python=${UNDERSTUDY_PYTHON:-python3}
if "$python" -c 'import numpy' 2>/dev/null; then
  check "NumPy trains the same student from the files" "$python" extracted/retrain.py
  retrained() { # WHAT [KEY=VALUE...]
    local what=$1 options=()
    shift
    for option in "$@"; do options+=(--set "$option"); done
    rm -rf other other-files
    check "$what: run" "$UNDERSTUDY" run small.yaml "${options[@]}" --results other --no-report
    check "$what: extract" "$UNDERSTUDY" extract other --into other-files
    check "$what: NumPy trains the same student" "$python" other-files/retrain.py
    check "$what: the student has moved" test "$(numbers other-files/student-initial.safetensors)" != \
      "$(numbers other-files/student.safetensors)"
  }
  retrained "single precision" training.precision=float32
  retrained "Adam" training.method=adam training.learningRate=0.01
  retrained "gradient descent" training.method=gd training.learningRate=0.1
  retrained "momentum and weight decay" training.momentum=0.5 training.weightDecay=0.001
  retrained "samples of each epoch" inputs.regenerateEachEpoch=true
  retrained "two hidden layers" teacher.hiddenNodes=null teacher.widths=4-3
  retrained "cross-entropy, leaky" training.loss=crossEntropy network.activation=leakyRelu
  retrained "unit rows, a frozen layer, noise" training.unitNormFirstLayer=true training.frozenLayer=last training.outputNoise=0.1
  if "$python" -c 'import scipy' 2>/dev/null; then
    retrained "gradient flow" training.method=flow training.batchSize=null
    retrained "gradient flow, leaky, of fewer weights" training.method=flow training.batchSize=null training.frozenLayer=last \
      training.weightDecay=0.01 network.activation=leakyRelu
  fi
  printf '\001' | dd of=other-files/student.safetensors bs=1 seek=$(($(wc -c <other-files/student.safetensors) - 2)) conv=notrunc 2>dd.log
  ends "a student that is another one is found out" 1 -- "$python" other-files/retrain.py
fi
ends "a diverged run" 0 -- "$UNDERSTUDY" extract results --seed 1 --where training.learningRate=5 --into wild
equal "has the student of its last finite epoch" "$(numbers wild/student.safetensors)" "$(numbers wild/student-initial.safetensors)"

# Two runs joined.
"$UNDERSTUDY" run small.yaml --set 'training.learningRate=[0.05, 0.06]' --set seeds=2 --results pair --no-report 2>run.log
ends "connect two runs" 0 "straight line" "training inputs of run" -- "$UNDERSTUDY" connect pair --seed 1
ends "not four" 2 "4 finished runs are chosen" "--seed: 1, 2" -- "$UNDERSTUDY" connect pair
ends "not of two teachers" 2 "different teachers" -- "$UNDERSTUDY" connect pair --where training.learningRate=0.05
ends "not a folder and files" 64 "two students, --teacher and --inputs, or a results folder" -- "$UNDERSTUDY" connect pair --seed 1 --teacher extracted/teacher.safetensors

# Forgetting.
checksums results >before
ends "a dry run of forget" 0 "diverged" "2 runs would go" "nothing was changed" -- "$UNDERSTUDY" forget results --diverged --dry-run
checksums results >after
check "changes nothing" cmp before after
ends "forget says which runs" 64 "--diverged" -- "$UNDERSTUDY" forget results
ends "forget what is not there" 2 "none of the stored runs" -- "$UNDERSTUDY" forget results 0000
ends "forget --diverged" 0 "2 runs forgotten" -- "$UNDERSTUDY" forget results --diverged
equal "two runs are left" "$(query results "SELECT count(*), min(outcome) FROM run")" "2 completed"
equal "with their weights" "$(find results/weights -type f | wc -l)" 2
equal "no row of the others is left" "$(query results "
  SELECT (SELECT count(*) FROM scalar WHERE run NOT IN (SELECT hash FROM run))
    + (SELECT count(*) FROM array WHERE run NOT IN (SELECT hash FROM run))
    + (SELECT count(*) FROM weights WHERE run NOT IN (SELECT hash FROM run)) + (SELECT count(*) FROM divergence)")" 0
ends "the folder is whole" 0 "all well" -- "$UNDERSTUDY" check results
cp -r results again
ends "forget by hash" 0 "1 run forgotten" -- "$UNDERSTUDY" forget results "$run"
check "the study runs it again" "$UNDERSTUDY" run small.yaml --set 'training.learningRate=[0.05, 5]' --set seeds=2 \
  --results results --no-report
check "with the same bits" bash -c 'for file in again/weights/*; do cmp "$file" "results/weights/${file##*/}" || exit 1; done'
ends "not a folder of others" 2 "not a results folder" -- "$UNDERSTUDY" forget "$tests" --diverged

# Not while another process works in the folder.
python3 -c '
import fcntl, sys, time
lock = open("results/.understudy.lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)' >holder.log &
holder=$!
at_exit+=("kill $holder 2>/dev/null")
wait_until 10 grep -q held holder.log
ends "not in a folder that is in use" 2 "is working in" -- "$UNDERSTUDY" forget results --seed 1
kill $holder
equal "and nothing goes" "$(query results "SELECT count(*) FROM run")" 4

finish
