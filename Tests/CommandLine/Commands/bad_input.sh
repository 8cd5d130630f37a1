#!/usr/bin/env bash
# Bad input: a clear message that names what is wrong and the remedy, the right exit code, nothing lost.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
study good.yaml
ends "a good study" 0 -- "$UNDERSTUDY" run good.yaml --results good
checksums good >good.sums

# refused WHAT TEXT... -- ARGUMENT...: `run` with the arguments ends with 2 and names each text; it makes no folder, and the
# results of the good study, if they are where it was to write, stay as they are.
refused() {
  local what=$1 texts=()
  shift
  while [ "$1" != -- ]; do
    texts+=("$1")
    shift
  done
  shift
  ends "$what" 2 "${texts[@]}" -- "$UNDERSTUDY" run "$@" --results new
  [ ! -e new ] || fail "$what: no folder is made"
  rm -rf new
  ends "$what, in a folder with results" 2 "${texts[@]}" -- "$UNDERSTUDY" run "$@" --results good
  cmp -s good.sums <(checksums good) || fail "$what: the results that were there are left alone"
}

# written WHAT LINE TEXT...: a study with one line more is refused.
written() {
  local what=$1 line=$2
  shift 2
  study bad.yaml "$line"
  refused "$what" bad.yaml "$@" -- bad.yaml
}

# overridden WHAT KEY=VALUE TEXT...: the good study with a --set is refused.
overridden() {
  local what=$1 override=$2
  shift 2
  refused "$what" "$@" -- good.yaml --set "$override"
}

echo "Studies"
written "an unknown group" "trainng: {epochs: 3}" trainng "nearest" training
overridden "an unknown key" training.learningRte=0.1 training.learningRte "nearest" training.learningRate
overridden "an unknown key, mistyped badly" student.overrealisation=2 "nearest" student.overRealization
overridden "a declaration by another name" seed=3 seed "here it is called seeds"
overridden "an unused key" network.leakySlope=0.1 network.leakySlope "is not leakyRelu"
overridden "an unused key of the teacher" teacher.scale=2 teacher.scale "is not gaussian"
overridden "a text for a number" training.learningRate=fast training.learningRate number
overridden "a text for a count" training.epochs=many training.epochs
overridden "a fraction for a count" training.epochs=2.5 training.epochs
overridden "a number for true or false" network.biases=1 network.biases true
overridden "an unknown choice" network.activation=relo network.activation relu
overridden "a mapping for a number" 'training.epochs={a: 1}' training.epochs
overridden "a size that is negative" inputs.training.count=-5 inputs.training.count
overridden "a size that is zero" training.batchSize=0 training.batchSize
overridden "a teacher of negative width" teacher.hiddenNodes=-3 teacher.hiddenNodes
overridden "a learning rate of zero" training.learningRate=0 training.learningRate
overridden "a learning rate that is not a number" training.learningRate=.nan training.learningRate
overridden "an infinite learning rate" training.learningRate=.inf training.learningRate
overridden "a negative noise" training.outputNoise=-1 training.outputNoise
overridden "a group for a key" training=3 training keys
refused "a leaky slope beyond 1" network.leakySlope -- good.yaml --set network.activation=leakyRelu \
  --set network.leakySlope=1.5
overridden "an empty list" 'teacher.strengthDecay=[]' teacher.strengthDecay
overridden "a student narrower than its teacher" student.overRealization=0.5 student.overRealization 1
overridden "no seeds" 'seeds=[]' seeds
overridden "a seed given twice" 'seeds=[1, 1]' seeds
overridden "an unknown measure" 'record=[{measures: [evaluationLos], every: 1}]' evaluationLos evaluationLoss
overridden "an override without a value" training.epochs "key=value"
overridden "more teacher nodes than distinct rows" network.inputDimension=1 "3 distinct rows" "fewer nodes"
refused "more outputs than distinct rows" "9 distinct rows" "fewer nodes or outputs" -- good.yaml \
  --set teacher.hiddenNodes=1 --set network.outputDimension=9
refused "no such study" none.yaml "no such file" "understudy keys" -- none.yaml
mkdir -p two-dimensional
ends "a bundled study whose name a folder has" 0 -- \
  "$UNDERSTUDY" run two-dimensional --scale quick --seed 1 --no-report --results two-dimensional
refused "a folder" two-dimensional/weights "is a folder" "give a study file" -- two-dimensional/weights
refused "a slip in a bundled study's name" "two-lyer" "did you mean the bundled 'two-layer'" -- two-lyer
refused "a bundled study with an ending" "did you mean the bundled 'low-rank'" -- low_rank.yaml
refused "a bundled study and more words" "did you mean the bundled 'two-layer'" -- two-layer-sweep
overridden "a key of another program" training.lr=0.1 training.lr "here it is called training.learningRate"
overridden "a decimal comma" training.learningRate=0,01 "write 0.01 with a point"
overridden "a seed of more than 63 bits" 'seeds=[18446744073709551615]' seeds "0 to 9223372036854775807"
refused "no such scale" huge scale -- good.yaml --scale huge
refused "no such scale of a bundled study" huge quick -- two-layer --scale huge
printf 'training: {epochs: 3\nseeds: 1\n' >broken.yaml
refused "broken YAML" broken.yaml -- broken.yaml
printf 'training:\n  epochs: 3\n  epochs: 4\n' >twice.yaml
refused "a key given twice" twice.yaml epochs -- twice.yaml
printf -- '- a\n- b\n' >list.yaml
refused "a list for a study" list.yaml -- list.yaml
head -c 300 /dev/urandom >noise.yaml
refused "noise for a study" noise.yaml -- noise.yaml

echo "Files of networks"
write() { python3 "$tests/files.py" "$@"; }
write network teacher.safetensors 10 3 5
write network student.safetensors 10 6 5
# given WHAT OVERRIDE TEXT...: a study whose networks are drawn by nothing but its files.
cat >given.yaml <<'YAML'
teacher: {file: teacher.safetensors}
student: {file: student.safetensors}
inputs: {training: {count: 200}, evaluation: {count: 100}}
training: {epochs: 2, stepsPerEpoch: 10, batchSize: 4}
YAML
given() {
  local what=$1 override=$2
  shift 2
  refused "$what" "$@" -- given.yaml --set "$override"
}
ends "networks of files" 0 -- "$UNDERSTUDY" run given.yaml --results given
for side in teacher student; do
  given "a missing file, $side" $side.file=none.safetensors $side none.safetensors "no file" "relative to"
  given "a folder for a file, $side" $side.file=. $side
  head -c 200 $side.safetensors >cut.safetensors
  given "a truncated file, $side" $side.file=cut.safetensors cut.safetensors truncated
  head -c -10 $side.safetensors >cut.safetensors
  given "a file truncated in its numbers, $side" $side.file=cut.safetensors cut.safetensors
  : >empty.safetensors
  given "an empty file, $side" $side.file=empty.safetensors empty.safetensors
  given "a study for a network, $side" $side.file=good.yaml good.yaml "a YAML text" safetensors
  printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n' >pointer.safetensors
  given "a pointer for a network, $side" $side.file=pointer.safetensors pointer.safetensors "git lfs pull"
  printf '<!DOCTYPE html><html></html>' >page.safetensors
  given "a page for a network, $side" $side.file=page.safetensors page.safetensors "web page"
  python3 -c 'import zipfile; zipfile.ZipFile("model.pt", "w").writestr("model/data.pkl", b"")'
  given "a file of torch.save, $side" $side.file=model.pt model.pt "save_file(model.state_dict(), "
  write inputs array.npy 5 10
  given "an array for a network, $side" $side.file=array.npy array.npy "NumPy array" save_file
  write network wrong.safetensors 10 7 5 transposed
  given "a transposed kernel, $side" $side.file=wrong.safetensors wrong.safetensors "looks like [inputs, nodes]" \
    "transpose layers.0.weight"
  write network wrong.safetensors 10 7 5 nobias
  given "a file with some biases only, $side" $side.file=wrong.safetensors wrong.safetensors layers.1.bias
  write network wrong.safetensors 10 7 5 nan
  given "NaN in a file, $side" $side.file=wrong.safetensors wrong.safetensors layers.0.weight nan
done
write network wide.safetensors 10 7 5
given "a student narrower than its teacher, by files" teacher.file=wide.safetensors student.safetensors \
  "6 student nodes cannot cover 7 teacher nodes" "widen"
write network other.safetensors 11 6 5
given "a student of another input dimension" student.file=other.safetensors other.safetensors "11 inputs" 10
write network other.safetensors 10 6 4
given "a student with other outputs" student.file=other.safetensors other.safetensors "4 outputs" 5

echo "Files of arrays"
write inputs inputs.npy 50 10
write batches batches.npy 20 4 50
cat >arrays.yaml <<'YAML'
network: {inputDimension: 10, outputDimension: 5}
teacher: {hiddenNodes: 3}
inputs: {training: {file: inputs.npy}, evaluation: {file: inputs.npy}}
training: {epochs: 2, stepsPerEpoch: 10, batchSize: 4, batches: {file: batches.npy}}
YAML
arrays() {
  local what=$1 override=$2
  shift 2
  refused "$what" "$@" -- arrays.yaml --set "$override"
}
ends "inputs and batches of files" 0 -- "$UNDERSTUDY" run arrays.yaml --results arrays
write inputs whole.npy 50 10 integers
ends "integers are inputs" 0 -- "$UNDERSTUDY" run arrays.yaml --set inputs.training.file=whole.npy --results whole
for part in training evaluation; do
  arrays "missing inputs, $part" inputs.$part.file=none.npy none.npy "no file" "relative to"
  head -c 1000 inputs.npy >cut.npy
  arrays "truncated inputs, $part" inputs.$part.file=cut.npy cut.npy truncated
  write inputs wrong.npy 50 9
  arrays "inputs of another width, $part" inputs.$part.file=wrong.npy wrong.npy "9 features" 10
  write inputs wrong.npy 10 50
  arrays "transposed inputs, $part" inputs.$part.file=wrong.npy wrong.npy "look like [feature, sample]"
  write inputs wrong.npy 50 10 nan
  arrays "NaN in inputs, $part" inputs.$part.file=wrong.npy wrong.npy nan "row 0, column 5" finite
  arrays "a network for inputs, $part" inputs.$part.file=teacher.safetensors teacher.safetensors "a safetensors file" \
    "numpy.save"
  printf '1,2\n3,4\n' >table.csv
  arrays "a table for inputs, $part" inputs.$part.file=table.csv table.csv "CSV" numpy.loadtxt
done
arrays "missing batches" training.batches.file=none.npy none.npy "no file" "relative to"
head -c 500 batches.npy >cut.npy
arrays "truncated batches" training.batches.file=cut.npy cut.npy truncated
write batches wrong.npy 20 4 50 past
arrays "a batch with an index past the end" training.batches.file=wrong.npy wrong.npy "step 2" "sample 50" "0 to 49"
write batches wrong.npy 20 4 50 negative
arrays "a batch with a negative index" training.batches.file=wrong.npy wrong.npy "sample -1"
write batches wrong.npy 20 4 50 reals
arrays "reals for batches" training.batches.file=wrong.npy wrong.npy "<f8" astype
write batches wrong.npy 20 5 50
arrays "batches of another size" training.batches.file=wrong.npy wrong.npy training.batchSize 5 4
write batches wrong.npy 19 4 50
arrays "too few batches" training.batches.file=wrong.npy wrong.npy 19 20

echo "Results folders"
study other.yaml "name: other"
# kept WHAT CODE TEXT... -- FOLDER COMMAND...: the command is refused and the folder stays as it was.
kept() {
  local what=$1 code=$2 texts=()
  shift 2
  while [ "$1" != -- ]; do
    texts+=("$1")
    shift
  done
  local folder=$2
  shift 2
  checksums "$folder" >kept.sums
  ends "$what" "$code" "${texts[@]}" -- "$@"
  cmp -s kept.sums <(checksums "$folder") || fail "$what: the folder is left alone"
}
kept "a folder of another study" 2 "\"good\"" "\"other\"" "use another folder" -- good \
  "$UNDERSTUDY" run other.yaml --set training.learningRate=0.5 --results good
kept "a folder of the study as it was" 2 "does not declare" "use another folder" -- good \
  "$UNDERSTUDY" run good.yaml --set training.learningRate=0.5 --results good
cp -r good newer
python3 -c 'import sqlite3; sqlite3.connect("newer/results.sqlite").execute("PRAGMA user_version = 99")'
for command in "run good.yaml --results newer" "status newer" "export newer"; do
  # shellcheck disable=SC2086 # words of a command
  kept "a folder of a newer format: ${command%% *}" 2 "format 99" "newer Understudy" -- newer "$UNDERSTUDY" $command
done
mkdir foreign
echo "my notes" >foreign/notes.txt
kept "a foreign folder" 2 notes.txt "empty folder" -- foreign "$UNDERSTUDY" run good.yaml --results foreign
kept "status of a foreign folder" 2 "not a results folder" -- foreign "$UNDERSTUDY" status foreign
kept "export of a foreign folder" 2 "not a results folder" -- foreign "$UNDERSTUDY" export foreign
ends "export of no folder" 2 "not a results folder" -- "$UNDERSTUDY" export nowhere
mkdir strange
python3 -c 'import sqlite3
database = sqlite3.connect("strange/results.sqlite")
database.execute("CREATE TABLE mine (a)")
database.commit()'
kept "a database of another program" 2 "another program" "another folder" -- strange \
  "$UNDERSTUDY" run good.yaml --results strange
cp -r good damaged
head -c 5000 /dev/urandom >damaged/results.sqlite
kept "a damaged database" 2 "damaged" -- damaged "$UNDERSTUDY" run good.yaml --results damaged
ends "a file for a folder" 2 "good.yaml: is a file" -- "$UNDERSTUDY" run good.yaml --results good.yaml

echo "A full disk"
large=(run good.yaml --set seeds=60 --results "$work/disk/results"
  --set 'record=[{measures: [trainingCorrelation, studentBoundaries, evaluationLoss], every: 1}]'
  --set training.epochs=20)
mkdir disk
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=400k tmpfs disk 2>mount.log; then
  at_exit+=("umount '$work/disk'")
  ends "a full disk" 1 "disk is full" "make room" -- "$UNDERSTUDY" "${large[@]}"
  mount -o remount,size=20m disk
else
  # Without a disk to fill: no file may grow beyond 100 KiB, and the signal that says so is not to kill the program.
  limited() { (trap '' XFSZ && ulimit -f 100 && "$UNDERSTUDY" "${large[@]}"); }
  ends "a disk that takes no more" 1 "run again" -- limited
fi
recorded=$(query disk/results "SELECT count(*) FROM run")
if [ "${recorded:-0}" -gt 0 ] && [ "${recorded:-0}" -lt 60 ]; then
  pass "some runs are recorded"
else
  fail "some runs are recorded" "${recorded:-none} of 60"
fi
equal "the database is whole" "$(query disk/results "PRAGMA integrity_check")" ok
ends "with room again only what is missing runs" 0 "$((60 - ${recorded:-0})) of 60 runs recorded" -- \
  "$UNDERSTUDY" "${large[@]}"
ends "a folder that cannot be made" 1 "/proc/results" -- "$UNDERSTUDY" run good.yaml --results /proc/results
ends "an export that cannot be written" 2 "/proc/x.csv" -- "$UNDERSTUDY" export good --output /proc/x.csv
ends "an export to a full disk" 1 -- bash -c '"$0" export good >/dev/full' "$UNDERSTUDY"

echo "Wrong usage"
ends "an unknown subcommand" 64 "did you mean 'run'" -- "$UNDERSTUDY" rum good.yaml --results new
ends "another one" 64 "no command is named 'repor'" "did you mean 'report'" -- "$UNDERSTUDY" repor good
ends "a subcommand of nothing" 64 "no command is named 'cook'" "there are: run" -- "$UNDERSTUDY" cook
ends "an unknown benchmark" 64 "did you mean 'critical-point'" -- "$UNDERSTUDY" bench critical-pont
ends "an unknown option" 64 -- "$UNDERSTUDY" run good.yaml --thread 2
ends "no study" 64 -- "$UNDERSTUDY" run
ends "an unknown experiment" 64 "did you mean 'two-layer'" -- "$UNDERSTUDY" reproduce two-lyer
ends "a figure of the paper" 64 "no experiment is named 'fig4'" "two-layer: the two-layer sweep" -- "$UNDERSTUDY" reproduce fig4
ends "a study that is no experiment" 64 "understudy run low-rank" -- "$UNDERSTUDY" reproduce lowrank
ends "an experiment that is no study" 2 "understudy reproduce theory" -- "$UNDERSTUDY" run theory
ends "a command of other programs" 64 "did you mean 'report'" -- "$UNDERSTUDY" show iamges
ends "another" 64 "did you mean 'forget'" -- "$UNDERSTUDY" delete good
ends "a slip in a statistic" 64 "did you mean 'recoveredShare'" -- "$UNDERSTUDY" statistics good recoverdShare
mkdir results && cp -r good results/kept
ends "a results folder's name alone" 2 "did you mean" "results/kept?" -- "$UNDERSTUDY" status kept
ends "a slip in a results folder" 2 "did you mean" "/good?" -- "$UNDERSTUDY" status goood
ends "a folder of results folders" 2 "did you mean" "results/kept?" -- "$UNDERSTUDY" status results
rm -r results
ends "an unknown scale of an experiment" 64 huge quick -- "$UNDERSTUDY" reproduce two-layer --scale huge
ends "no threads" 64 "--threads 0" -- "$UNDERSTUDY" run good.yaml --threads 0
ends "unknown instructions" 64 avx9 -- "$UNDERSTUDY" run good.yaml --instructions avx9
ends "an unknown format" 64 xml csv -- "$UNDERSTUDY" export good --format xml
ends "an unknown measure" 64 "did you mean 'evaluationLoss'" -- "$UNDERSTUDY" export good --measure evaluationLos
for interval in -1 inf nan soon; do
  ends "a checkpoint interval of $interval" 64 "checkpoint-interval" -- \
    "$UNDERSTUDY" run good.yaml --checkpoint-interval=$interval
done

check "the good results are still as they were" cmp good.sums <(checksums good)
finish
