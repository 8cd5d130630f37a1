#!/usr/bin/env bash
# The Python package, installed as a user installs it, on results of studies of two layers, of several and over images.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
. "$(dirname "${BASH_SOURCE[0]}")/package.bash"
cd "$work" || exit 1

cat >grid.yaml <<'YAML'
claim: A claim.
network: {inputDimension: 10, outputDimension: 5}
teacher: {hiddenNodes: 3, strengthDecay: [0, 1]}
student: {overRealization: [1, 2]}
inputs: {training: {count: 200}, evaluation: {count: 100}}
training: {epochs: 4, stepsPerEpoch: 50, learningRate: 0.05}
seeds: 3
record:
  - {measures: [trainingLoss, evaluationLoss], every: 2}
  - {measures: [evaluationCorrelation, fanOutNorms], epochs: [0, 4]}
figures:
  - {name: recovery, kind: recoveryRate, caption: Recovered., epochs: [0, 4]}
  - {name: loss, kind: evaluationLoss, caption: Losses.}
YAML
cat >deep.yaml <<'YAML'
network: {inputDimension: 10, outputDimension: 5}
teacher: {widths: "4-4-4"}
student: {overRealization: [1, 2]}
inputs: {training: {count: 200}, evaluation: {count: 100}}
training: {epochs: 2, stepsPerEpoch: 20, precision: float32}
seeds: 2
record:
  - {measures: [evaluationLoss, trainingLoss, layerWidths, layerCorrelations, layerMatches, layerStudentCorrelations], every: 1}
YAML
cat >images.yaml <<'YAML'
teacher: {layers: "conv 4 max 2", training: {epochs: 1}}
student: {overRealization: [1, 2], initialization: uniform}
inputs: {images: fashion-mnist, training: {count: 320}, evaluation: {count: 100}}
training: {loss: [squaredError, labels], batchSize: 32, learningRate: 0.005, epochs: 2, stepsPerEpoch: 5}
seeds: 1
record:
  - {measures: [evaluationLoss, evaluationAccuracy, layerWidths, layerCorrelations], every: 1}
  - {measures: [teacherAccuracies], epochs: [0]}
figures: [{name: accuracy, kind: accuracy}, {name: learning, kind: layerLearning}]
YAML
run=("$UNDERSTUDY" run)
ends "a study of two layers" 0 "12 of 12 runs recorded" -- "${run[@]}" grid.yaml --results grid --python "$python"
ends "a study of three" 0 "4 of 4 runs recorded" -- "${run[@]}" deep.yaml --results deep
ends "a study over images" 0 "4 of 4 runs recorded" -- "${run[@]}" images.yaml --results images \
  --python "$python"
small=(--set figures=[] --set teacher.strengthDecay=0 --set student.overRealization=1 --set seeds=1)
ends "one that diverges" 0 "1 diverged" -- "${run[@]}" grid.yaml "${small[@]}" --set 'training.learningRate=[0.05, 1000]' \
  --results diverged
ends "keys of one last part" 0 -- "${run[@]}" grid.yaml "${small[@]}" --set 'inputs.training.count=[100, 200]' \
  --set 'inputs.evaluation.count=[50, 100]' --set 'training.momentum=[0, 0.5]' --results counts
for folder in grid deep images; do
  "$UNDERSTUDY" export "$folder" --output "$folder.csv"
  "$UNDERSTUDY" export "$folder" --format wide --output "$folder-wide.csv"
done
mkdir old
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())' \
  old/results.sqlite "$tests/Studies/folder-0.1/results.sql"

check "pip installs the package" install_package "$work/packages"
equal "it has the program's version" "$("$python" -c 'import understudy; print(understudy.__version__)')" "$("$UNDERSTUDY" --version)"
# Every test of the package is a check here.
while IFS= read -r line; do
  case $line in
    *" ... ok") pass "${line% ... ok}" ;;
    *" ... "*) fail "$line" "$(tail -n 40 tests.log)" ;;
  esac
done < <(UNDERSTUDY_RESULTS=$work "$python" -m unittest discover --verbose --buffer \
  -s "$repository/Python/tests" 2>&1 | tee tests.log)
check "all tests of the package were run" grep -qE '^Ran [1-9][0-9]* tests' tests.log
check "and passed" grep -qx OK tests.log

ends "a study of the roles of nodes" 0 "1 of 1 runs recorded" -- \
  "$UNDERSTUDY" run unaligned-layers --scale quick --no-report --results roles
ends "the table of Docs/LayerStudies.md" 0 "turned round" "| 3 | " -- "$python" "$repository/Scripts/node_roles.py" roles 12

finish
