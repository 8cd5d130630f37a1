"""Exchanges networks with PyTorch or ONNX by `understudy convert`, and compares what they answer.

    python Tests/Reference/exchange.py --understudy .build/release/understudy --by onnxruntime

Networks of the cases of images.py, and fully connected ones, are written as network files. Their outputs at random inputs are
those of images_reference.py. Compared with them, to 1e-4 of the largest (single precision), are: `understudy outputs`; by
onnxruntime, the ONNX model that `convert` makes, and what `convert` reads of it again; by torch, the nn.Sequential that
`convert` prints, with the state dict that it writes, executed as it stands. State dicts with other names and without
metadata have to give the network file again, bit for bit, and so has one that is written with the names of a file. The last
line is `N passed, N failed`; the exit status is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

from checks import Failure, Tally, difference, output_of
from deep_reference import Tensors
from images import AFTER, BEFORE, CASES, HALVED, Case, drawn, layers_of, metadata_of
from images_reference import Network, outputs
from network_files import read_tensors, write_tensors

TOLERANCE, SAMPLES = 1e-4, 23
FURTHER = [
    Case("fully connected, normalised before, leaky", (None, None, None), slope=0.2, **BEFORE),
    Case("fully connected, normalised after, no learnt scale", (None, None), **AFTER, learnt_scale=False),
    Case("both kinds, normalised after, no biases", (HALVED, None), **AFTER, biases=False),
]
Answer = Callable[[Path, np.ndarray, str], np.ndarray]
"""What a file that `convert` has written answers to inputs; with what it printed."""


def by_onnxruntime(path: Path, x: np.ndarray, printed: str) -> np.ndarray:
    import onnx
    import onnxruntime

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return session.run(["output"], {"input": x.astype("f4")})[0]


def by_torch(path: Path, x: np.ndarray, printed: str) -> np.ndarray:
    import torch

    names: dict = {}
    exec(printed, names)
    with torch.no_grad():
        return names["network"](torch.tensor(x.astype("f4"))).numpy()


def renamed(case: Case, tensors: Tensors, style: str) -> Tensors:
    """The tensors as a program might call them: modules in containers of numbers, or named one by one."""
    parts = {"norm.weight": "weight", "norm.bias": "bias"}
    convolutions = sum(layer is not None for layer in case.hidden)
    result = {}
    for name, tensor in tensors.items():
        _, layer, part = name.split(".", 2)
        index, is_norm = int(layer), part.startswith("norm.")
        place = index if index < convolutions else index - convolutions
        if style == "numbers":
            container = "features" if index < convolutions else "classifier"
            module = f"module.{container}.{7 * place + (2 if is_norm else 1)}"
        else:
            module = f"bn{index + 1}" if is_norm else f"conv{place + 1}" if index < convolutions else f"fc{place + 1}"
        result[f"{module}.{parts.get(part, part.split('.')[-1])}"] = tensor
        if part == "norm.running_mean":
            result[f"{module}.num_batches_tracked"] = np.array(7.0)
    return result


def check_near(what: str, got: np.ndarray, wanted: np.ndarray) -> float:
    if got.shape != wanted.shape:
        raise Failure(f"{what} have shape {got.shape}, expected {wanted.shape}")
    error = difference(got, wanted)
    if not error <= TOLERANCE:
        raise Failure(f"{what} differ by {error:.1e}")
    return error


class Exchange:
    """One network on its way: its file and its outputs."""

    def __init__(self, understudy: Path, case: Case, folder: Path, random: np.random.Generator) -> None:
        self.understudy, self.case, self.folder = understudy, case, folder
        problem = drawn(case, random)
        self.network: Network = problem.student
        self.x = problem.inputs(problem.images)[:SAMPLES]
        self.wanted = outputs(self.network, self.x)
        if not any(case.hidden):
            self.x = self.x.reshape(SAMPLES, -1)
        self.file = folder / "network.safetensors"
        np.save(folder / "x.npy", self.x)
        metadata = metadata_of(self.network) | {"understudy.negativeSlope": f"{case.slope}"}
        write_tensors(self.file, self.network.tensors, metadata)

    def convert(self, source: Path, target: Path, *options: str | Path) -> str:
        return output_of(self.understudy, "convert", source, target, *options)

    def answers(self, path: Path) -> np.ndarray:
        output_of(
            self.understudy, "outputs", path, "--inputs", self.folder / "x.npy", "--output", self.folder / "y.npy")
        return np.load(self.folder / "y.npy")

    def check_outputs(self) -> str:
        return f"outputs differ by {check_near('outputs', self.answers(self.file), self.wanted):.1e}"

    def check_there(self, target: Path, answer: Answer) -> str:
        printed = self.convert(self.file, target)
        return f"outputs differ by {check_near('outputs', answer(target, self.x, printed), self.wanted):.1e}"

    def check_back(self, source: Path) -> str:
        """What was written says all that is needed to read it."""
        back = self.folder / "back.safetensors"
        self.convert(source, back)
        return f"outputs differ by {check_near('outputs', self.answers(back), self.wanted):.1e}"

    def check_same(self, path: Path, wanted: Tensors) -> None:
        got = read_tensors(path)
        if set(got) != set(wanted):
            raise Failure(f"{path.name} has {sorted(got)}, expected {sorted(wanted)}")
        for name, tensor in wanted.items():
            if not np.array_equal(got[name], tensor):
                raise Failure(f"{name} differs")

    def check_names(self, style: str) -> str:
        """By shapes, order and options alone; and back to the same names."""
        theirs, own, again = (self.folder / f"{name}.safetensors" for name in ("theirs", "own", "again"))
        tensors = renamed(self.case, self.network.tensors, style)
        write_tensors(theirs, tensors)
        options = []
        if any(self.case.hidden):
            metadata = metadata_of(self.network)
            options += ["--image", metadata["understudy.image"], "--layers", metadata["understudy.layers"]]
        if self.network.placement != "none":
            options += ["--normalization", self.network.placement]
        if self.network.slope:
            options += ["--activation", "leakyRelu", "--leaky-slope", str(self.network.slope)]
        self.convert(theirs, own, *options)
        self.check_same(own, self.network.tensors)
        self.convert(own, again, "--names-of", theirs, "--precision", "float64")
        self.check_same(again, {name: t for name, t in tensors.items() if not name.endswith("num_batches_tracked")})
        return f"{len(tensors)} tensors"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--understudy", required=True, type=Path, help="path of the understudy program")
    parser.add_argument("--by", required=True, choices=["onnxruntime", "torch"], help="what answers are compared with")
    options = parser.parse_args()
    understudy, tally = options.understudy.resolve(), Tally()
    kinds: dict[tuple, Case] = {}
    for case in CASES + FURTHER:
        kinds.setdefault((case.hidden, case.slope, case.biases, case.normalization, case.learnt_scale), case)
    for index, case in enumerate(kinds.values()):
        print(layers_of(case.hidden, [1] * len(case.hidden)), case.normalization, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            exchange = Exchange(understudy, case, Path(folder), np.random.default_rng(index))
            if options.by == "onnxruntime":
                target = Path(folder) / "model.onnx"
                tally.report("outputs", exchange.check_outputs)
                tally.report("ONNX", exchange.check_there, target, by_onnxruntime)
                for style in ("numbers", "names"):
                    tally.report(f"a state dict of {style}", exchange.check_names, style)
            else:
                target = Path(folder) / "pytorch.safetensors"
                tally.report("PyTorch", exchange.check_there, target, by_torch)
            tally.report("back", exchange.check_back, target)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
