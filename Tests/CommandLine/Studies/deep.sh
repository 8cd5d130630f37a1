#!/usr/bin/env bash
# Students of three hidden layers through the program: they learn, every layer is measured, a stop in the middle does not
# show in the weights, and settings that cannot be carried out are answered.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
cd "$work" || exit 1

# deep FILE TRAINING STUDENT [EXTRA LINE...]
deep() {
  local file=$1 training=$2 student=$3
  shift 3
  cat >"$file" <<YAML
network: {inputDimension: 10, outputDimension: 10}
teacher: {widths: "6-8-10", medianBiases: true, normalizedOutput: true}
student: {initialization: uniform, overRealization: 3$student}
inputs: {standardDeviation: 3, training: {count: 4000}, evaluation: {count: 500}}
training: {precision: float32, batchSize: 64, $training}
seeds: [1]
YAML
  printf '%s\n' "$@" >>"$file"
}

record='record: [{measures: [evaluationLoss, layerWidths, layerCorrelations, layerStrengths, layerRegionCounts], every: 1}]'
deep learn.yaml 'learningRates: "0: 0.02, 4: 0.01", epochs: 6, stepsPerEpoch: 1000' '' "$record"
ends "a deep study runs" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" run learn.yaml --results learn
check "the lowest layer specializes, and the loss falls tenfold" python3 - <<'PYTHON'
import sqlite3, struct
db = sqlite3.connect("file:learn/results.sqlite?mode=ro", uri=True)
arrays = {(m, e): struct.unpack(f"<{len(v) // 8}d", v) for m, e, v in
          db.execute('SELECT measure, epoch, "values" FROM array')}
assert arrays["layerWidths", 6] == (6, 8, 10, 18, 24, 30), arrays["layerWidths", 6]
assert min(arrays["layerCorrelations", 6][:6]) > 0.95, arrays["layerCorrelations", 6]
assert len(arrays["layerStrengths", 6]) == 72 and min(arrays["layerStrengths", 6]) >= 0
assert arrays["layerRegionCounts", 6][2] == 1 < arrays["layerRegionCounts", 6][1]
losses = dict(db.execute("SELECT epoch, value FROM scalar WHERE measure = 'evaluationLoss'"))
assert losses[6] < losses[0] / 10, losses
PYTHON

# Long enough to be stopped after its first epochs; momentum and running statistics have to be kept.
for kind in "sgd, momentum: 0.5" adam; do
  rate=$([ "$kind" = adam ] && echo 0.001 || echo 0.02)
  deep long.yaml "method: $kind, learningRate: $rate, epochs: 60, stepsPerEpoch: 1000" ', normalization: beforeActivation'
  rm -rf whole halves
  "$UNDERSTUDY" run long.yaml --results whole >/dev/null 2>&1 </dev/null
  "$UNDERSTUDY" run long.yaml --results halves >halves.log 2>&1 </dev/null &
  wait_until 60 test -e halves/study.yaml
  sleep 0.5
  kill -INT $!
  wait $!
  check "$kind: stopped in the middle" grep -q "interrupted" halves.log
  ends "$kind: goes on" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" run long.yaml --results halves
  equal "$kind: the bits of a run that never stopped" "$(checksums halves/weights)" "$(checksums whole/weights)"
done

# A finished student three times as wide as its teacher, and what the audit of its run says.
cat >recover.yaml <<'YAML'
network: {inputDimension: 8, outputDimension: 8}
teacher: {widths: "6-6", weights: gaussian, scale: 1, medianBiases: true, normalizedOutput: true}
student: {initialization: uniform, overRealization: 3}
inputs: {standardDeviation: 1, training: {count: 4000}, evaluation: {count: 500}}
training: {method: adam, learningRates: "0: 0.003, 5: 0.001, 10: 0.0003", epochs: 15, stepsPerEpoch: 2000, batchSize: 32}
criticalPoint: {method: levenbergMarquardt}
seeds: [1]
record: [{measures: [evaluationLoss], last: true}]
YAML
ends "a deep student is finished" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" run recover.yaml --results recover
ends "and audited: six units are left" 0 "weight error" -- "$UNDERSTUDY" audit recover
ends "in JSON" 0 -- "$UNDERSTUDY" audit recover --json
check "the inputs determine its second layer's weights in sums alone, and these are the teacher's" python3 - <<'PYTHON'
import json
audit, = json.load(open("ends.out"))
first, second = audit["layers"]
assert (first["inputRank"], first["inputCount"]) == (8, 8), first
assert second["inputRank"] < second["inputCount"] == 18, second
assert first["unitCount"] == second["unitCount"] == 6, audit["layers"]
assert max(first["weightError"], second["weightError"]) < 1e-8, audit["layers"]
assert first["identifiability"] > 1e-2 and second["identifiability"] > 1e-2, audit["layers"]
PYTHON

deep bad.yaml 'learningRates: "1: 0.2", epochs: 2, stepsPerEpoch: 10' ''
ends "a schedule that does not begin at epoch 0" 2 "learningRates" "0" -- "$UNDERSTUDY" run bad.yaml --results bad
deep bad.yaml 'epochs: 2, stepsPerEpoch: 10' ', normalization: afterActivation'
sed -i 's/batchSize: 64/batchSize: 1/' bad.yaml
ends "a batch of one with batch normalisation" 2 "batchSize" -- "$UNDERSTUDY" run bad.yaml --results bad
deep bad.yaml 'epochs: 2, stepsPerEpoch: 10' ''
sed -i 's/"6-8-10"/"6-0-10"/' bad.yaml
ends "a layer without nodes" 2 "teacher.widths" -- "$UNDERSTUDY" run bad.yaml --results bad
deep bad.yaml 'learningRate: 1e9, epochs: 2, stepsPerEpoch: 100' '' "$record"
ends "a divergence is recorded" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" run bad.yaml --results diverged
equal "as what it is" "$(query diverged "SELECT outcome FROM run")" "diverged"

finish
