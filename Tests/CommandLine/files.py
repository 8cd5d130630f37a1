"""Writes small network and array files, well-formed and not, with the standard library alone.

    files.py network PATH INPUTS HIDDEN OUTPUTS [nan | nobias | transposed]
    files.py inputs PATH SAMPLES FEATURES [nan | integers]
    files.py batches PATH STEPS BATCH SAMPLES [past | negative | reals]
"""

import json
import math
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
    header, data = {}, b""
    for name, shape in shapes.items():
        values = [random.gauss(0, 1) for _ in range(math.prod(shape))]
        if fault == "nan" and name == "layers.0.weight":
            values[3] = math.nan
        start = len(data)
        data += struct.pack(f"<{len(values)}d", *values)
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


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


def batches(path, steps, batch, samples, fault=None):
    values = [random.randrange(samples) for _ in range(steps * batch)]
    if fault in ("past", "negative"):
        values[2 * batch + 1] = samples if fault == "past" else -1
    if fault == "reals":
        array(path, "<f8", (steps, batch), struct.pack(f"<{len(values)}d", *values))
    else:
        array(path, "<i8", (steps, batch), struct.pack(f"<{len(values)}q", *values))


random.seed(1)
writer = {"network": network, "inputs": inputs, "batches": batches}[sys.argv[1]]
writer(sys.argv[2], *[int(word) if word.isdigit() else word for word in sys.argv[3:]])
