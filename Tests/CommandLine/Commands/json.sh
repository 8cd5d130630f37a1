#!/usr/bin/env bash
# JSON of networks and inputs at the edges of floating point: what ends well can be parsed and holds no number that JSON does
# not know, what does not ends with a message about the networks, not about the encoding.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
check "every JSON can be parsed, or the reason is in the networks" python3 - "$tests" "${ROUNDS:-80}" <<'PYTHON'
import collections, json, math, os, random, struct, subprocess, sys
sys.path.insert(0, sys.argv[1])
import files

SIZES = [0, 5e-324, 1e-310, 1e-200, 1e-160, 1e-80, 1e-20, 1, 1, 1, 1, 1e8, 1e77, 1e150, 1e155, 1e200, 1e300, 1.7e308]


def layers(draw, widths):
    """A network of which a layer, some rows or single weights may be of any size."""
    tensors = {}
    for index, (below, count) in enumerate(zip(widths, widths[1:])):
        layer, row_size = draw.choice([1, 1, 1, draw.choice(SIZES)]), [1] * count
        for _ in range(draw.choice([0, 1, 2])):
            row_size[draw.randrange(count)] = draw.choice(SIZES)
        rows = [[bounded(layer * size * draw.gauss(0, 1)) for _ in range(below)] for size in row_size]
        biases = [bounded(layer * size * draw.choice([0.3, 0.3, draw.choice(SIZES)]) * draw.gauss(0, 1)) for size in row_size]
        if draw.random() < 0.2:
            rows[draw.randrange(count)] = [0.0] * below
        tensors[f"layers.{index}.weight"] = ([count, below], [value for row in rows for value in row])
        tensors[f"layers.{index}.bias"] = ([count], biases)
    return tensors


def bounded(value):
    return max(-1.7e308, min(1.7e308, value))


def refuse(word):
    raise ValueError(f"{word} in JSON")


program, ends = os.environ["UNDERSTUDY"], collections.Counter()
for seed in range(int(sys.argv[2])):
    draw = random.Random(seed)
    deep = draw.random() < 0.3
    d, outputs = draw.choice([1, 3]), draw.choice([1, 3])
    hidden = [draw.choice([2, 3]) for _ in range(2 if deep else 1)]
    wide = [count + draw.choice([0, 1, 2]) for count in hidden]
    files.safetensors("t.safetensors", layers(draw, [d, *hidden, outputs]))
    for name in "ab":
        files.safetensors(f"{name}.safetensors", layers(draw, [d, *wide, outputs]))
    count, size, shift = draw.choice([1, 2, 40]), draw.choice([1, 1, draw.choice(SIZES)]), draw.choice([0, 0, draw.choice(SIZES)])
    values = [bounded(size * draw.gauss(0, 1) + shift) for _ in range(count * d)]
    files.array("x.npy", "<f8", f"({count}, {d})", struct.pack(f"<{count * d}d", *values))
    commands = [
        ["audit", "--student", "a.safetensors", "--report", "audit.html", "--python", "/nonexistent"],
        ["recover", "--student", "a.safetensors", "--iterations", "3"]]
    if not deep:
        commands.append(["connect", "a.safetensors", "b.safetensors", "--points", "5"])
    for command in commands:
        command += ["--teacher", "t.safetensors", "--inputs", "x.npy", "--json"]
        found = subprocess.run([program, *command], capture_output=True, text=True, timeout=60)
        what = f"seed {seed}: {' '.join(command)}: {found.returncode}: {found.stderr[-300:]}"
        if found.returncode == 0:
            json.loads(found.stdout, parse_constant=refuse)
        else:
            assert found.returncode == 2 and "error: " in found.stderr and "JSON" not in found.stderr, what
        ends[command[0], found.returncode] += 1
print(dict(ends))
for command in ("audit", "recover", "connect"):
    assert ends[command, 0] > 0, f"{command} never ended well: {ends}"
PYTHON

finish
