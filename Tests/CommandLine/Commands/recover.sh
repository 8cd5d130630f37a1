#!/usr/bin/env bash
# understudy recover: networks read back from files and from the runs of a results folder, an interruption, and bad input.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
cd "$work" || exit 1

python3 "$tests/files.py" deep teacher.safetensors student.safetensors 6 4 4 moved
python3 "$tests/files.py" inputs x.npy 1500 6
python3 "$tests/files.py" outputs y.npy teacher.safetensors x.npy

ends "help" 0 "USAGE: understudy recover" "results folder" -- "$UNDERSTUDY" recover --help
ends "from outputs alone" 0 "within the target" "1 (lowest)" "largest error" -- \
  "$UNDERSTUDY" recover --student student.safetensors --inputs x.npy --targets y.npy --into small.safetensors
check "without a teacher there is no weight error" bash -c '! grep -q "weight error\|nan" ends.log'
ends "beside the teacher" 0 "weight error" "output" -- \
  "$UNDERSTUDY" recover --student student.safetensors --inputs x.npy --teacher teacher.safetensors
ends "in JSON" 0 -- "$UNDERSTUDY" recover --student student.safetensors --inputs x.npy --teacher teacher.safetensors --json
check "the teacher is found, every layer" python3 -c '
import json
record = json.load(open("ends.out"))
assert record["lossBefore"] > 1e-6 and record["loss"] < 1e-20 and record["reachedTarget"], record
assert [layer["nodeCount"] for layer in record["layers"]] == [8, 8], record
assert [layer["unitCount"] for layer in record["layers"]] == [4, 4], record
errors = [layer["weightError"] for layer in record["layers"]] + [record["outputWeightError"]]
assert max(errors) == record["weightError"] < 1e-8, record
assert record["outcome"] == "recovered" and record["isDetermined"] is True, record
assert record["equationCount"] == 1350 * 4 and record["heldOutCount"] == 150, record
assert record["weightCount"] == 68 and record["freeScaleCount"] == 8 and record["rank"] == 60, record
assert record["studentWeightCount"] == 164 and 1e-4 < record["identifiability"] < 1, record
assert record["heldOutLossBefore"] > 1e-6 and record["heldOutLoss"] < 1e-18, record
assert record["heldOutLargestError"] < 1e-8 and record["heldOutLargestChange"] < 1e-2, record
assert "OpenBLAS" in record["machine"], record'
python3 "$tests/files.py" outputs again.npy small.safetensors x.npy
check "and the file that was written answers as it does" python3 -c '
import struct
a, b = (struct.unpack("<6000d", open(name, "rb").read()[128:]) for name in ("y.npy", "again.npy"))
assert max(abs(p - q) for p, q in zip(a, b)) < 1e-8'
ends "it has the teacher's size" 0 "[4, 6]" -- python3 -c '
import json, struct
file = open("small.safetensors", "rb")
header = json.loads(file.read(*struct.unpack("<Q", file.read(8))))
print(header["layers.0.weight"]["shape"], header["__metadata__"]["understudy.recoveredFrom"])'

cat >runs.yaml <<'YAML'
teacher: {file: teacher.safetensors}
student: {file: student.safetensors}
inputs: {standardDeviation: 1.5, training: {count: 2000}, evaluation: {count: 100}}
training: {method: sgd, learningRate: 1.0e-12, epochs: 1, stepsPerEpoch: 1, batchSize: 32}
seeds: 4
record: [{measures: [evaluationLoss], last: true}]
YAML
# Near their teachers, as training may leave them: how many searches from random students end at the teacher is measured by
# `bench critical-point`.
ends "students are trained" 0 "4 of 4 runs recorded" -- "$UNDERSTUDY" run runs.yaml --results runs
ends "and their teachers recovered" 0 "left with their teacher" -- "$UNDERSTUDY" recover runs
cp ends.log table.log
check "all of them, with its weights" python3 -c '
last = open("table.log").read().strip().splitlines()[-1]
count = int(last.split("size: ")[1].split()[0])
assert count == 4 and float(last.split()[-1]) < 1e-8, last'
ends "one of them, in JSON" 0 '"sampleCount" : 2000' -- "$UNDERSTUDY" recover runs --seed 2 --json
check "an array of one" python3 -c 'import json; record, = json.load(open("ends.out"))'

# Ten times the samples and a target of 0, which is never reached: that takes long enough. The signal is sent until it is
# heard, for it is ignored before the program listens; a busy machine is given time to say so, as a second one ends it.
python3 "$tests/files.py" inputs many.npy 15000 6
python3 "$tests/files.py" outputs answers.npy teacher.safetensors many.npy
interrupted() {
  "$UNDERSTUDY" recover "$@" >half.log 2>&1 </dev/null &
  local process=$!
  status=0
  sleep 1
  while kill -INT $process 2>/dev/null && ! wait_until 5 grep -q stopping half.log; do :; done
  wait $process || status=$?
}
interrupted --student student.safetensors --inputs many.npy --targets answers.npy --gradient 0 --iterations 1000000 \
  --into half.safetensors
equal "an interruption has its exit code" "$status" 130
check "and says how to go on" grep -q "go on with --student half.safetensors" half.log
ends "going on from there" 0 "within the target" -- \
  "$UNDERSTUDY" recover --student half.safetensors --inputs many.npy --targets answers.npy
interrupted runs --gradient 0 --iterations 1000000
equal "a folder's interruption has it as well" "$status" 130
check "and says what is left" grep -q "runs that are left" half.log

# |x| needs both its nodes: without one, no gradient is left at the inputs of its side, but the error is.
python3 - <<'PYTHON'
import json, struct
def write(path, first, last):
    tensors = {"layers.0.weight": ([len(first), 1], first), "layers.1.weight": ([1, len(last)], last)}
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [len(data), len(data) + 8 * len(values)]}
        data += struct.pack(f"<{len(values)}d", *values)
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
write("absolute.safetensors", [1.0, -1.0], [1.0, 1.0])
write("guess.safetensors", [0.9, 0.2, -0.7, -0.5], [0.8, 0.5, 1.0, 0.4])
PYTHON
python3 "$tests/files.py" inputs line.npy 200 1
ends "a teacher whose nodes are active for some inputs each" 0 "weightError" -- "$UNDERSTUDY" recover \
  --student guess.safetensors --teacher absolute.safetensors --inputs line.npy --json
check "keeps both of its nodes" python3 -c '
import json
record = json.load(open("ends.out"))
assert record["layers"][0]["unitCount"] == 2 and record["weightError"] < 1e-8, record'

# scaled NAME INTO TENSORS FACTOR: a copy of a network file with some tensors multiplied.
cat >scaled.py <<'PYTHON'
import json, struct, sys
name, into, tensors, factor = sys.argv[1:]
file = open(f"{name}.safetensors", "rb")
length, = struct.unpack("<Q", file.read(8))
text, data = file.read(length), bytearray(file.read())
for tensor in tensors.split(","):
    begin, end = json.loads(text)[tensor]["data_offsets"]
    for at in range(begin, end, 8):
        struct.pack_into("<d", data, at, struct.unpack_from("<d", data, at)[0] * float(factor))
open(f"{into}.safetensors", "wb").write(struct.pack("<Q", length) + text + data)
PYTHON
# Units of outputs and of inputs do not matter.
for factor in 1e-9 1e9; do
  for network in teacher student; do
    python3 scaled.py $network scaled-$network layers.2.weight,layers.2.bias $factor
    python3 scaled.py $network moved-$network layers.0.weight "$(python3 -c "print(1 / $factor)")"
  done
  python3 - $factor <<'PYTHON'
import struct, sys
data = open("x.npy", "rb").read()
values = [float(sys.argv[1]) * x for x in struct.unpack("<9000d", data[128:])]
open("moved.npy", "wb").write(data[:128] + struct.pack("<9000d", *values))
PYTHON
  ends "outputs times $factor" 0 "within the target" -- "$UNDERSTUDY" recover \
    --student scaled-student.safetensors --teacher scaled-teacher.safetensors --inputs x.npy
  check "and it is the teacher's" bash -c 'grep -E "^1 \(lowest\) +8 +4 .* 4 " ends.log && grep -E "^2 +8 +4 .* 4 " ends.log'
  ends "inputs times $factor" 0 "within the target" ": determined" -- "$UNDERSTUDY" recover \
    --student moved-student.safetensors --teacher moved-teacher.safetensors --inputs moved.npy
  check "and it is the teacher's" bash -c 'grep -E "^1 \(lowest\) +8 +4 .* 4 " ends.log && grep -E "^2 +8 +4 .* 4 " ends.log'
done

# 30 inputs of 4 outputs are 120 equations for 164 weights.
python3 "$tests/files.py" inputs thirty.npy 30 6
ends "too few equations are said to be" 0 "120 equations" "NOT DETERMINED" "none held out" -- \
  "$UNDERSTUDY" recover --student student.safetensors --inputs thirty.npy --teacher teacher.safetensors --iterations 1

# No network meets these targets, so that merging what fits them best makes it worse.
python3 - <<'PYTHON'
import random, struct
random.seed(5)
data = open("y.npy", "rb").read()
values = [y + random.gauss(0, 0.03) for y in struct.unpack("<6000d", data[128:])]
open("noisy.npy", "wb").write(data[:128] + struct.pack("<6000d", *values))
PYTHON
ends "noise is fitted" 0 "better than the student, but not within the target" -- "$UNDERSTUDY" recover \
  --student student.safetensors --inputs x.npy --targets noisy.npy --iterations 30 --into best.safetensors
ends "and what is best is not made worse" 0 -- "$UNDERSTUDY" recover \
  --student best.safetensors --inputs x.npy --targets noisy.npy --iterations 3 --json --into again.safetensors
check "on all samples" python3 -c '
import json
record = json.load(open("ends.out"))
def whole(name):
    held = record["heldOutCount"]
    return record[name] * (1500 - held) + record["heldOutL" + name[1:]] * held
assert not record["reachedTarget"] and whole("loss") <= whole("lossBefore"), record'

# All nodes of the lowest layer are dead.
python3 - <<'PYTHON'
import json, struct
file = open("student.safetensors", "rb")
length, = struct.unpack("<Q", file.read(8))
text, data = file.read(length), bytearray(file.read())
begin, end = json.loads(text)["layers.0.bias"]["data_offsets"]
for at in range(begin, end, 8):
    struct.pack_into("<d", data, at, -1e3)
open("dead.safetensors", "wb").write(struct.pack("<Q", length) + text + data)
PYTHON
ends "of a dead student" 2 "nothing was recovered" "dead.safetensors" -- "$UNDERSTUDY" recover \
  --student dead.safetensors --inputs x.npy --targets y.npy --into nothing.safetensors
check "nothing is written" test ! -e nothing.safetensors

student=(--student student.safetensors)
ends "nothing to recover" 64 "a results folder" -- "$UNDERSTUDY" recover
ends "no targets" 64 "--targets or --teacher" -- "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy
ends "two sorts of targets" 64 "either --targets or --teacher" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy --targets y.npy --teacher teacher.safetensors
ends "a folder and a file" 64 "not both" -- "$UNDERSTUDY" recover runs "${student[@]}"
ends "a file for many" 64 "--into is for one student" -- "$UNDERSTUDY" recover runs --into small.safetensors
ends "a seed without a folder" 64 "--seed" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy --targets y.npy --seed 1
ends "an activation for a folder" 64 "results folder knows" -- "$UNDERSTUDY" recover runs --activation leakyRelu
ends "no such seed" 2 "none is chosen" -- "$UNDERSTUDY" recover runs --seed 77
ends "no steps" 64 "--iterations 0" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy --targets y.npy --iterations 0
ends "targets of another width" 2 x.npy "6 outputs" "4 outputs" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy --targets x.npy
ends "inputs of another width" 2 y.npy "expects 6" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs y.npy --targets y.npy
python3 "$tests/files.py" inputs flat.npy 6 1500
ends "transposed inputs" 2 flat.npy "look like [feature, sample]; transpose them" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs flat.npy --targets y.npy
python3 "$tests/files.py" inputs flat.npy 4 1500
ends "transposed targets" 2 flat.npy "look like [output, sample]; transpose them" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy --targets flat.npy
ends "a student that is narrower than the teacher" 2 teacher.safetensors "widen" -- \
  "$UNDERSTUDY" recover --student teacher.safetensors --inputs x.npy --teacher student.safetensors
python3 "$tests/files.py" inputs nan.npy 1500 4 nan
ends "targets that are not finite" 2 nan.npy "finite" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy --targets nan.npy
python3 "$tests/files.py" network broken.safetensors 6 8 4 nan
ends "a student that is not finite" 2 broken.safetensors "finite" -- \
  "$UNDERSTUDY" recover --student broken.safetensors --inputs x.npy --targets y.npy
mkdir folder
ends "a file that is a folder" 2 "folder" "cannot be written" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy --targets y.npy --into folder
rm runs/weights/"$(ls runs/weights | head -n 1)"
ends "a run whose weights are gone" 2 "weights are missing" "run the study again" -- "$UNDERSTUDY" recover runs
ends "a folder that is not there, said before the work" 2 "nowhere/small" "cannot be written" -- \
  "$UNDERSTUDY" recover "${student[@]}" --inputs x.npy --targets y.npy --into nowhere/small.safetensors

finish
