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
