#!/usr/bin/env bash
# understudy audit: planted students from files, the runs of a folder, JSON, merging, and bad input.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
python3 "$tests/files.py" planted teacher.safetensors student.safetensors 6 4 5
python3 "$tests/files.py" inputs x.npy 2000 6
files=(--teacher teacher.safetensors --student student.safetensors --inputs x.npy)

ends "an audit of files" 0 "teacher node" "student node" "predicted and found" \
  "8 units, of which 4 carry the teacher, 1 can be merged and 3 removed: 4 are left" "largest weight error" -- \
  "$UNDERSTUDY" audit "${files[@]}"
check "nothing in it is NaN" bash -c '! grep -qi "nan\b" ends.log'
ends "JSON, and the merged student" 0 -- "$UNDERSTUDY" audit "${files[@]}" --json --merge-into merged.safetensors
cp ends.out audit.json
check "a planted student is read back exactly" python3 - <<'PYTHON'
import json, math
audit = json.load(open("audit.json"))
assert audit["inputRank"] == 6 and audit["sampleCount"] == 2000 and audit["hyperplaneCount"] == 12, audit
assert len(audit["teacherNodes"]) == 4 and len(audit["studentNodes"]) == 8
for node in audit["teacherNodes"]:
    assert node["verdict"] == "predictedAndFound", node
    assert node["alignment"] < 1e-12 and node["correlation"] > 0.999999, node
    assert node["bands"][0]["witnessCount"] > 7 and node["bands"][0]["witnessStudent"], node
    nearest = audit["studentNodes"][node["alignedStudent"] - 1]
    assert nearest["alignedTeacher"] == node["node"], (node, nearest)
fates = [node["fate"] for node in audit["studentNodes"]]
assert sorted(fates) == ["carries"] * 4 + ["merged"] + ["removed"] * 3, fates
merged = next(node for node in audit["studentNodes"] if node["fate"] == "merged")
assert audit["studentNodes"][merged["mergedInto"] - 1]["alignedTeacher"] == merged["alignedTeacher"]
summary = audit["student"]
assert summary["mergedNodeCount"] == 4 and summary["weightError"] < 1e-12, summary
assert summary["largestOutputChange"] < 1e-12 * summary["outputScale"], summary
assert summary["heldOutCount"] == audit["sampleCount"] // 10, summary
assert summary["heldOutOutputChange"] < 1e-12 * summary["outputScale"], summary
assert "OpenBLAS" in audit["machine"], audit["machine"]
def walk(value):
    if isinstance(value, dict): [walk(item) for item in value.values()]
    elif isinstance(value, list): [walk(item) for item in value]
    elif isinstance(value, float): assert math.isfinite(value)
walk(audit)
PYTHON
ends "the merged student is the teacher" 0 "4 units, of which 4 carry the teacher, 0 can be merged and 0 removed" -- \
  "$UNDERSTUDY" audit --teacher teacher.safetensors --student merged.safetensors --inputs x.npy
ends "several bands" 0 "0.03" "0.3" -- "$UNDERSTUDY" audit "${files[@]}" --bands 0.3,0.03

# Costs: ranks of observers were found node by node, in n^4 operations; copies of inputs go through all weights.
python3 "$tests/files.py" network wide-teacher.safetensors 10 5 5
python3 "$tests/files.py" network wide.safetensors 10 1200 5
python3 "$tests/files.py" inputs few.npy 200 10
ends "1200 nodes on 200 inputs end soon" 0 "1200 units" -- \
  timeout 120 "$UNDERSTUDY" audit --teacher wide-teacher.safetensors --student wide.safetensors --inputs few.npy
python3 "$tests/files.py" network broad-teacher.safetensors 100 2 100
python3 "$tests/files.py" network broad.safetensors 100 800 100
python3 "$tests/files.py" inputs many.npy 10000 100
broad=(--teacher broad-teacher.safetensors --student broad.safetensors --inputs many.npy --bands 0.1,0.2)
ends "what would take long is left out, with a word" 0 "not measured: gradients over teacher-agnostic copies" \
  "--complete" "not measured and" -- timeout 300 "$UNDERSTUDY" audit "${broad[@]}"
ends "JSON says so" 0 -- timeout 300 "$UNDERSTUDY" audit "${broad[@]}" --json
check "and has no number for it" python3 - <<'PYTHON'
import json
audit = json.load(open("ends.out"))
assert audit["omitted"] == ["agnosticGradients"], audit["omitted"]
assert "largestGradientAgnostic" not in audit and audit["largestGradientAware"] > 0, audit
assert not any(node["verdict"] == "violation" for node in audit["teacherNodes"])
PYTHON

python3 "$tests/files.py" network other.safetensors 6 8 5
python3 "$tests/files.py" deep deep-teacher.safetensors deep-student.safetensors 6 4 5
ends "a deep student is merged, layer by layer" 0 "1 (lowest)" "rank below" "largest weight error" -- \
  "$UNDERSTUDY" audit --teacher deep-teacher.safetensors --student deep-student.safetensors --inputs x.npy \
  --merge-into deep-merged.safetensors
ends "its JSON" 0 -- \
  "$UNDERSTUDY" audit --teacher deep-teacher.safetensors --student deep-student.safetensors --inputs x.npy --json
check "to the size and weights of its teacher" python3 - <<'PYTHON'
import json
audit = json.load(open("ends.out"))
assert [layer["unitCount"] for layer in audit["layers"]] == [4, 4], audit["layers"]
assert all(layer["weightError"] < 1e-12 for layer in audit["layers"]), audit["layers"]
assert audit["student"]["weightError"] < 1e-12, audit["student"]
PYTHON
ends "the file that was written is as wide as the teacher" 0 "largest weight error" -- \
  "$UNDERSTUDY" audit --teacher deep-teacher.safetensors --student deep-merged.safetensors --inputs x.npy

ends "an untrained student" 0 "gradient too large by a factor" -- \
  "$UNDERSTUDY" audit --teacher teacher.safetensors --student other.safetensors --inputs x.npy

study study.yaml "record: [{measures: [evaluationLoss], last: true}]"
ends "a study" 0 -- "$UNDERSTUDY" run study.yaml --set 'teacher.strengthDecay=[0, 1]' --set seeds=2 --results results
ends "an audit of its runs" 0 "teacher.strengthDecay = 1, seed 2" "largest gradient" -- "$UNDERSTUDY" audit results
ends "of some of its runs" 0 -- "$UNDERSTUDY" audit results --seed 2 --where teacher.strengthDecay=1 --json
check "one of four" python3 -c 'import json; assert len(json.load(open("ends.out"))) == 1'

ends "no arguments" 64 "--teacher" -- "$UNDERSTUDY" audit
ends "a folder and files" 64 "not both" -- "$UNDERSTUDY" audit results "${files[@]}"
ends "no run is chosen" 2 "none is chosen" -- "$UNDERSTUDY" audit results --seed 99
ends "an unknown key" 2 "nearest known" -- "$UNDERSTUDY" audit results --where teacher.strenghtDecay=1
ends "a band of 1, and one as a share of the spread" 0 " 1 " -- "$UNDERSTUDY" audit "${files[@]}" --bands 10%,1
ends "a band of 0" 64 "greater than 0" -- "$UNDERSTUDY" audit "${files[@]}" --bands 0%,1
ends "a slope without leakyRelu" 64 "for --activation leakyRelu" -- "$UNDERSTUDY" audit "${files[@]}" --leaky-slope 0.3
ends "a leaky student that is taken for ReLU" 0 -- "$UNDERSTUDY" audit "${files[@]}" --activation leakyRelu \
  --leaky-slope 0.2 --merge-into leaky.safetensors
ends "is refused by what its file says" 2 leaky.safetensors "--leaky-slope 0.2" -- \
  "$UNDERSTUDY" audit --teacher leaky.safetensors --student student.safetensors --inputs x.npy
study linear.yaml "record: [{measures: [verdicts], last: true}]"
ends "verdicts of linear students" 2 "verdicts" "network.activation linear" -- \
  "$UNDERSTUDY" run linear.yaml --set network.activation=linear --results linear
ends "bands that are none" 64 "greater than 0" -- "$UNDERSTUDY" audit "${files[@]}" --bands 0.1,x
ends "a linear network" 64 "has no boundaries" -- "$UNDERSTUDY" audit "${files[@]}" --activation linear
ends "no such file" 2 nowhere.safetensors -- \
  "$UNDERSTUDY" audit --teacher nowhere.safetensors --student student.safetensors --inputs x.npy
ends "a student that is narrower" 2 student "cannot cover" -- \
  "$UNDERSTUDY" audit --teacher student.safetensors --student teacher.safetensors --inputs x.npy
python3 "$tests/files.py" inputs narrow.npy 50 3
ends "inputs of another width" 2 "3 features" "expects 6" -- \
  "$UNDERSTUDY" audit "${files[@]:0:4}" --inputs narrow.npy
python3 "$tests/files.py" inputs flat.npy 6 50
ends "transposed inputs" 2 flat.npy "look like [feature, sample]; transpose them" -- \
  "$UNDERSTUDY" audit "${files[@]:0:4}" --inputs flat.npy
python3 "$tests/files.py" inputs nan.npy 50 6 nan
ends "inputs that are not finite" 2 nan.npy -- "$UNDERSTUDY" audit "${files[@]:0:4}" --inputs nan.npy
python3 "$tests/files.py" inputs few.npy 4 6
ends "fewer samples than features" 0 "fewer samples than features" "inputs of low rank" -- \
  "$UNDERSTUDY" audit --teacher teacher.safetensors --student other.safetensors --inputs few.npy
check "a merged file that cannot be written leaves nothing" bash -c \
  '! "$UNDERSTUDY" audit --teacher teacher.safetensors --student student.safetensors --inputs x.npy --merge-into nowhere/m.safetensors >/dev/null 2>&1; test ! -e nowhere'

# Over a region: a planted student has no gradient anywhere, and each teacher node that is seen has its node.
pair=(--teacher teacher.safetensors --student student.safetensors)
ends "all inputs of a ball" 0 "all inputs of the ball ||x|| <= 3" "predicted and found" "4 of 4 visible teacher nodes are observed" -- \
  "$UNDERSTUDY" audit "${pair[@]}" --ball 3
ends "of a box, as JSON" 0 -- "$UNDERSTUDY" audit "${pair[@]}" --box -1,1.5 --json
check "says who is where, and that nothing is left" python3 - <<'PYTHON'
import json
audit = json.load(open("ends.out"))
assert (audit["lowest"], audit["highest"]) == (-1, 1.5) and not audit["isExact"], audit
for node in audit["teacherNodes"]:
    assert node["isVisible"] and node["verdict"] == "predictedAndFound" and node["alignment"] < 1e-12, node
    assert set(node["witnesses"]) <= set(node["observers"]) and node["witnesses"], node
    assert not set(node["onBoundary"]) & set(node["observers"]), "an aligned ReLU node is not active on its own boundary"
assert sorted(len(node["onBoundary"]) for node in audit["teacherNodes"]) == [1, 1, 1, 2], "the first node stands twice"
for node in audit["studentNodes"]:
    assert node["vanishes"] and max(node["largestGradient"], node["gradientBound"]) <= node["gradientTolerance"], node
PYTHON
ends "a page of it" 0 "report: region.html" -- "$UNDERSTUDY" audit "${pair[@]}" --ball 3 --report region.html
check "has its tables" grep -q "kink bound" region.html
ends "a region too small for most boundaries" 0 "invisible in the inputs" -- "$UNDERSTUDY" audit "${pair[@]}" --ball 0.01
ends "an untrained student in a ball" 0 "no observer's kink bound is within the tolerance" -- \
  "$UNDERSTUDY" audit --teacher teacher.safetensors --student other.safetensors --ball 3
ends "a tolerance above what a missing node would leave" 0 "a smaller --tolerance may decide more" "0 are predicted" -- \
  "$UNDERSTUDY" audit "${pair[@]}" --ball 3 --tolerance 1e9
ends "several runs, in the ball of their inputs" 0 "teacher.strengthDecay = 1, seed 2" "must be 0" -- \
  "$UNDERSTUDY" audit results --ball data
ends "one run" 0 "no input has one above the bound" -- \
  "$UNDERSTUDY" audit results --seed 2 --where teacher.strengthDecay=1 --box -2,2 --tolerance 0.5 --bands 5%
ends "deep networks in a region" 2 "two layers" -- \
  "$UNDERSTUDY" audit --teacher deep-teacher.safetensors --student deep-student.safetensors --ball 3
ends "linear ones" 64 "no boundaries" -- "$UNDERSTUDY" audit "${pair[@]}" --ball 3 --activation linear
ends "a ball without radius" 64 "radius above 0" -- "$UNDERSTUDY" audit "${pair[@]}" --ball 0
ends "the ball of no run's inputs" 64 "give a radius for files" -- "$UNDERSTUDY" audit "${pair[@]}" --ball data
ends "a box from high to low" 64 "the lowest and the highest" -- "$UNDERSTUDY" audit "${pair[@]}" --box 1,-1
ends "a ball and a box" 64 "not both" -- "$UNDERSTUDY" audit "${pair[@]}" --ball 1 --box -1,1
ends "a region and inputs" 64 "--inputs is for audits over samples" -- "$UNDERSTUDY" audit "${files[@]}" --ball 1
ends "a tolerance without a region" 64 "--ball and --box" -- "$UNDERSTUDY" audit "${files[@]}" --tolerance 1
ends "two widths" 64 "give one width" -- "$UNDERSTUDY" audit "${pair[@]}" --ball 1 --bands 0.1,0.2

# Over images: the evaluation part of a set, here of features, six channels of one position.
python3 - <<'PYTHON'
import random, struct
from pathlib import Path
random.seed(1)
Path("features").mkdir()
def array(name, kind, shape, data):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({''.join(f'{n}, ' for n in shape)}), }}\n".encode()
    Path("features", name).write_bytes(b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + data)
for part, count in (("train", 400), ("test", 300)):
    array(f"{part}-images.npy", "<f4", (count, 6, 1, 1), struct.pack(f"<{6 * count}f", *(random.gauss(0, 1) for _ in range(6 * count))))
    array(f"{part}-labels.npy", "<i8", (count,), struct.pack(f"<{count}q", *(i % 2 for i in range(count))))
PYTHON
over=(--teacher teacher.safetensors --student student.safetensors --images features)
ends "an audit over images" 0 "evaluation images of features: 300, of which 256 for strengths" "not learned" \
  "All teacher nodes have a student node" "What the theory says" "training images 1 to 400 of features: 400 samples" \
  "8 units, of which 4 carry the teacher, 1 can be merged and 3 removed: 4 are left" -- \
  "$UNDERSTUDY" audit "${over[@]}" --merge-into of-images.safetensors
ends "the merged student is the teacher" 0 "4 units, of which 4 carry the teacher" -- \
  "$UNDERSTUDY" audit --teacher teacher.safetensors --student of-images.safetensors --images features
ends "in JSON" 0 -- "$UNDERSTUDY" audit "${over[@]}" --json
cp ends.out over-images.json
ends "without the theory" 0 -- "$UNDERSTUDY" audit "${over[@]}" --json --correlations-only
check "is the same without it" python3 - <<'PYTHON'
import json
audit, without = json.load(open("over-images.json")), json.load(open("ends.out"))
theory = audit.pop("theory")
assert audit == without and theory["sampleCount"] == 400 and theory["bandRanks"] == [6], theory
assert all(node["verdict"] == "predictedAndFound" for node in theory["teacherNodes"]), theory["teacherNodes"]
PYTHON
ends "a page" 0 "report: images.html" -- "$UNDERSTUDY" audit "${over[@]}" --report images.html --python /nowhere/python3
check "with both parts, and the data of three figures" bash -c 'grep -q "<h3>What the theory says</h3>" images.html \
  && grep -q "4 of 4 teacher nodes have a student node with a rho of 0.8 or more" images.html \
  && grep -q "4 of 4 teacher nodes are learned" images.html && grep -q "<caption>Hidden layers</caption>" images.html \
  && test "$(ls figures/audit-1-{images,teacher,student}.json | wc -l)" = 3'
cp over-images.json ends.out
check "a planted student learned all, and has nodes that do nothing" python3 - <<'PYTHON'
import json
audit = json.load(open("ends.out"))
layer, = audit["layers"]
assert layer["learnedCount"] == 4 and layer["unlearnedCount"] == 0 and layer["unlearnedShare"] == 0, layer
for node in layer["teacherNodes"]:
    assert node["state"] == "learned" and node["correlation"] > 0.9999, node
    follower = layer["studentNodes"][node["partner"] - 1]
    assert follower["state"] == "aligned" and follower["partner"] == node["node"], follower
assert abs(sum(node["share"] for node in layer["teacherNodes"]) - 1) < 1e-9
assert layer["alignedCount"] + layer["silentCount"] + layer["deadCount"] <= 8 == len(layer["studentNodes"])
PYTHON
ends "an untrained student over images" 0 "Not learned: teacher nodes whose best rho is below 0.99" -- \
  "$UNDERSTUDY" audit "${over[@]:0:2}" --student other.safetensors --images features --rho 0.99
ends "inputs and images" 64 "not both" -- "$UNDERSTUDY" audit "${over[@]}" --inputs x.npy
ends "bands over images" 0 "bands of 0.3" -- "$UNDERSTUDY" audit "${over[@]}" --bands 0.3
ends "bands without the theory" 64 "--bands is for the theory's audit" -- \
  "$UNDERSTUDY" audit "${over[@]}" --bands 0.1 --correlations-only
ends "correlations only, of inputs" 64 "--correlations-only is for --images" -- \
  "$UNDERSTUDY" audit "${files[@]}" --correlations-only
ends "images as they are" 0 "1 (lowest)" -- "$UNDERSTUDY" audit "${over[@]}" --normalize raw --correlations-only
cp "$work/ends.log" raw.log
ends "by mean 0 and deviation 1" 0 -- "$UNDERSTUDY" audit "${over[@]}" --normalize 0/1 --correlations-only
check "the same" cmp raw.log "$work/ends.log"
ends "by those of the set" 0 -- "$UNDERSTUDY" audit "${over[@]}" --correlations-only
check "other numbers" bash -c '! cmp -s "$0" "$1"' raw.log "$work/ends.log"
ends "a normalisation without images" 64 "--normalize is for --images" -- "$UNDERSTUDY" audit "${files[@]}" --normalize raw
ends "a rho without images" 64 "--rho is for --images" -- "$UNDERSTUDY" audit "${files[@]}" --rho 0.9
ends "a rho that is none" 64 "above 0" -- "$UNDERSTUDY" audit "${over[@]}" --rho 1.5
ends "a rho for runs over inputs" 2 "--rho is for runs over images" -- "$UNDERSTUDY" audit results --rho 0.9
ends "correlations only, of runs over inputs" 2 "--correlations-only is for runs over images" -- \
  "$UNDERSTUDY" audit results --correlations-only
ends "no such images" 2 "nowhere" "no such folder" -- "$UNDERSTUDY" audit "${over[@]:0:4}" --images nowhere
ends "networks of other images" 2 wide-teacher.safetensors "takes 10 numbers" -- \
  "$UNDERSTUDY" audit --teacher wide-teacher.safetensors --student wide.safetensors --images features

# Images are nearly of low rank: here one pixel is constant and one hardly varies. A student with other weights for these has the
# teacher's functions; what is said of them is checked by plain loops.
python3 - "$tests" <<'PYTHON'
import math, random, struct, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import files
random.seed(3)
Path("flat").mkdir()
def images(part, count):
    rows = [[random.gauss(0, 1), random.gauss(0, 0.5), random.gauss(0, 2), 1e-3 * random.gauss(0, 1), 0.25] for _ in range(count)]
    data = struct.pack(f"<{5 * count}f", *(x for row in rows for x in row))
    files.array(f"flat/{part}-images.npy", "<f4", (count, 1, 1, 5), data)
    files.array(f"flat/{part}-labels.npy", "<i8", (count,), struct.pack(f"<{count}q", *(i % 2 for i in range(count))))
    return [x for row in rows for x in row]
pixels = images("train", 300)
images("test", 80)
first = [[random.gauss(0, 1) for _ in range(5)] for _ in range(3)]
biases, outputs = [0.1, -0.2, 0.3], [[1, 0.5, -1]]  # one output
files.two_layers("seen.safetensors", first, biases, outputs, [0.5])
# The constant pixel after normalisation: what its weight adds goes into the bias. A fourth node follows nothing.
mean = sum(pixels) / len(pixels)
constant = (0.25 - mean) / math.sqrt(sum((x - mean) ** 2 for x in pixels) / len(pixels))
files.two_layers("unseen.safetensors", [row[:3] + [row[3] + 1, row[4] + 3] for row in first] + [[1, -1, 1, -1, 0]],
                 [bias - 3 * constant for bias in biases] + [0.4], [outputs[0] + [0.05]], [0.5])
PYTHON
flat=(--teacher seen.safetensors --student unseen.safetensors --images flat)
ends "inputs of low rank: functions are matched, weights are not determined" 0 "matched on the inputs, weights not determined" \
  "low rank: they vary along 4 of 5 directions" "along 3 of 5 directions" "nodes 1, 2, 3: a student node has its function on the inputs" \
  "4 units, of which 0 carry the teacher, 3 have a teacher node's function on the inputs, 1 carry other boundaries" -- \
  "$UNDERSTUDY" audit "${flat[@]}"
ends "and in JSON" 0 -- "$UNDERSTUDY" audit "${flat[@]}" --json
check "as plain loops have it" python3 - <<'PYTHON'
import json, math, struct
audit = json.load(open("ends.out"))
theory = audit["theory"]
assert theory["inputRank"] == 4 and theory["bandRanks"] == [3] and theory["outputDimension"] == 1, theory["bandRanks"]
raw = open("flat/train-images.npy", "rb").read()[-300 * 20:]
rows = [struct.unpack_from("<5f", raw, 20 * i) for i in range(300)]
mean = sum(map(sum, rows)) / 1500
deviation = math.sqrt(sum((x - mean) ** 2 for row in rows for x in row) / 1500)
rows = [[(x - mean) / deviation for x in row] for row in rows]
def weights(path):
    data = open(path, "rb").read()
    size, = struct.unpack_from("<Q", data)
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    def tensor(name):
        begin, end = header[name]["data_offsets"]
        return struct.unpack(f"<{(end - begin) // 8}d", body[begin:end])
    biases, flat = tensor("layers.0.bias"), tensor("layers.0.weight")
    return [(flat[5 * k:5 * k + 5], bias) for k, bias in enumerate(biases)]
def rho(a, b):
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    products = sum((x - ma) * (y - mb) for x, y in zip(a, b))
    return products / math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b))
def before(node): return [sum(map(float.__mul__, node[0], row)) + node[1] for row in rows]
teacher, student = map(weights, ("seen.safetensors", "unseen.safetensors"))
for node in theory["teacherNodes"]:
    z = before(teacher[node["node"] - 1])
    seen = rho(z, before(student[node["alignedStudent"] - 1]))
    assert abs(node["seenSine"] - math.sqrt(max(0, 1 - seen * seen))) < 1e-5, node
    best = max(rho([max(0, x) for x in z], [max(0, x) for x in before(other)]) for other in student)
    assert abs(node["correlation"] - best) < 1e-6, node
    assert node["verdict"] == "matchedOnInputs" and node["correlatedStudent"] == node["node"], node
    assert abs(node["mismatch"] - theory["inputSpread"] * math.sqrt(max(0, 1 - best * best))) < 1e-3, node
    assert node["mismatch"] < 0.01 < 0.3 < node["sine"], node
assert [node.get("matchedTeacher") for node in theory["studentNodes"]] == [1, 2, 3, None]
assert theory["student"]["carryingMatchCount"] == 3 and theory["student"]["carryingTeacherCount"] == 0, theory["student"]
PYTHON

# Runs over images: one student with convolutions, and one without.
python3 - "$tests" <<'PYTHON'
import random, struct, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import files
random.seed(4)
Path("pictures").mkdir()
for part, count in (("train", 64), ("test", 32)):
    pixels = [random.randrange(100) + (120 if place // 6 == 2 * (image % 3) else 0) for image in range(count) for place in range(36)]
    files.array(f"pictures/{part}-images.npy", "|u1", (count, 1, 6, 6), bytes(pixels))
    files.array(f"pictures/{part}-labels.npy", "<i8", (count,), struct.pack(f"<{count}q", *(i % 3 for i in range(count))))
PYTHON
cat >pictures.yaml <<'YAML'
teacher: {layers: [conv 3, dense 4], training: {epochs: 2, learningRate: 0.02, batchSize: 16}}
student: {overRealization: 2, initialization: uniform}
inputs: {images: pictures, cropPadding: 1, training: {count: 48}, evaluation: {count: 32}}
training: {loss: squaredError, batchSize: 16, learningRate: 0.01, epochs: 2, stepsPerEpoch: 3}
seeds: 1
record: [{measures: [evaluationLoss], last: true}]
YAML
ends "a study over images" 0 "2 of 2 runs recorded" -- "$UNDERSTUDY" run pictures.yaml --results images
ends "an audit of both runs" 0 "student nodes" "What the theory says" -- "$UNDERSTUDY" audit images
check "the theory has one of them" bash -c 'test "$(sed -n "/What the theory says/,\$p" ends.log | grep -c "teacher.layers = ")" = 1'
ends "bands for convolutions" 2 "has convolutions" "--bands" -- "$UNDERSTUDY" audit images --bands 0.1
ends "the run without them" 0 "training images 1 to 48 of run" "48 samples of 36 features" -- \
  "$UNDERSTUDY" audit images --where "teacher.layers=dense 4" --bands 10%
ends "a page of the other" 0 "report: convolutions.html" -- \
  "$UNDERSTUDY" audit images --where "teacher.layers=conv 3" --report convolutions.html --python /nowhere/python3
check "without the theory" bash -c 'grep -q "what it learned, and what does nothing" convolutions.html \
  && ! grep -q "What the theory says" convolutions.html'
convolutional=$(grep -alE '\[6, ?1, ?3, ?3\]' images/weights/*)
ends "a linear student has no such audit, and is no error" 0 "layer" -- bash -c '"$UNDERSTUDY" run pictures.yaml \
  --set network.activation=linear --set "teacher.layers=dense 4" --results linear-images && "$UNDERSTUDY" audit linear-images --json'
check "and says nothing of the theory" bash -c '! grep -q "\"theory\"" ends.log'
dense=$(grep -aLE '\[6, ?1, ?3, ?3\]' images/weights/*)
ends "images of another size" 2 "takes 36 numbers" "give images or a network" -- \
  "$UNDERSTUDY" audit --teacher "$dense" --student "$dense" --images features
ends "convolutions and none" 2 "$dense" "the student takes" -- \
  "$UNDERSTUDY" audit --teacher "$convolutional" --student "$dense" --images pictures
mkdir training-only && cp pictures/train-* training-only/
ends "no evaluation images" 2 "training-only" "missing" -- \
  "$UNDERSTUDY" audit --teacher "$dense" --student "$dense" --images training-only
rm images/artifacts/*.safetensors
ends "no teacher any more" 2 "is not there, or is damaged" -- "$UNDERSTUDY" audit images

# A wide student: a table of all pairs of its nodes would have 3.2 GB.
python3 "$tests/files.py" network wide.safetensors 6 20000 5
wide=(--teacher teacher.safetensors --student wide.safetensors --inputs few.npy)
ends "a student of 20000 nodes, in little memory" 0 "not measured: merging" "can be merged or removed was not measured" -- \
  bash -c 'ulimit -v 3000000; exec "$UNDERSTUDY" audit "$@"' _ "${wide[@]}"
ends "and in JSON, with a page" 0 -- bash -c '"$UNDERSTUDY" audit "$@" --json --report wide.html --python /nowhere/python3 >wide.json' \
  _ "${wide[@]}"
check "what was not measured is not there" python3 - <<'PYTHON'
import json
audit = json.load(open("wide.json"))
assert {"merging", "observerRanks"} >= set(audit["omitted"]) >= {"merging"}, audit["omitted"]
assert not [node for node in audit["studentNodes"] if "fate" in node or "mergedInto" in node]
assert set(audit["student"]) == {"nodeCount", "outputScale"}, audit["student"]
PYTHON
check "nor on the page" bash -c 'grep -q "can be merged or removed was not measured" wide.html && ! grep -q "carries a boundary" wide.html'

finish
