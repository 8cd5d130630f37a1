"""Trains the student of an extracted run again, in NumPy, and compares it with the one that the run has stored.

    python3 retrain.py [FOLDER]

run.json beside it says how the student learns. Dimensions: B samples of a step, and of each layer its nodes. With f_0 = x,

    z_l = f_(l-1) W_l^T + b_l,    f_l = z_l where z_l > 0, else slope z_l (the last layer has no activation),

and back from g = dJ/dz of the last layer: dJ/dW_l = g^T f_(l-1), dJ/db_l = sum g, g <- (g W_l) times the slopes below.
Needs Python 3 and NumPy only.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np


def read_network(path):
    """The weights and biases of each layer, in float64; biases are None where there are none."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    header.pop("__metadata__", None)
    kinds = {"F64": "<f8", "F32": "<f4"}
    tensors = {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }
    count = 1 + max(int(name.split(".")[1]) for name in tensors)
    return [
        [tensors[f"layers.{index}.weight"].astype("f8"), tensors.get(f"layers.{index}.bias")] for index in range(count)
    ]


def outputs_and_inputs(layers, x, slope):
    """The outputs at x, and what each layer takes and the slopes below it."""
    taken, slopes = [x], []
    for index, (weight, bias) in enumerate(layers):
        z = taken[-1] @ weight.T + (0 if bias is None else bias)
        if index == len(layers) - 1:
            return z, taken, slopes
        slopes.append(np.where(z > 0, z.dtype.type(1), z.dtype.type(slope)))
        taken.append(z * slopes[-1])


def output_gradient(got, wanted, loss):
    """dJ/dz of the last layer, of the mean over the samples."""
    if loss == "squaredError":
        return (got - wanted) / len(got)
    odds = np.exp(got - got.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    odds[np.arange(len(got)), wanted.argmax(axis=1)] -= 1
    return odds / len(got)


def gradients(layers, x, wanted, run):
    got, taken, slopes = outputs_and_inputs(layers, x, run["negativeSlope"])
    g = output_gradient(got, wanted, run["loss"])
    result = []
    for index in reversed(range(len(layers))):
        result.insert(0, [g.T @ taken[index], g.sum(axis=0)])
        if index > 0:
            g = (g @ layers[index][0]) * slopes[index - 1]
    return result


def with_unit_rows(layers):
    layers[0][0] = layers[0][0] / np.linalg.norm(layers[0][0], axis=1, keepdims=True)


def moved(layers, slopes, memory, step, rate, run):
    """A step against the slopes; `memory` is what the optimizer carries from step to step."""
    frozen = {"first": 0, "last": len(layers) - 1}.get(run["frozenLayer"])
    for index, layer in enumerate(layers):
        for part in (0, 1):
            if index == frozen or layer[part] is None:
                continue
            slope = slopes[index][part] + run["weightDecay"] * layer[part]
            first, second = memory.get((index, part), (0, 0))
            if run["method"] == "adam":
                first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
                mean, square = first / (1 - 0.9**step), second / (1 - 0.999**step)
                change = mean / (np.sqrt(square) + 1e-8)
            else:
                first = change = run["momentum"] * first + slope
            memory[index, part] = (first, second)
            layer[part] = layer[part] - layer[part].dtype.type(rate) * change
    if run["unitNormFirstLayer"]:
        with_unit_rows(layers)


def main(folder):
    facts = json.loads((folder / "run.json").read_text())
    run = facts["learning"]
    kind = {"float64": "f8", "float32": "f4"}[run["precision"]]
    layers = [
        [part if part is None else part.astype(kind) for part in layer]
        for layer in read_network(folder / "student-initial.safetensors")
    ]
    inputs = np.load(folder / "training-inputs.npy").astype(kind)
    wanted = np.load(folder / "training-targets.npy").astype(kind)
    batches = np.load(folder / "batches.npy") if (folder / "batches.npy").exists() else None
    if run["unitNormFirstLayer"]:
        with_unit_rows(layers)
    memory, step = {}, 0
    for epoch, rate in enumerate(run["rates"]):
        # Where each epoch draws its own samples, they follow one another.
        first = epoch * run["samplesPerEpoch"] if run["drawsEachEpoch"] else 0
        everything = slice(first, first + run["samplesPerEpoch"])
        for _ in range(run["stepsPerEpoch"]):
            seen = everything if batches is None else batches[step]
            step += 1
            moved(layers, gradients(layers, inputs[seen], wanted[seen], run), memory, step, rate, run)
    stored = read_network(folder / "student.safetensors")
    largest = 0.0
    for index, (layer, own) in enumerate(zip(layers, stored)):
        for name, got, expected in zip(("weight", "bias"), layer, own):
            if expected is not None:
                difference = np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-300)
                largest = max(largest, difference)
                print(f"layers.{index}.{name}: largest difference {difference:.1e} of the largest element")
    if facts["hasSearch"]:
        print("the stored student is that of the search for a critical point, which began where this one ends")
    return 0 if facts["hasSearch"] or largest < {"f8": 1e-8, "f4": 1e-3}[kind] else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)))
