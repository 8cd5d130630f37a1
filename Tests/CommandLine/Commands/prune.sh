#!/usr/bin/env bash
# understudy prune: over arrays and over images, by shares, numbers and accuracy; and bad input.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
python3 "$tests/files.py" deep teacher.safetensors twins.safetensors 6 4 3
python3 "$tests/files.py" inputs x.npy 300 6

ends "help" 0 "--ratios" "--accuracy-drop" -- "$UNDERSTUDY" prune --help
# Every node of the student is there twice.
ends "every node is there twice" 0 "hidden nodes" "output change" "100.0 %" "small.safetensors: 4-4" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs x.npy --ratios 0.5-0.5 --output small.safetensors
cp ends.log shares.log
ends "by numbers" 0 "again.safetensors: 4-4" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs x.npy --keep 4-4 --output again.safetensors
check "the same" cmp <(grep -v safetensors shares.log) <(grep -v safetensors ends.log)
for file in twins small; do
  ends "outputs of $file" 0 -- "$UNDERSTUDY" outputs $file.safetensors --inputs x.npy --output $file.npy
done
check "the smaller network answers the same" python3 - <<'PYTHON'
import struct
def numbers(path):
    data = open(path, "rb").read()[128:]
    return struct.unpack(f"<{len(data) // 8}d", data)
one, other = numbers("twins.npy"), numbers("small.npy")
assert len(one) == len(other) > 0
difference = max(abs(a - b) for a, b in zip(one, other))
assert difference < 1e-3 * max(map(abs, one)), difference
PYTHON

# A set of images and a network of convolutions.
python3 - "$tests" <<'PYTHON'
import math, random, sys
sys.path.insert(0, sys.argv[1])
from files import images, safetensors
images("pictures", 80, 60, 6)
shapes = {"0.weight": [6, 1, 3, 3], "0.bias": [6], "4.weight": [3, 24], "4.bias": [3]}
safetensors("state.safetensors", {
    name: (shape, [random.gauss(0, 0.5) for _ in range(math.prod(shape))]) for name, shape in shapes.items()})
PYTHON
prune=("$UNDERSTUDY" prune state.safetensors --images pictures --image 1x6x6 --layers "conv 6 max 2")
ends "channels" 0 "accuracy" "training images of pictures" "channels.safetensors: 3" -- \
  "${prune[@]}" --ratios 0.5 --output channels.safetensors
ends "a smaller network, not a mask" 0 "nn.Conv2d(1, 3, 3)" "nn.Linear(12, 3)" -- \
  "$UNDERSTUDY" convert channels.safetensors torch.safetensors
# The labels of a set are a network's answers to its numbers as they are: only if it takes them so, it answers all of them right.
python3 - "$tests" <<'PYTHON'
import json, struct, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from files import array, safetensors
data = Path("state.safetensors").read_bytes()
size, = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + size])
def tensor(name):
    begin, end = header[name]["data_offsets"]
    kind = {"F32": "f", "F64": "d"}[header[name]["dtype"]]
    return struct.unpack(f"<{(end - begin) // struct.calcsize(kind)}{kind}", data[8 + size + begin:8 + size + end])
w, b, v, c = map(tensor, ("0.weight", "0.bias", "4.weight", "4.bias"))
def outputs(image):
    maps = [[max(0, b[k] + sum(w[9 * k + 3 * i + j] * image[6 * (y + i) + x + j] for i in range(3) for j in range(3)))
             for y in range(4) for x in range(4)] for k in range(6)]
    pooled = [max(m[4 * (2 * y + i) + 2 * x + j] for i in (0, 1) for j in (0, 1)) for m in maps for y in (0, 1) for x in (0, 1)]
    return [c[o] + sum(v[24 * o + i] * pooled[i] for i in range(24)) for o in range(3)]
Path("own").mkdir()
for part in ("train", "test"):
    content = Path(f"pictures/{part}-images.npy").read_bytes()
    Path(f"own/{part}-images.npy").write_bytes(content)
    numbers = [x for x, in struct.iter_unpack("<f", content[128:])]
    answers = [outputs(numbers[i:i + 36]) for i in range(0, len(numbers), 36)]
    if part == "train":
        # With these biases, no class is the answer to all.
        means = [sum(row) / len(answers) for row in zip(*answers)]
        safetensors("own.safetensors", {
            "0.weight": ([6, 1, 3, 3], w), "0.bias": ([6], b), "4.weight": ([3, 24], v),
            "4.bias": ([3], [bias - mean for bias, mean in zip(c, means)])})
    centred = [[value - mean for value, mean in zip(row, means)] for row in answers]
    labels = bytes(row.index(max(row)) for row in centred)
    assert len(set(labels)) > 1, set(labels)
    array(f"own/{part}-labels.npy", "|u1", (len(labels),), labels)
PYTHON
own=("$UNDERSTUDY" prune own.safetensors --images own --image 1x6x6 --layers "conv 6 max 2" --keep 3 --json)
whole() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["curve"][0]["accuracy"])' "$1"; }
ends "numbers as they are" 0 -- "${own[@]}" --normalize raw --output raw.safetensors
equal "every label is its answer" "$(whole ends.out)" 1
ends "mean 0 and deviation 1" 0 -- "${own[@]}" --normalize 0/1 --output same.safetensors
check "the same" cmp raw.safetensors same.safetensors
ends "another deviation" 0 -- "${own[@]}" --normalize 0.5/0.25 --output other.safetensors
check "other answers" [ "$(whole ends.out)" != 1 ]
ends "channels that are not there" 2 "own: 3 means and deviations are given, and images have 1 channel" -- \
  "${own[@]}" --normalize 0.4-0.5-0.6/1-1-1 --output none.safetensors
for text in 0.5 0.5/0 0.5-0.5/0.2 a/b /; do
  ends "no normalisation: $text" 64 "--normalize $text" "such as 0.5/0.5" -- "${own[@]}" --normalize "$text" --output none.safetensors
done
ends "normalised arrays" 64 "--normalize is for --images" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs x.npy --keep 4-4 --normalize raw --output none.safetensors
ends "by accuracy" 0 "accurate.safetensors: " -- "${prune[@]}" --accuracy-drop 10% --output accurate.safetensors


# JSON, of the same numbers; and Ctrl-C.
ends "JSON" 0 -- "${prune[@]}" --ratios 0.5 --output json.safetensors --json
check "the same network" cmp json.safetensors channels.safetensors
check "its keys" python3 - ends.out <<'PYTHON'
import json, sys
record = json.load(open(sys.argv[1]))
assert {"version", "machine", "student", "inputs", "fittedCount", "evaluationCount", "curve", "result"} == set(record), record.keys()
assert (record["inputs"], record["fittedCount"], record["evaluationCount"]) == ("pictures", 80, 60)
assert record["curve"][0]["hiddenCounts"] == [6] and record["curve"][0]["outputChange"] == 0
assert record["curve"][-1] == record["result"] and record["result"]["hiddenCounts"] == [3]
assert set(record["result"]) == {"hiddenCounts", "weightCount", "weightShare", "outputChange", "agreement", "accuracy"}
PYTHON
ends "JSON without labels" 0 '"curve"' -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs x.npy --keep 4-4 --output again.safetensors --json
python3 "$tests/files.py" inputs many.npy 600000 6
mkdir stopped
# Long enough that it does not end by itself before it is stopped.
check "Ctrl-C ends it" python3 - "$UNDERSTUDY" <<'PYTHON'
import signal, subprocess, sys, time
command = [sys.argv[1], "prune", "twins.safetensors", "--inputs", "many.npy", "--count", "600000", "--keep", "4-4"]
# A job in the background of a shell ignores interrupts, and so would its children.
process = subprocess.Popen(
    [*command, "--output", "stopped/none.safetensors"], stderr=subprocess.DEVNULL,
    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
time.sleep(0.2)
process.send_signal(signal.SIGINT)
assert process.wait(20) in (-signal.SIGINT, 130), process.returncode
PYTHON
equal "leaves nothing" "$(ls -A stopped)" ""
ends "another ending" 64 "ends in .safetensors" -- "${prune[@]}" --keep 3 --output none.onnx
ends "a share that empties no layer" 64 "--ratios 1" -- "${prune[@]}" --ratios 1 --output none.safetensors
ends "too few shares" 2 "has 2 hidden layers" "give one for each" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs x.npy --ratios 0.5 --output none.safetensors
ends "more nodes than there are" 2 "hidden layer 1 (lowest) has 8 nodes" "give 1 to 8" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs x.npy --keep 9-4 --output none.safetensors
ends "an empty layer" 64 "--keep 0" -- "${prune[@]}" --keep 0 --output none.safetensors
ends "accuracy without labels" 64 "needs labels" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs x.npy --accuracy-drop 1% --output none.safetensors
ends "two sizes" 64 "one of them" -- "${prune[@]}" --keep 3 --ratios 0.5 --output none.safetensors
ends "no such set" 2 "nowhere" -- \
  "$UNDERSTUDY" prune state.safetensors --images nowhere --image 1x6x6 --layers "conv 6 max 2" --keep 3 --output none.safetensors
ends "convolutions over an array" 2 "has convolutions over images of 1 x 6 x 6" "(--images)" -- \
  "$UNDERSTUDY" prune state.safetensors --inputs x.npy --image 1x6x6 --layers "conv 6 max 2" --keep 3 --output none.safetensors
ends "inputs of another size" 2 "takes 6 x 1 x 1" "1 x 6 x 6" -- \
  "$UNDERSTUDY" prune twins.safetensors --images pictures --keep 4-4 --output none.safetensors
python3 "$tests/files.py" inputs few.npy 10 6
ends "too few samples" 2 few.npy "20 or more" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs few.npy --keep 4-4 --output none.safetensors
python3 "$tests/files.py" inputs turned.npy 6 300
ends "transposed inputs" 2 turned.npy "transpose it" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs turned.npy --keep 4-4 --output none.safetensors
for size in 1e200 1e-200; do
  python3 - x.npy large.npy $size <<'PYTHON'
import array, sys
content = open(sys.argv[1], "rb").read()
start = content.index(b"\n") + 1
numbers = array.array("d", content[start:])
open(sys.argv[2], "wb").write(content[:start] + array.array("d", [float(sys.argv[3]) * x for x in numbers]).tobytes())
PYTHON
  ends "inputs of $size" 2 large.npy "single precision" -- \
    "$UNDERSTUDY" prune twins.safetensors --inputs large.npy --keep 4-4 --output none.safetensors
done
ends "the file that is read" 2 "write to another file" -- \
  "$UNDERSTUDY" prune twins.safetensors --inputs x.npy --keep 4-4 --output twins.safetensors
check "nothing was written" test ! -e none.safetensors

finish
