#!/usr/bin/env bash
# understudy connect: planted students of one teacher, JSON, students without a spare node, and bad input.
. "$(dirname "${BASH_SOURCE[0]}")/support.bash"

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
cp ends.log paths.json
check "the path has no loss, the straight line has" python3 - <<'PYTHON'
import json
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
    assert segment["what"] and segment["largestLoss"] == max(segment["losses"]), segment["what"]
assert "obstacle" not in paths
assert sorted(paths["matching"]["nodes"]) == list(range(1, 9))
PYTHON
ends "JSON again is the same" 0 -- "$UNDERSTUDY" connect a.safetensors b.safetensors "${data[@]}" --json --points 50
check "to the last bit" cmp ends.log paths.json
ends "a student and itself" 0 "no path is needed" -- "$UNDERSTUDY" connect a.safetensors a.safetensors "${data[@]}"

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
ends "students of the teacher's width" 0 "no constructed path: no spare node" "one node more" -- \
  "$UNDERSTUDY" connect teacher.safetensors reversed.safetensors "${data[@]}"
ends "and in JSON" 0 '"obstacle"' -- \
  "$UNDERSTUDY" connect teacher.safetensors reversed.safetensors "${data[@]}" --json
check "matching alone takes their loss away" python3 -c '
import json
curves = {curve["name"]: curve for curve in json.load(open("ends.log"))["curves"]}
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
ends "students of different widths" 2 "a.safetensors" "wide.safetensors" "6-8-5" "6-9-5" "same widths" -- \
  "$UNDERSTUDY" connect a.safetensors wide.safetensors "${data[@]}"
ends "a student that is narrower than the teacher" 2 teacher.safetensors "cannot cover" "widen" -- \
  "$UNDERSTUDY" connect teacher.safetensors teacher.safetensors --teacher a.safetensors --inputs x.npy
python3 "$tests/files.py" network other.safetensors 6 8 3
ends "a student of other outputs" 2 other.safetensors "3 outputs" -- \
  "$UNDERSTUDY" connect a.safetensors other.safetensors "${data[@]}"
python3 "$tests/files.py" inputs narrow.npy 50 3
ends "inputs of another width" 2 narrow.npy "3 features" "expects 6" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors --teacher teacher.safetensors --inputs narrow.npy
python3 "$tests/files.py" inputs nan.npy 50 6 nan
ends "inputs that are not finite" 2 nan.npy "finite" -- \
  "$UNDERSTUDY" connect a.safetensors b.safetensors --teacher teacher.safetensors --inputs nan.npy
python3 "$tests/files.py" network bare.safetensors 6 8 5 nan
ends "a student that is not finite" 2 bare.safetensors "finite" -- \
  "$UNDERSTUDY" connect a.safetensors bare.safetensors "${data[@]}"

finish
