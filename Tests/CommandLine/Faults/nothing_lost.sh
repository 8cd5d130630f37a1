#!/usr/bin/env bash
# Nothing lost: a study that is killed goes on with what is missing, and no run is recorded twice.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

# 40 runs of some 0.5 s.
study "$work/study.yaml"
command=(run "$work/study.yaml" --set 'teacher.strengthDecay=[0, 1]' --set seeds=20 --set training.epochs=40
  --set training.stepsPerEpoch=20000 --threads 2 --results "$work/killed")
recorded() { query "$work/killed" "SELECT count(*) FROM run"; }
# The rows of all recorded runs, with the times that would differ if one were run again.
rows() { query "$work/killed" "SELECT hash, finished_at, wall_seconds, cpu_seconds FROM run ORDER BY hash"; }
has_recorded() { [ "$(recorded)" -ge "$1" ] 2>/dev/null; }

for kill in 1 2 3; do
  rows >"$work/before"
  before=$(recorded)
  "$UNDERSTUDY" "${command[@]}" >"$work/killed.log" 2>&1 &
  pid=$!
  wait_until 60 has_recorded $((${before:-0} + 3)) || fail "kill $kill: runs are recorded" "$(cat "$work/killed.log")"
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  equal "kill $kill: it was running" $? 137
  rows >"$work/after"
  equal "kill $kill: every run recorded before is as it was" "$(comm -23 "$work/before" "$work/after")" ""
  after=$(recorded)
  if [ "$after" -lt 40 ]; then pass "kill $kill: $after of 40 runs are recorded"; else fail "kill $kill: in the middle"; fi
  equal "kill $kill: the database is whole" "$(query "$work/killed" "PRAGMA integrity_check")" ok
  for hash in $(query "$work/killed" "SELECT hash FROM run"); do
    [ -s "$work/killed/weights/$hash.safetensors" ] || fail "kill $kill: weights of run $hash"
  done
  check "kill $kill: export reads it" "$UNDERSTUDY" export "$work/killed" --output "$work/part.csv"
done

rows >"$work/before"
before=$(recorded)
ends "running again" 0 "$((40 - before)) of 40 runs recorded" "$before were there before" -- "$UNDERSTUDY" "${command[@]}"
rows >"$work/after"
equal "runs that were there were not run again" "$(comm -23 "$work/before" "$work/after")" ""
equal "all runs are recorded" "$(recorded)" 40
equal "as many files of weights, and nothing else" "$(find "$work/killed/weights" -type f | wc -l)" 40
equal "the export has every run, measure and epoch once" "$("$UNDERSTUDY" export "$work/killed" | python3 -c '
import collections, csv, sys
rows = list(csv.DictReader(sys.stdin))
places = collections.Counter((row["run"], row["measure"], row["epoch"], row["i"], row["j"]) for row in rows)
losses = [row for row in rows if row["measure"] == "evaluationLoss"]
print(max(places.values()), len({row["run"] for row in rows}), len(losses),
      sorted({int(row["epoch"]) for row in losses}) == list(range(41)))
')" "1 40 1640 True"

"$UNDERSTUDY" run "$work/study.yaml" --set 'teacher.strengthDecay=[0, 1]' --set seeds=20 --set training.epochs=40 \
  --set training.stepsPerEpoch=20000 --results "$work/whole" >"$work/whole.log" 2>&1
check "what comes out is what an undisturbed study gives" cmp \
  <("$UNDERSTUDY" export "$work/whole") <("$UNDERSTUDY" export "$work/killed")
check "so are the weights" diff -r "$work/whole/weights" "$work/killed/weights"

checksums "$work/killed" >"$work/before"
start=$(date +%s)
ends "a finished study again" 0 "0 of 40 runs recorded" "40 were there before" -- "$UNDERSTUDY" "${command[@]}"
if [ $(($(date +%s) - start)) -le 10 ]; then pass "which is quick"; else fail "which is quick"; fi
check "and changes nothing" cmp "$work/before" <(checksums "$work/killed")

# A grid that grows runs what is new.
ends "two more seeds" 0 "4 of 44 runs recorded" "40 were there before" -- "$UNDERSTUDY" "${command[@]}" --set seeds=22
ends "a smaller study in the folder of the larger" 0 "0 of 40 runs recorded" "40 were there before" -- "$UNDERSTUDY" "${command[@]}"
ends "which keeps what the larger one had" 0 "44 of 44 recorded" -- "$UNDERSTUDY" status "$work/killed"

# Two processes on one folder.
both=(run "$work/study.yaml" --set training.epochs=1000 --set training.stepsPerEpoch=10000 --results "$work/both")
"$UNDERSTUDY" "${both[@]}" >"$work/first.log" 2>&1 &
first=$!
wait_until 60 test -e "$work/both/study.yaml"
ends "a second process on the folder" 2 "another understudy process" "pid $first" "wait for it" -- "$UNDERSTUDY" "${both[@]}"
check "reading is free meanwhile" "$UNDERSTUDY" status "$work/both"
if kill -0 "$first" 2>/dev/null; then pass "the first was at work"; else fail "the first was at work"; fi
wait "$first"
equal "the first ends well" $? 0
equal "and has recorded its run" "$(query "$work/both" "SELECT count(*) FROM run")" 1
ends "the folder is free again" 0 "0 of 1 runs recorded" -- "$UNDERSTUDY" "${both[@]}"

finish
