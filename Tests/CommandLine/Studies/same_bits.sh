#!/usr/bin/env bash
# Same seed, same bits: alone or among others, on any number of threads, interrupted or not, AVX2 or AVX-512.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

# same WHAT FOLDER: every final student that `alone` has is in the folder too, byte for byte, and so are its measures.
same() {
  local file count=0
  for file in "$work"/alone/weights/*.safetensors; do
    count=$((count + 1))
    if ! cmp "$file" "$2/weights/$(basename "$file")" >"$work/cmp.log" 2>&1; then
      fail "$1" "$(cat "$work/cmp.log")"
      return
    fi
  done
  if [ "$count" -eq 0 ]; then fail "$1" "there is nothing to compare"; else pass "$1"; fi
}

study "$work/study.yaml" "record: [{measures: [evaluationLoss, trainingCorrelation, gradientNorms], every: 1}]"
ends "a run alone" 0 -- "$UNDERSTUDY" run "$work/study.yaml" --results "$work/alone"

ends "the same among 32 seeds" 0 -- "$UNDERSTUDY" run "$work/study.yaml" --set seeds=32 --results "$work/among"
same "weights alone and among 32 seeds" "$work/among"
"$UNDERSTUDY" export "$work/alone" >"$work/alone.csv"
"$UNDERSTUDY" export "$work/among" >"$work/among.csv"
hash=$(query "$work/alone" "SELECT hash FROM run")
check "measures alone and among 32 seeds" cmp "$work/alone.csv" <(sed -n '1p' "$work/among.csv"; grep "^$hash" "$work/among.csv")

for threads in 1 2 3; do
  ends "32 seeds on $threads threads" 0 -- "$UNDERSTUDY" run "$work/study.yaml" --set seeds=32 --threads "$threads" \
    --results "$work/threads$threads"
  same "weights on $threads threads" "$work/threads$threads"
  check "weights of all seeds on $threads threads" diff -r "$work/among/weights" "$work/threads$threads/weights"
  "$UNDERSTUDY" export "$work/threads$threads" >"$work/threads.csv"
  check "measures on $threads threads" cmp "$work/among.csv" "$work/threads.csv"
done

# Both precisions, with sizes that fit no vector.
for precision in float64 float32; do
  kernels=()
  for instructions in avx2 avx512; do
    folder=$work/$instructions-$precision
    arguments=(run "$work/study.yaml" --set training.precision=$precision --set teacher.hiddenNodes=5
      --set network.inputDimension=37 --set network.outputDimension=11 --set training.batchSize=13
      --instructions "$instructions" --results "$folder")
    if "$UNDERSTUDY" "${arguments[@]}" >"$work/instructions.log" 2>&1; then
      kernels+=("$folder")
    elif grep -q "does not have them" "$work/instructions.log"; then
      echo "  skipped $instructions: this processor does not have it"
    else
      fail "a run with $instructions" "$(cat "$work/instructions.log")"
    fi
  done
  if [ ${#kernels[@]} -eq 2 ]; then
    check "weights of avx2 and avx512, $precision" diff -r "${kernels[0]}/weights" "${kernels[1]}/weights"
    check "measures of avx2 and avx512, $precision" cmp \
      <("$UNDERSTUDY" export "${kernels[0]}") <("$UNDERSTUDY" export "${kernels[1]}")
  fi
done

# The critical-point search and what is measured after it: linear algebra on one thread, runs beside each other.
study "$work/finishing.yaml" \
  "record: [{measures: [criticalPoint, alignment, verdicts, mergedWeightError, constructedPath], last: true}]"
for threads in 1 2; do
  ends "finished students on $threads threads" 0 -- "$UNDERSTUDY" run "$work/finishing.yaml" --set seeds=4 \
    --set criticalPoint.method=levenbergMarquardt --threads "$threads" --results "$work/finished$threads"
done
check "weights of finished students" diff -r "$work/finished1/weights" "$work/finished2/weights"
check "measures of finished students" cmp <("$UNDERSTUDY" export "$work/finished1") <("$UNDERSTUDY" export "$work/finished2")

# One long run, stopped in its middle. Unit norm and halving depend on what came before, or would if they were wrong.
long=(run "$work/study.yaml" --set training.epochs=1500 --set training.stepsPerEpoch=6000
  --set training.unitNormFirstLayer=true --set training.learningRateHalvingInterval=400
  --set 'record=[{measures: [trainingLoss, evaluationLoss], every: 50}, {measures: [weightChanges], every: 100}]'
  --checkpoint-interval 0.1)
ends "a long run" 0 -- "$UNDERSTUDY" "${long[@]}" --results "$work/whole"
"$UNDERSTUDY" export "$work/whole" >"$work/whole.csv"
# That it could be stopped in its middle at all is checked first; then where the checkpoint stands.
has_checkpoint() { [ -n "$(query "$1" "SELECT epoch FROM checkpoint WHERE epoch > 0")" ]; }

for stop in INT TERM KILL; do
  folder=$work/stopped-$stop
  "$UNDERSTUDY" "${long[@]}" --results "$folder" >"$work/stopped.log" 2>&1 &
  pid=$!
  wait_until 60 has_checkpoint "$folder" || fail "SIG$stop: a checkpoint while it runs" "$(cat "$work/stopped.log")"
  kill "-$stop" "$pid"
  wait "$pid" 2>/dev/null
  status=$?
  if [ "$stop" = KILL ]; then
    equal "SIG$stop: exit code" "$status" 137
  else
    equal "SIG$stop: exit code" "$status" 130
    check "SIG$stop: says that it can go on" grep -q "the same command goes on" "$work/stopped.log"
  fi
  equal "SIG$stop: the run is not recorded" "$(query "$folder" "SELECT count(*) FROM run")" 0
  epoch=$(query "$folder" "SELECT epoch FROM checkpoint")
  if [ "${epoch:-0}" -gt 0 ] && [ "${epoch:-0}" -lt 1500 ]; then
    pass "SIG$stop: it stands at epoch $epoch of 1500"
  else
    fail "SIG$stop: it stands in its middle" "epoch ${epoch:-none}"
  fi
  check "SIG$stop: status says that it can go on" grep -q "1 begun and not finished" <("$UNDERSTUDY" status "$folder")
  cp -r "$folder" "$folder-marked"
  ends "SIG$stop: going on" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" "${long[@]}" --results "$folder"
  check "SIG$stop: weights" diff -r "$work/whole/weights" "$folder/weights"
  check "SIG$stop: measures" cmp "$work/whole.csv" <("$UNDERSTUDY" export "$folder")
  equal "SIG$stop: no checkpoint is left" "$(query "$folder" "SELECT count(*) FROM checkpoint")" 0
done

# The same in one single epoch, killed twice: no step is taken again that came before the last checkpoint.
epoch=(run "$work/study.yaml" --set training.epochs=1 --set training.stepsPerEpoch=3000000 --set training.batchOrder=reshuffled
  --set 'record=[{measures: [trainingLoss, evaluationLoss], every: 1}]' --checkpoint-interval 0.1)
ends "a run of one long epoch" 0 -- "$UNDERSTUDY" "${epoch[@]}" --results "$work/epoch"
folder=$work/epoch-killed
# steps FOLDER: of the epoch under way, at the checkpoint; 0 if there is none.
steps() {
  python3 - "$1/results.sqlite" <<'PYTHON' 2>/dev/null
import json, sqlite3, struct, sys
row = sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True, timeout=10).execute("SELECT student FROM checkpoint").fetchone()
header = json.loads(row[0][8:8 + struct.unpack("<Q", row[0][:8])[0]]) if row else {}
print(header.get("__metadata__", {}).get("understudy.epochSteps", 0))
PYTHON
}
reached=0
for kill in 1 2; do
  "$UNDERSTUDY" "${epoch[@]}" --results "$folder" >"$work/stopped.log" 2>&1 &
  pid=$!
  has_moved() { [ "$(steps "$folder")" -gt "$reached" ]; }
  wait_until 60 has_moved || fail "kill $kill: a later checkpoint in the epoch" "$(cat "$work/stopped.log")"
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  now=$(steps "$folder")
  check "kill $kill: it stands at step $now of 3000000, after step $reached" [ "$now" -gt "$reached" -a "$now" -lt 3000000 ]
  reached=$now
done
ends "going on in the epoch" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" "${epoch[@]}" --results "$folder"
check "one epoch: weights" diff -r "$work/epoch/weights" "$folder/weights"
check "one epoch: measures" cmp <("$UNDERSTUDY" export "$work/epoch") <("$UNDERSTUDY" export "$folder")

# Killed or stopped in what follows the epochs, again and again: each session begins where the last one ended, and what comes
# out is what an undisturbed run gives. The target is never reached, so that all steps are taken, and restarts among them.
study "$work/stages.yaml" "record: [{measures: [criticalPoint, evaluationLoss, constructedPath], last: true}]"
stages=(run "$work/stages.yaml" --set criticalPoint.method=levenbergMarquardt --set criticalPoint.iterations=300
  --set criticalPoint.restarts=100000 --set criticalPoint.gradientTarget=1e-300 --set training.outputNoise=0.1
  --set inputs.training.count=3000 --set training.epochs=300 --set training.stepsPerEpoch=2000 --checkpoint-interval 0)
ends "a run with a critical-point search and a twin" 0 -- "$UNDERSTUDY" "${stages[@]}" --results "$work/stages-whole"
# where FOLDER: stage and how far it is, of the checkpoint: `1 STEPS` in the critical-point search, `2 EPOCHS` in the twin's
# training, `3 STEPS` in the twin's critical-point search.
where() {
  python3 - "$1/results.sqlite" <<'PYTHON' 2>/dev/null
import json, sqlite3, struct, sys
row = sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True, timeout=10).execute("SELECT student FROM checkpoint").fetchone()
length, = struct.unpack("<Q", row[0][:8])
header = json.loads(row[0][8:8 + length])
def steps(name):
    begin, _ = header[name]["data_offsets"]
    return int(struct.unpack_from("<d", row[0], 8 + length + begin)[0])
if "twin/search/counts" in header: print(3, steps("twin/search/counts"))
elif "understudy.twinEpoch" in header.get("__metadata__", {}): print(2, header["__metadata__"]["understudy.twinEpoch"])
elif "search/counts" in header: print(1, steps("search/counts"))
PYTHON
}
# is_past STAGE COUNT: the checkpoint is further than that.
is_past() {
  local stage=0 count=0
  read -r stage count < <(where "$folder") || true
  [ "${stage:-0}" -gt "$1" ] || { [ "${stage:-0}" -eq "$1" ] && [ "${count:-0}" -gt "$2" ]; }
}
folder=$work/stages
# The second stop in each stage is only reached by one that goes on: it waits for what the first one left.
for place in "1 20 KILL" "1 100 INT" "2 20 INT" "2 100 KILL" "3 20 KILL" "3 100 INT"; do
  read -r stage count stop <<<"$place"
  "$UNDERSTUDY" "${stages[@]}" --results "$folder" >"$work/stages.log" 2>&1 &
  pid=$!
  wait_until 120 is_past "$stage" "$count" || fail "a run comes to stage $place" "$(cat "$work/stages.log")"
  kill "-$stop" "$pid"
  wait "$pid" 2>/dev/null
  if is_past "$stage" "$count"; then pass "SIG$stop at $(where "$folder")"; else
    fail "SIG$stop: it stands where it was stopped" "$(where "$folder"), after $place"
  fi
done
ends "stopped twice in each stage: going on" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" "${stages[@]}" --results "$folder"
check "stopped twice in each stage: weights" diff -r "$work/stages-whole/weights" "$folder/weights"
check "stopped twice in each stage: measures" cmp \
  <("$UNDERSTUDY" export "$work/stages-whole") <("$UNDERSTUDY" export "$folder")

# All processors busy with runs that would take hours: Ctrl-C is heard all the same, and soon.
"$UNDERSTUDY" run "$work/study.yaml" --set training.epochs=10000000 --set seeds=99 \
  --set 'record=[{measures: [evaluationLoss], last: true}]' --results "$work/busy" >"$work/busy.log" 2>&1 &
pid=$!
wait_until 30 test -e "$work/busy/study.yaml"
sleep 1
kill -INT "$pid"
ended() { ! kill -0 "$pid" 2>/dev/null; }
if wait_until 15 ended; then pass "Ctrl-C is heard while all processors are busy"; else
  fail "Ctrl-C is heard while all processors are busy"
  kill -KILL "$pid"
fi
wait "$pid" 2>/dev/null
equal "and the exit code is 130" $? 130

# A run that goes on keeps what its checkpoint has, here a false loss; one that began anew would not have it.
python3 - "$work/stopped-KILL-marked/results.sqlite" <<'PYTHON'
import sqlite3, struct, sys
database = sqlite3.connect(sys.argv[1])
for row, values in database.execute('SELECT rowid, "values" FROM checkpoint_measurement WHERE epoch = 0').fetchall():
    count = len(values) // 8
    marked = struct.pack(f"<{count}d", *[12345.0] * count)
    database.execute('UPDATE checkpoint_measurement SET "values" = ? WHERE rowid = ?', [marked, row])
database.commit()
PYTHON
ends "going on from a marked checkpoint" 0 -- "$UNDERSTUDY" "${long[@]}" --results "$work/stopped-KILL-marked"
equal "what was measured before the interruption is kept" \
  "$("$UNDERSTUDY" export "$work/stopped-KILL-marked" --measure evaluationLoss | grep -c ',0,evaluationLoss,,,12345.0$')" 1

finish
