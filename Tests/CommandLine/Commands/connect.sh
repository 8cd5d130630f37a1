#!/usr/bin/env bash
# understudy connect: planted students of one teacher, JSON, the path as files, students in opposite orientations, students
# without a spare node, and bad input.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
python3 "$tests/files.py" planted teacher.safetensors a.safetensors 6 4 5
python3 "$tests/files.py" planted teacher.safetensors b.safetensors 6 4 5 twin
python3 "$tests/files.py" inputs x.npy 500 6
data=(--teacher teacher.safetensors --inputs x.npy)

ends "help" 0 "USAGE: understudy connect" "straight line" -- "$UNDERSTUDY" connect --help
ends "two planted students" 0 "straight line after matching" "constructed path, from A to B" "1. " "largest loss" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}"
check "nothing in it is NaN" bash -c '! grep -qi "nan\b" ends.log'
ends "JSON" 0 -- "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --json --points 50
cp ends.out paths.json
check "the path has no loss, the straight line has" python3 - <<'PYTHON'
import json, re
paths = json.load(open("paths.json"))
curves = {curve["name"]: curve for curve in paths["curves"]}
assert set(curves) == {"straight", "matched", "constructed"}, set(curves)
assert len(curves["straight"]["losses"]) == len(curves["matched"]["losses"]) == paths["pointCount"] == 50
assert len(curves["constructed"]["losses"]) == 50 * len(paths["segments"]) > 0
assert curves["constructed"]["largestLoss"] < 1e-20, curves["constructed"]["largestLoss"]
assert curves["straight"]["largestLoss"] > 1e-3 * paths["lossOfZero"], curves["straight"]["largestLoss"]
for curve in curves.values():
    assert curve["lossAtStart"] < 1e-20 and curve["lossAtEnd"] < 1e-20, curve["name"]
    assert curve["largestLoss"] == max(curve["losses"]) and min(curve["losses"]) >= 0
    assert 0 <= curve["largestLossAt"] <= 1
for segment in paths["segments"]:
    assert segment["largestLoss"] == max(segment["losses"]), segment["what"]
    # Sentences that name nodes.
    assert segment["what"][0].isupper() and segment["what"].endswith("."), segment["what"]
    assert re.search(r"\bnodes? \d", segment["what"]), segment["what"]
assert "OpenBLAS" in paths["machine"], paths["machine"]
assert "obstacle" not in paths
assert sorted(paths["matching"]["nodes"]) == list(range(1, 9))
PYTHON
ends "JSON again is the same" 0 -- "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --json --points 50
check "to the last bit" cmp ends.out paths.json
ends "a student and itself" 0 "1. nothing moves" -- "$UNDERSTUDY" connect a.safetensors a.safetensors "${data[@]}"
ends "and in JSON" 0 -- "$UNDERSTUDY" connect a.safetensors a.safetensors "${data[@]}" --json --points 7
check "they have a path of one segment, without loss" python3 -c '
import json
paths = json.load(open("ends.out"))
(curve,) = (curve for curve in paths["curves"] if curve["name"] == "constructed")
assert len(paths["segments"]) == 1 and len(curve["losses"]) == 7 and curve["largestLoss"] < 1e-20
assert "obstacle" not in paths'

# The path as files: every corner is read again, and the loss between them is computed here.
cat >check_path.py <<'PYTHON'
import json, struct, sys

def network(path):
    with open(path, "rb") as file:
        header, data = json.loads(file.read(*struct.unpack("<Q", file.read(8)))), file.read()
    def tensor(name):
        begin, end = header[name]["data_offsets"]
        return list(struct.unpack(f"<{(end - begin) // 8}d", data[begin:end]))
    return [tensor(f"layers.{index}.{kind}") for index in (0, 1) for kind in ("weight", "bias")]

def outputs(network, inputs):
    first, biases, last, last_biases = network
    width, count = len(first) // len(biases), len(biases)
    for x in inputs:
        hidden = [max(0.0, b + sum(map(float.__mul__, first[k * width:(k + 1) * width], x))) for k, b in enumerate(biases)]
        yield [b + sum(map(float.__mul__, last[c * count:(c + 1) * count], hidden)) for c, b in enumerate(last_biases)]

a, b, teacher, inputs, paths = sys.argv[1:]
paths = json.load(open(paths))
corners = [network(path) for path in paths["corners"]]
assert len(corners) == len(paths["segments"]) + 1 > 1
assert corners[0] == network(a) and corners[-1] == network(b), "the ends are the students"
with open(inputs, "rb") as file:
    text, values = file.read(128).decode("latin-1"), file.read()
samples, width = map(int, text[text.index("(") + 1:text.index(")")].split(","))
inputs = [struct.unpack_from(f"<{width}d", values, 8 * width * i) for i in range(0, samples, 5)]
targets = list(outputs(network(teacher), inputs))
of_zero = sum(y * y for row in targets for y in row)
for number, (start, end) in enumerate(zip(corners, corners[1:]), 1):
    assert start != end, f"segment {number} moves nothing"
    for t in (0.25, 0.5, 0.9, 1):
        between = [[(1 - t) * u + t * v for u, v in zip(*pair)] for pair in zip(start, end)]
        loss = sum((y - f) ** 2 for pair in zip(targets, outputs(between, inputs)) for y, f in zip(*pair))
        assert loss < 1e-24 * of_zero, f"segment {number} at {t}: {loss / of_zero}"
PYTHON
ends "a path as files" 0 "path: " "networks in corners" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --path corners
ends "and named in JSON" 0 '"corners"' -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --path again --json --points 2
grep -v '^path: ' ends.log >again.json
check "the path can be checked from its files" \
  python3 check_path.py a.safetensors b.safetensors teacher.safetensors x.npy again.json
check "they are the same files again" diff -r corners again
cp corners/corner-000.safetensors kept
ends "a folder that is not empty" 2 "corners: the folder is not empty" "name a new one" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --path corners
check "it stays as it was" cmp kept corners/corner-000.safetensors
ends "a file for a folder" 2 "kept: is a file" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --path kept
ends "a folder that cannot be made" 2 "nowhere/corners: cannot be written" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --path nowhere/corners

# Boundaries in opposite orientation: five take two spare nodes, when there is one output.
for spare in 0 1 2; do
  python3 "$tests/files.py" turned upright.safetensors from.safetensors 3 5 $spare
  python3 "$tests/files.py" turned upright.safetensors to.safetensors 3 5 $spare twin
  python3 "$tests/files.py" inputs flat.npy 400 3
  turned=("$UNDERSTUDY" connect from.safetensors to.safetensors --teacher upright.safetensors --inputs flat.npy)
  if [ $spare -lt 2 ]; then
    ends "opposite orientations, $spare spare" 0 "5 of the 5 boundaries" "in opposite orientation" "2 spare nodes are enough to turn them" \
      "of $((5 + spare)) nodes $spare can be spared" "$((2 - spare)) node" "more in both" "enough" \
      "path: there is none, and nothing was written" -- "${turned[@]}" --path turned
    check "no folder was made" test ! -e turned
  else
    ends "opposite orientations, $spare spare" 0 "constructed path, from A to B" -- "${turned[@]}"
    ends "and the path as files" 0 -- "${turned[@]}" --path turned --json --points 2
    grep -v '^path: ' ends.log >turned.json
    check "it has no loss" \
      python3 check_path.py from.safetensors to.safetensors upright.safetensors flat.npy turned.json
  fi
done

# The teacher as a student of its own width, and with its nodes in the reverse order.
python3 - <<'PYTHON'
import json, struct
with open("teacher.safetensors", "rb") as file:
    length = struct.unpack("<Q", file.read(8))[0]
    header, data = json.loads(file.read(length)), file.read()
def tensor(name):
    begin, end = header[name]["data_offsets"]
    return list(struct.unpack(f"<{(end - begin) // 8}d", data[begin:end]))
def rows(values, width):
    return [values[i:i + width] for i in range(0, len(values), width)]
tensors = {
    "layers.0.weight": sum(rows(tensor("layers.0.weight"), 6)[::-1], []),
    "layers.0.bias": tensor("layers.0.bias")[::-1],
    "layers.1.weight": sum((row[::-1] for row in rows(tensor("layers.1.weight"), 4)), []),
    "layers.1.bias": tensor("layers.1.bias"),
}
blob = b"".join(struct.pack(f"<{len(tensors[name])}d", *tensors[name]) for name in sorted(tensors))
offset = 0
for name in sorted(tensors):
    header[name]["data_offsets"] = [offset, offset + 8 * len(tensors[name])]
    offset += 8 * len(tensors[name])
text = json.dumps(header).encode()
with open("reversed.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + blob)
PYTHON
ends "students of the teacher's width" 0 "no constructed path: no spare node" "1 node more in both is enough" -- \
  "$UNDERSTUDY" connect teacher.safetensors reversed.safetensors "${data[@]}"
ends "and in JSON" 0 '"obstacle"' -- \
  "$UNDERSTUDY" connect teacher.safetensors reversed.safetensors "${data[@]}" --json
check "matching alone takes their loss away" python3 -c '
import json
curves = {curve["name"]: curve for curve in json.load(open("ends.out"))["curves"]}
assert set(curves) == {"straight", "matched"}
assert curves["matched"]["largestLoss"] < 1e-20 < curves["straight"]["largestLoss"]'

ends "a figure as data" 0 "figure: paths.json" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --figure paths.json
check "it has three curves" python3 -c '
import json
values = json.load(open("paths.json"))["data"]["values"]
assert len({row["c"] for row in values}) == 3, {row["c"] for row in values}'
ends "a figure of no known kind" 64 ".svg, .png, .pdf or .json" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --figure paths.bmp

ends "no arguments" 64 "student-a" -- "$UNDERSTUDY" connect
ends "one student" 64 -- "$UNDERSTUDY" connect a.safetensors "${data[@]}"
ends "no teacher" 64 "--teacher" -- "$UNDERSTUDY" connect a.safetensors b.safetensors --inputs x.npy
ends "one point" 64 "--points 1" "2 to" -- "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --points 1
ends "a linear network" 64 "has no boundaries" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --activation linear
ends "no such file" 2 nowhere.safetensors "check the path" -- \
  "$UNDERSTUDY" connect a.safetensors nowhere.safetensors "${data[@]}"
python3 "$tests/files.py" network wide.safetensors 6 9 5
ends "students of different widths" 0 "straight line after matching" -- \
  "$UNDERSTUDY" connect a.safetensors wide.safetensors "${data[@]}"
# Deep students that share no pre-activations: over half of the nodes, with no more loss than at the corners.
python3 "$tests/files.py" deep deep-teacher.safetensors deep.safetensors 6 4 5
python3 "$tests/files.py" deep deep-teacher.safetensors moved.safetensors 6 4 5 moved
deep=(deep.safetensors moved.safetensors --teacher deep-teacher.safetensors --inputs x.npy)
ends "deep students" 0 "constructed path, from A to B" "the output layer moves" "there are too few nodes: hidden layer 1" -- \
  "$UNDERSTUDY" connect "${deep[@]}"
ends "deep students in JSON" 0 -- "$UNDERSTUDY" connect "${deep[@]}" --json --points 20
check "no segment has more loss than its ends" python3 -c '
import json
paths = json.load(open("ends.out"))
assert "obstacle" not in paths and "more are enough" in paths["shortage"], paths.get("obstacle")
for segment in paths["segments"]:
    assert segment["largestLoss"] <= max(segment["losses"][0], segment["losses"][-1]) * (1 + 1e-9) + 1e-25, segment["what"]
(way,) = (curve for curve in paths["curves"] if curve["name"] == "constructed")
assert way["largestLoss"] < 2 * max(way["lossAtStart"], way["lossAtEnd"]), way["largestLoss"]'
ends "a student that is narrower than the teacher" 2 teacher.safetensors "cannot cover" "widen" -- \
  "$UNDERSTUDY" connect teacher.safetensors teacher.safetensors --teacher a.safetensors --inputs x.npy
python3 "$tests/files.py" network other.safetensors 6 8 3
ends "a student of other outputs" 2 other.safetensors "3 outputs" -- \
  "$UNDERSTUDY" connect a.safetensors other.safetensors "${data[@]}"
python3 "$tests/files.py" inputs narrow.npy 50 3
ends "inputs of another width" 2 narrow.npy "3 features" "expects 6" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors --teacher teacher.safetensors --inputs narrow.npy
python3 "$tests/files.py" inputs flat.npy 6 50
ends "transposed inputs" 2 flat.npy "look like [feature, sample]; transpose them" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors --teacher teacher.safetensors --inputs flat.npy
python3 "$tests/files.py" inputs nan.npy 50 6 nan
ends "inputs that are not finite" 2 nan.npy "finite" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors --teacher teacher.safetensors --inputs nan.npy
python3 "$tests/files.py" network bare.safetensors 6 8 5 nan
ends "a student that is not finite" 2 bare.safetensors "finite" -- \
  "$UNDERSTUDY" connect a.safetensors bare.safetensors "${data[@]}"

finish
