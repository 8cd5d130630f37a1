#!/usr/bin/env bash
# What goes wrong around the program: runs that go wild, streams that are closed, full or without a reader, sizes that no
# machine has, numbers at the edge of floating point.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1

# decent WHAT COMMAND...: the program ends with a message of its own, whatever it was given.
decent() {
  local what=$1 status=0
  shift
  "$UNDERSTUDY" "$@" >"$work/decent.log" 2>&1 </dev/null || status=$?
  # A number that is none may be named by an error, but stands in no table.
  if [ $status -le 2 ] && ! grep -qiE 'fatal|NSError|Domain=|encod' "$work/decent.log" &&
    ! grep -v '^error:' "$work/decent.log" | grep -qiE '\bnan\b|\binf\b'; then
    pass "$what: ends with $status"
  else
    fail "$what: $*" "status $status: $(tail -n 2 "$work/decent.log")"
  fi
}

# --- runs that go wild ---

study wild.yaml "record: [{measures: [boundaryStrengths], last: true}]"
for settings in "training.learningRate=1e5" "training.learningRate=3e18" "training.learningRate=1e30" \
  "training.method=adam training.learningRate=1000" "training.method=adam training.learningRate=1e9" \
  "training.method=adam training.learningRate=1e200" "inputs.standardDeviation=1e90" \
  "training.precision=float32 training.learningRate=1e12" "student.scale=1e40 network.activation=linear"; do
  options=()
  for setting in $settings; do options+=(--set "$setting"); done
  ends "a run with $settings is recorded, or has diverged" 0 "1 of 1 runs recorded" -- \
    "$UNDERSTUDY" run wild.yaml "${options[@]}" --set training.epochs=1 --set training.stepsPerEpoch=1 \
    --results "wild-$RANDOM$RANDOM"
done
study unaudited.yaml "record: [{measures: [verdicts, predictedAlignment, kinkBalances], last: true}]"
ends "a run whose weights are too large for an audit has diverged" 0 "1 of 1 runs recorded" "1 diverged" -- "$UNDERSTUDY" run unaudited.yaml \
  --set training.learningRate=1e150 --set training.epochs=1 --set training.stepsPerEpoch=1 --results unaudited
ends "a sweep with wild rates ends, and is whole" 0 "12 of 12 runs recorded" -- "$UNDERSTUDY" run wild.yaml \
  --set 'training.learningRate=[0.001, 0.01, 1000]' --set seeds=4 --set training.epochs=2 --results sweep

# --- one failing run does not stop the others ---

python3 "$tests/files.py" network teacher-a.safetensors 6 4 5
python3 "$tests/files.py" network teacher-b.safetensors 6 3 5
cat >files.yaml <<'YAML'
teacher: {file: [teacher-a.safetensors, teacher-b.safetensors]}
student: {overRealization: 2, scale: 0.1}
inputs: {training: {count: 200}, evaluation: {count: 100}}
record: [{measures: [evaluationLoss], last: true}]
YAML
command=(run files.yaml --set seeds=3
  --set training.epochs=100 --set training.stepsPerEpoch=20000 --threads 1 --results failing)
"$UNDERSTUDY" "${command[@]}" >failing.log 2>&1 &
pid=$!
wait_until 60 test -e failing/study.yaml || fail "the study is begun" "$(cat failing.log)"
# While the first run trains, which has the other teacher: the folder's copy and the original.
for copy in failing/files/*; do
  if cmp -s "$copy" teacher-b.safetensors; then rm "$copy"; fi
done
mv teacher-b.safetensors away.safetensors
wait "$pid"
equal "a study with runs that fail ends with 1" $? 1
check "and says how many failed, and why" grep -q "failed: .*teacher-b.safetensors" failing.log
check "status names them" bash -c '"$UNDERSTUDY" status failing | grep -q "teacher-b"'
mv away.safetensors teacher-b.safetensors
before=$(query failing "SELECT count(*) FROM run")
ends "running again tries those, and only those" 0 "$((6 - before)) of 6 runs recorded" "$before were there" -- \
  "$UNDERSTUDY" "${command[@]}"
equal "and then none has failed" "$(query failing "SELECT count(*) FROM failure")" 0

# --- streams ---

study long.yaml "record: [{measures: [evaluationLoss], last: true}]"
run=(run long.yaml --set seeds=4 --set training.epochs=5)
check "standard error closed: all runs are recorded" bash -c \
  '"$UNDERSTUDY" "$@" --results closed 2>&- && test "$(python3 -c "import sqlite3; print(*sqlite3.connect(\"closed/results.sqlite\").execute(\"SELECT count(*) FROM run\").fetchone())")" = 4' _ "${run[@]}"
check "all three closed" bash -c '"$UNDERSTUDY" "$@" --results closed-all <&- >&- 2>&-' _ "${run[@]}"
check "no message went into a file of the study" bash -c \
  'python3 -c "import sqlite3; assert sqlite3.connect(\"closed-all/results.sqlite\").execute(\"PRAGMA integrity_check\").fetchone() == (\"ok\",)"'
ends "export into a file of limited size" 1 "cannot be written" "not whole" -- \
  bash -c 'ulimit -f 1; "$UNDERSTUDY" export sweep --measure boundaryStrengths >limited.csv'
ends "help into a file of limited size" 1 "cannot be written" -- bash -c 'ulimit -f 1; "$UNDERSTUDY" zoom --help >limited.txt'
ends "keys into a file of limited size" 1 "cannot be written" -- bash -c 'ulimit -f 1; "$UNDERSTUDY" keys >limited.txt'
equal "head is silent" "$( ("$UNDERSTUDY" keys | head -n 1 >/dev/null) 2>&1)" ""

wide=(run long.yaml --set network.inputDimension=2000 --set teacher.hiddenNodes=5 --results limited)
ends "weights that do not fit on the disk" 1 "make room and run again" -- bash -c 'ulimit -f 128; "$UNDERSTUDY" "$@"' _ "${wide[@]}"
equal "are not recorded" "$(query limited "SELECT count(*) FROM run")" 0
ends "with room, they are" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" "${wide[@]}"

# --- outputs ---

python3 "$tests/files.py" planted teacher.safetensors student.safetensors 6 4 5
python3 "$tests/files.py" inputs inputs.npy 200 6
ln -s inputs.npy link.npy
ln teacher.safetensors second-name.safetensors
ln student.safetensors student-again.safetensors
# Of all files but those that these checks write.
state() { checksums . | grep -vE ' \./(before\.sum|ends\.(log|out|err)|check\.log)$'; }
state >before.sum
for output in inputs.npy link.npy teacher.safetensors second-name.safetensors student.safetensors; do
  ends "audit does not write its merged student over $output" 2 "$output" "reads" -- "$UNDERSTUDY" audit \
    --teacher teacher.safetensors --student student.safetensors --inputs inputs.npy --merge-into "$output"
  ends "recover does not write over $output" 2 "$output" "reads" -- "$UNDERSTUDY" recover \
    --teacher teacher.safetensors --student student.safetensors --inputs inputs.npy --into "$output"
done
for output in sweep/results.sqlite sweep/study.yaml sweep/weights/x.csv; do
  ends "export does not write to $output" 2 "inside the results folder" -- "$UNDERSTUDY" export sweep --output "$output"
done
ends "nor a report over the database" 2 "inside the results folder" -- "$UNDERSTUDY" report sweep --output sweep/results.sqlite
equal "all files are as they were" "$(state | comm -3 - before.sum)" ""
equal "a table whose reader goes ends silently" "$( ("$UNDERSTUDY" export sweep | head -n 1 >/dev/null) 2>&1)" ""
# Nor is a folder made inside of one of results.
for inside in sweep/new sweep/weights/new sweep/artifacts; do
  ends "extract does not write to $inside" 2 "inside the results folder" -- "$UNDERSTUDY" extract sweep --seed 1 \
    --where training.learningRate=0.01 --into "$inside"
  ends "nor zoom" 2 "inside the results folder" -- "$UNDERSTUDY" zoom sweep --seed 1 --from 0 --to 5 --into "$inside"
  ends "nor run" 2 "inside the results folder" -- "$UNDERSTUDY" run wild.yaml --results "$inside"
done
ends "a file where results should be" 2 "is a file" -- "$UNDERSTUDY" run wild.yaml --results inputs.npy
for output in student.safetensors student-again.safetensors sweep/weights/x.safetensors; do
  ends "convert does not write over $output" 2 "$output" -- "$UNDERSTUDY" convert student.safetensors "$output" --names-of teacher.safetensors
  ends "nor prune" 2 "$output" -- "$UNDERSTUDY" prune student.safetensors --inputs inputs.npy --keep 4 --output "$output"
done
ends "outputs does not write over its inputs" 2 "link.npy" -- "$UNDERSTUDY" outputs student.safetensors --inputs inputs.npy --output link.npy
equal "and all files are as they were" "$(state | comm -3 - before.sum)" ""
mkfifo pipe
cat pipe >piped.csv &
ends "export into a pipe that has a name" 0 -- "$UNDERSTUDY" export sweep --output pipe
wait "$!"
check "which stays one, and carried the table" bash -c 'test -p pipe && head -n 1 piped.csv | grep -q "^run,"'

# --- weights that are lost ---

ends "a whole folder is found whole" 0 "12 runs" "all well" -- "$UNDERSTUDY" check sweep
cp -r sweep lost
files=(lost/weights/*.safetensors)
rm "${files[0]}"
truncate -s 100 "${files[1]}"
cp "${files[2]}" "${files[3]}"
python3 - "${files[4]}" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-3] ^= 1
open(sys.argv[1], "wb").write(data)
PYTHON
query lost "SELECT run, measure, \"values\" FROM array ORDER BY run, measure" >lost.before
ends "check names what is lost" 1 "missing: " "damaged: " "4 problems" -- "$UNDERSTUDY" check lost
ends "status says so" 0 "1 missing" -- "$UNDERSTUDY" status lost
ends "an audit refuses them" 2 "weights are" -- "$UNDERSTUDY" audit lost
ends "running again makes them again" 0 "4 of 12 runs recorded" "4 made again" -- "$UNDERSTUDY" run wild.yaml \
  --set 'training.learningRate=[0.001, 0.01, 1000]' --set seeds=4 --set training.epochs=2 --results lost
ends "then all is well" 0 "all well" -- "$UNDERSTUDY" check lost
check "the weights are what they were" diff -r sweep/weights lost/weights
query lost "SELECT run, measure, \"values\" FROM array ORDER BY run, measure" >lost.after
check "and so are the records" cmp lost.before lost.after

# --- texts that grow ---

{
  echo "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"
  for i in 1 2 3 4 5 6 7 8 9; do
    previous="*a$((i - 1))"
    echo "a$i: &a$i [$previous, $previous, $previous, $previous, $previous, $previous, $previous, $previous, $previous]"
  done
} >aliases.yaml
ends "aliases of aliases" 2 "aliases" -- timeout 20 "$UNDERSTUDY" run aliases.yaml
study list.yaml "record: [{measures: [evaluationLoss], last: true}]"
python3 - <<'PYTHON'
text = open("list.yaml").read()
values = ", ".join(map(str, range(1, 100001)))
open("list.yaml", "w").write(text.replace("learningRate: 0.05", f"learningRate: [{values}], batchSize: 0"))
PYTHON
ends "100000 values of one key are read in seconds" 2 "batchSize" -- timeout 20 "$UNDERSTUDY" run list.yaml

# A polite stop whose notice nobody reads: the pipe's reader dies first.
slow=(run long.yaml --set training.epochs=100000 --set training.stepsPerEpoch=1000 --checkpoint-interval 1000)
has_study() { [ -e "$1/study.yaml" ]; }
for name in INT HUP; do
  mkfifo "pipe-$name"
  "$UNDERSTUDY" "${slow[@]}" --results "stopped-$name" >/dev/null 2>"pipe-$name" &
  pid=$!
  sleep 600 <"pipe-$name" &
  reader=$!
  wait_until 60 has_study "stopped-$name"
  sleep 1
  kill -KILL "$reader"
  wait "$reader" 2>/dev/null
  kill "-$name" "$pid"
  wait "$pid"
  equal "SIG$name without a reader of the notice: interrupted" $? 130
  equal "and a checkpoint is there" "$(query "stopped-$name" "SELECT count(*) FROM checkpoint")" 1
done
"$UNDERSTUDY" "${slow[@]}" --set training.epochs=10 --results nohup >nohup.log 2>&1 &
wait "$!"
equal "a short one ends by itself" $? 0

# An epoch of more than a minute: a polite stop does not wait for its end.
"$UNDERSTUDY" "${slow[@]}" --set training.method=adam --set training.batchSize=1 --set training.stepsPerEpoch=40000000 \
  --results epoch >epoch.log 2>&1 &
pid=$!
wait_until 60 has_study epoch
sleep 2
start=$(date +%s)
kill -INT "$pid"
wait "$pid"
equal "a stop in the middle of an epoch: interrupted" $? 130
waited=$(($(date +%s) - start))
if [ "$waited" -le 20 ]; then pass "after a few steps"; else fail "after a few steps" "$waited s"; fi

# Killed in what comes after the epochs: these are not done again.
after=(run long.yaml --set criticalPoint.method=levenbergMarquardt --set criticalPoint.iterations=100000 --set training.epochs=30
  --set training.stepsPerEpoch=1000 --set criticalPoint.gradientTarget=1e-300 --set criticalPoint.restarts=100000 --results after)
"$UNDERSTUDY" "${after[@]}" >after.log 2>&1 &
pid=$!
at_the_end() { [ "$(query after "SELECT epoch FROM checkpoint")" = 30 ]; }
check "a checkpoint is there when the epochs are done" wait_until 60 at_the_end
kill -KILL "$pid"
wait "$pid" 2>/dev/null

# --- sizes ---

cat >flow.yaml <<'YAML'
network: {inputDimension: 10, outputDimension: 5}
teacher: {hiddenNodes: 3}
training: {method: flow, epochs: 2}
record: [{measures: [expectedLoss], every: 1}]
YAML
python3 "$tests/files.py" images pictures 40 30 6
cat >pictures.yaml <<'YAML'
teacher: {layers: "conv 4, conv 3", training: {epochs: 1, batchSize: 16}}
inputs: {images: pictures, training: {count: 40}, evaluation: {count: 30}}
training: {batchSize: 16, epochs: 1, stepsPerEpoch: 2}
record: [{measures: [evaluationLoss], last: true}]
YAML

for setting in inputs.training.count=1000000000 network.inputDimension=1000000000 training.batchSize=100000000 \
  teacher.hiddenNodes=1000000000 inputs.evaluation.count=1000000000 network.outputDimension=100000000; do
  ends "$setting is refused before anything is allocated" 2 "${setting%%=*}" "of memory" "free" -- \
    "$UNDERSTUDY" run long.yaml --set "$setting" --results "size-$RANDOM"
done
too_large() {
  local what=$1
  shift
  ends "$what is refused before anything is allocated" 2 "of memory" "free" -- "$UNDERSTUDY" run "$@" --results "size-$RANDOM"
}
too_large "a gradient flow of 3000000 nodes" flow.yaml --set student.overRealization=1000000
too_large "the expected loss of 3000000 nodes" long.yaml --set student.overRealization=1000000 \
  --set 'record=[{measures: [expectedLoss], every: 1}]'
too_large "a student of 4000000 nodes of a teacher from a file" files.yaml --set student.overRealization=1000000 \
  --set 'record=[{measures: [layerCouplingB], every: 1}]'
too_large "a student over images of 3600000 channels" pictures.yaml --set student.overRealization=900000
too_large "a teacher over images of 10^12 weights" pictures.yaml --set 'teacher.layers=dense 1000000, dense 1000000'
# An epoch's batches are drawn some steps at a time: no number of steps is too many.
for order in withReplacement reshuffled; do
  (
    ulimit -v 4000000
    exec "$UNDERSTUDY" run long.yaml --set training.stepsPerEpoch=1000000000 --set training.batchSize=1000 \
      --set training.batchOrder=$order --results "steps-$order"
  ) >steps.log 2>&1 &
  pid=$!
  wait_until 60 has_study "steps-$order"
  sleep 1
  kill -INT "$pid"
  wait "$pid"
  equal "10^9 steps an epoch, $order: begun, and interrupted" $? 130
done
study many.yaml "record: [{measures: [evaluationLoss], last: true}]"
sed -i "s/learningRate: 0.05/learningRate: [$(seq -s ', ' 0.0001 0.0001 1)]/; s/seeds: .*/seeds: 1000000/" many.yaml
"$UNDERSTUDY" run many.yaml --results planned >planned.log 2>&1 &
pid=$!
some_planned() { [ "$(query planned "SELECT count(*) FROM run")" -ge 1 ] 2>/dev/null; }
wait_until 120 some_planned || fail "10^10 runs are begun" "$(cat planned.log)"
kill -INT "$pid"
wait "$pid"
equal "10^10 runs are begun, and stopped" $? 130

# --- words of the command line, which may have come from a file ---

escape=$(printf 'a\033[31mb')
for command in "keys" "reproduce" "bench" "statistics sweep" "zoom sweep --measure" "forget sweep" "extract sweep --into x --run" \
  "zoom sweep --run" "convert" "audit --ball" "run long.yaml --threads" "frobnicate"; do
  # shellcheck disable=SC2086
  "$UNDERSTUDY" $command "$escape" >escapes.log 2>&1
  status=$?
  if [ $status -ne 0 ] && ! grep -q "$(printf '\033')" escapes.log; then pass "$command: visible controls"; else fail "$command: visible controls"; fi
done

# --- numbers at the edge ---

python3 "$tests/files.py" inputs x.npy 50 6
for size in 1e-310 1e-300 1e-160 1e153 1e200 1e300; do
  python3 "$tests/files.py" network faint.safetensors 6 4 5 "$size"
  for command in "audit --teacher teacher-a.safetensors --student faint.safetensors" \
    "audit --teacher faint.safetensors --student teacher-a.safetensors" \
    "connect teacher-a.safetensors faint.safetensors --teacher teacher-a.safetensors" \
    "recover --student faint.safetensors --teacher teacher-a.safetensors --iterations 5 --into recovered-$size.safetensors"; do
    for form in "" --json; do
      # shellcheck disable=SC2086
      decent "weights of $size: ${command%% *} $form" $command --inputs x.npy $form
    done
  done
done

finish
