"""Writes small network and array files, well-formed and not, with the standard library alone.

    files.py network PATH INPUTS HIDDEN OUTPUTS [nan | nobias | transposed | SIZE of some first-layer weights]
    files.py inputs PATH SAMPLES FEATURES [nan | integers]
    files.py images FOLDER TRAINING EVALUATION SIDE
    files.py batches PATH STEPS BATCH SAMPLES [past | negative | reals]
    files.py planted TEACHER STUDENT INPUTS HIDDEN OUTPUTS [twin]
    files.py deep TEACHER STUDENT INPUTS HIDDEN OUTPUTS [moved]
    files.py outputs PATH NETWORK INPUTS
    files.py turned TEACHER STUDENT INPUTS HIDDEN SPARE [twin]

`planted` writes a teacher, and a student of twice its width that does the same: its nodes in another order and scale, the
first one split in two, and idle nodes without fan-out; `twin` writes another such student beside the teacher that is there. `deep` writes a teacher of
two hidden layers, and a student with every node of both twice, the rows of the upper twins uneven over the lower twins;
`moved` moves all its weights a little. `outputs` writes what a network answers to the inputs of a file. `turned` writes a
teacher of one output and a student with idle nodes beside its own, in another scale; `twin` one that holds all boundaries
in the opposite orientation, which the teacher's weights allow.
"""

import json
import math
import os
import random
import struct
import sys


def network(path, inputs, hidden, outputs, fault=None):
    shapes = {
        "layers.0.bias": [hidden], "layers.0.weight": [hidden, inputs],
        "layers.1.bias": [outputs], "layers.1.weight": [outputs, hidden],
    }
    if fault == "transposed":
        shapes["layers.0.weight"].reverse()
    if fault == "nobias":
        del shapes["layers.1.bias"]
    tensors = {}
    for name, shape in shapes.items():
        values = [random.gauss(0, 1) for _ in range(math.prod(shape))]
        if fault == "nan" and name == "layers.0.weight":
            values[3] = math.nan
        elif fault not in (None, "nan", "nobias", "transposed") and name == "layers.0.weight":
            values[: 2 * inputs] = [float(fault) * value for value in values[: 2 * inputs]]
        tensors[name] = (shape, values)
    safetensors(path, tensors)


def safetensors(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        start = len(data)
        data += struct.pack(f"<{len(values)}d", *values)
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def two_layers(path, first, biases, last, last_biases):
    safetensors(path, {
        "layers.0.bias": ([len(biases)], biases),
        "layers.0.weight": ([len(first), len(first[0])], [w for row in first for w in row]),
        "layers.1.bias": ([len(last_biases)], last_biases),
        "layers.1.weight": ([len(last), len(last[0])], [w for row in last for w in row]),
    })


def deep(teacher, student, inputs, hidden, outputs, fault=None):
    def layer(rows, columns):
        return [[random.gauss(0, 1) for _ in range(columns)] for _ in range(rows)], [random.gauss(0, 0.3) for _ in range(rows)]

    def write(path, layers):
        tensors = {}
        for index, (rows, biases) in enumerate(layers):
            tensors[f"layers.{index}.bias"] = ([len(biases)], biases)
            tensors[f"layers.{index}.weight"] = ([len(rows), len(rows[0])], [w for row in rows for w in row])
        safetensors(path, tensors)

    def doubled(lower, upper):
        (rows, biases), (above, above_biases) = lower, upper
        twins = [[2 * w for w in row] for row in rows]
        shares = [[random.uniform(-1, 2) for _ in row] for row in above]
        split = [[w * s for w, s in zip(*pair)] + [w * (1 - s) / 2 for w, s in zip(*pair)] for pair in zip(above, shares)]
        return (rows + twins, biases + [2 * b for b in biases]), (split, above_biases)

    layers = [layer(hidden, inputs), layer(hidden, hidden), layer(outputs, hidden)]
    write(teacher, layers)
    second, third = doubled(layers[1], layers[2])
    first, second = doubled(layers[0], second)
    layers = [first, second, third]
    if fault == "moved":
        layers = [([[w + random.gauss(0, 0.001) for w in row] for row in rows], biases) for rows, biases in layers]
    write(student, layers)


def planted(teacher, student, inputs, hidden, outputs, twin=None):
    first = [[random.gauss(0, 1) for _ in range(inputs)] for _ in range(hidden)]
    biases = [random.gauss(0, 0.3) for _ in range(hidden)]
    fan_out = [[random.gauss(0, 1) for _ in range(outputs)] for _ in range(hidden)]
    last_biases = [random.gauss(0, 1) for _ in range(outputs)]
    if twin is None:
        two_layers(teacher, first, biases, [list(column) for column in zip(*fan_out)], last_biases)
    else:
        random.seed(2)  # the same teacher, drawn with the first seed, and other scales and idle nodes
    # (node of the teacher, scale, share of its fan-out); the first node stands twice, and idle nodes fill up.
    nodes = [(0, 1.5, 0.25), (0, 0.5, 0.75)] + [(j, 0.5 + j / 2, 1) for j in range(1, hidden)]
    nodes += [None] * (2 * hidden - len(nodes))
    random.shuffle(nodes)
    rows, offsets, fans = [], [], []
    for node in nodes:
        if node is None:
            rows.append([random.gauss(0, 1) for _ in range(inputs)])
            offsets.append(random.gauss(0, 1))
            fans.append([0.0] * outputs)
            continue
        j, scale, share = node
        rows.append([scale * w for w in first[j]])
        offsets.append(scale * biases[j])
        fans.append([share * v / scale for v in fan_out[j]])
    two_layers(student, rows, offsets, [list(column) for column in zip(*fans)], last_biases)


def turned(teacher, student, inputs, hidden, spare, twin=None):
    fan_out = [random.choice((-1, 1)) * random.uniform(0.5, 2) for _ in range(hidden)]
    first = [[random.gauss(0, 1) for _ in range(inputs)] for _ in range(hidden - 1)]
    # The sum of v w is 0, so that phi(z) - phi(-z) = z adds up to a constant.
    first.append([-sum(v * row[f] for v, row in zip(fan_out, first)) / fan_out[-1] for f in range(inputs)])
    biases = [random.gauss(0, 0.3) for _ in range(hidden)]
    two_layers(teacher, first, biases, [fan_out], [0.5])
    sign = 1 if twin is None else -1
    constant = 0 if twin is None else sum(v * b for v, b in zip(fan_out, biases))
    rows = [[sign * (0.5 + j) * w for w in row] for j, row in enumerate(first)]
    rows += [[random.gauss(0, 1) for _ in range(inputs)] for _ in range(spare)]
    offsets = [sign * (0.5 + j) * b for j, b in enumerate(biases)] + [random.gauss(0, 1) for _ in range(spare)]
    fans = [v / (0.5 + j) for j, v in enumerate(fan_out)] + [0.0] * spare
    order = list(range(hidden + spare))[::sign]
    two_layers(student, [rows[k] for k in order], [offsets[k] for k in order], [[fans[k] for k in order]], [0.5 + constant])


def array(path, kind, shape, data):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def inputs(path, samples, features, fault=None):
    values = [random.gauss(0, 1.5) for _ in range(samples * features)]
    if fault == "nan":
        values[5] = math.nan
    if fault == "integers":
        array(path, "<i8", (samples, features), struct.pack(f"<{len(values)}q", *map(int, values)))
    else:
        array(path, "<f8", (samples, features), struct.pack(f"<{len(values)}d", *values))


def images(folder, training, evaluation, side):
    """Arrays of random images [image, 1, side, side] with labels of 3 classes, as `--images` takes them."""
    random.seed(1)
    os.mkdir(folder)
    for part, count in (("train", training), ("test", evaluation)):
        values = [random.gauss(0, 1) for _ in range(count * side * side)]
        array(f"{folder}/{part}-images.npy", "<f4", (count, 1, side, side), struct.pack(f"<{len(values)}f", *values))
        array(f"{folder}/{part}-labels.npy", "|u1", (count,), bytes(i % 3 for i in range(count)))


def outputs(path, network, inputs):
    with open(network, "rb") as file:
        header, data = json.loads(file.read(*struct.unpack("<Q", file.read(8)))), file.read()
    with open(inputs, "rb") as file:
        text, values = file.read(128).decode("latin-1"), file.read()
    samples, width = map(int, text[text.index("(") + 1:text.index(")")].split(","))
    rows = [struct.unpack_from(f"<{width}d", values, 8 * width * i) for i in range(samples)]
    depth = len(header) // 2
    for index in range(depth):
        def tensor(kind):
            begin, end = header[f"layers.{index}.{kind}"]["data_offsets"]
            return struct.unpack(f"<{(end - begin) // 8}d", data[begin:end])
        weights, biases = tensor("weight"), tensor("bias")
        width = len(weights) // len(biases)
        rows = [[b + sum(map(float.__mul__, weights[k * width:(k + 1) * width], row)) for k, b in enumerate(biases)] for row in rows]
        if index < depth - 1:
            rows = [[max(0.0, z) for z in row] for row in rows]
    array(path, "<f8", (samples, len(rows[0])), b"".join(struct.pack(f"<{len(row)}d", *row) for row in rows))


def batches(path, steps, batch, samples, fault=None):
    values = [random.randrange(samples) for _ in range(steps * batch)]
    if fault in ("past", "negative"):
        values[2 * batch + 1] = samples if fault == "past" else -1
    if fault == "reals":
        array(path, "<f8", (steps, batch), struct.pack(f"<{len(values)}d", *values))
    else:
        array(path, "<i8", (steps, batch), struct.pack(f"<{len(values)}q", *values))


if __name__ == "__main__":
    random.seed(1)
    writer = {"network": network, "inputs": inputs, "batches": batches, "planted": planted, "deep": deep,
              "outputs": outputs, "turned": turned, "images": images}[sys.argv[1]]
    writer(sys.argv[2], *[int(word) if word.isdigit() else word for word in sys.argv[3:]])
