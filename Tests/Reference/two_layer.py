"""Replays Understudy's two-layer training from files and holds it against a NumPy reference.

    python Tests/Reference/two_layer.py --understudy .build/release/understudy

For each case below, teacher, student, inputs and batches are drawn here and written as files, `understudy run` trains
on them, and its final weights and recorded losses are compared with the reference's. The last line is
`N passed, N failed`; the exit status is 1 if anything failed.

The tolerance, 1e-10 relative, for float64. A step sums at most N = 1000 products (u = 1.1e-16 each), in an order that
differs between the programs, so its result differs by at most about 1e-13 of its size and typically by sqrt(1000) u =
4e-15; the weight it is added to is rounded by another u. Over at most 1000 steps these differences add up to some
1e-12, if training does not magnify them. Whether it does is a property of the case, so it is measured: the reference
runs again from a student moved by 1e-14 of its size, and must end within 1e-12, a magnification of at most 100. A
gate that flips by rounding would need |z| < 1e-13 at one of some 10^7 (sample, node, step), so a chance near 1e-6.
A real difference (another divisor, a shifted index, a stale weight) is of order 1e-3.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: matrices this small only suffer from threads
import numpy as np

from checks import Failure, Tally
from network_files import tensors_of, write_tensors
from reference import Network, Rules, loss, outputs, trained
from replay import (
    LOSSES, NUDGE, TOLERANCE, Problem, check_losses, command_line, compare, final_student, nudged, report_replay,
    squared_error_slope, write_study)

NUDGE_LIMIT = 1e-12

EPOCHS = {"gd": 20, "sgd": 10}
STEPS_PER_EPOCH = {"gd": 10, "sgd": 100}


@dataclass(frozen=True)
class Case:
    """One training. Widths as in reference.py; m is the teacher's."""

    name: str
    method: str
    d: int = 100
    m: int = 10
    n: int = 50
    c: int = 50
    samples: int = 1000
    batch: int = 16
    learning_rate: float = 0.02
    activation: str = "relu"
    leaky_slope: float = 0.0
    biases: bool = True
    frozen_layer: str = "none"
    unit_norm_first_layer: bool = False
    halving_interval: int = 0

    @property
    def epochs(self) -> int:
        return EPOCHS[self.method]

    @property
    def rules(self) -> Rules:
        slope = {"relu": 0.0, "leakyRelu": self.leaky_slope, "linear": 1.0}[self.activation]
        return Rules(
            self.learning_rate, STEPS_PER_EPOCH[self.method], slope, self.biases, self.frozen_layer,
            self.unit_norm_first_layer, self.halving_interval)


ODD = {"d": 37, "m": 7, "n": 23, "c": 11, "samples": 331, "batch": 13}
CASES = [
    Case("gradient descent", "gd"),
    Case("gradient descent, odd shapes", "gd", **ODD),
    Case("gradient descent, no biases", "gd", biases=False, **ODD),
    Case("gradient descent, leaky", "gd", activation="leakyRelu", leaky_slope=0.2, **ODD),
    Case("gradient descent, linear", "gd", activation="linear", learning_rate=0.01, **ODD),
    Case("gradient descent, halved rate", "gd", halving_interval=3, **ODD),
    Case("gradient descent, one of everything", "gd", d=1, m=1, n=1, c=1, samples=5),
    Case("given batches", "sgd"),
    Case("given batches, widest of the paper", "sgd", m=20, n=200, learning_rate=0.01),
    Case("given batches, as narrow as the teacher", "sgd", m=5, n=5),
    Case("given batches, odd shapes", "sgd", **ODD),
    Case("given batches, no biases", "sgd", biases=False, **ODD),
    Case("given batches, leaky", "sgd", activation="leakyRelu", leaky_slope=0.2, **ODD),
    Case("given batches, leaky, no biases", "sgd", activation="leakyRelu", leaky_slope=0.05, biases=False),
    Case("given batches, frozen first layer", "sgd", frozen_layer="first", **ODD),
    Case("given batches, frozen last layer", "sgd", frozen_layer="last", **ODD),
    Case("given batches, unit-norm first layer", "sgd", unit_norm_first_layer=True, **ODD),
    Case("given batches, halved rate", "sgd", halving_interval=4, **ODD),
    Case("given batches of one sample", "sgd", **{**ODD, "batch": 1, "learning_rate": 0.005}),
]


def drawn(case: Case, random: np.random.Generator) -> Problem:
    """Teacher of unit rows and biases -0.1; a student of small weights, so that the two layers grow together."""

    def network(nodes: int, scale1: float, scale2: float, bias: float, bias_scale: float) -> Network:
        def biases(count: int) -> np.ndarray:
            return (bias + bias_scale * random.standard_normal(count)) * case.biases

        return Network(
            scale1 * random.standard_normal((nodes, case.d)), biases(nodes),
            scale2 * random.standard_normal((case.c, nodes)), biases(case.c))

    batches = None
    if case.method == "sgd":
        steps = case.epochs * case.rules.steps_per_epoch
        batches = random.integers(case.samples, size=(steps, case.batch), dtype=np.int64)
    return Problem(
        teacher=network(case.m, case.d**-0.5, 4.0 * case.c**-0.5, -0.1, 0.0),
        student=network(case.n, 0.05, 0.05, 0.0, 0.01),
        inputs=1.5 * random.standard_normal((case.samples, case.d)),
        evaluation=1.5 * random.standard_normal((case.samples // 2 + 1, case.d)),
        batches=batches)


def write(case: Case, problem: Problem, folder: Path) -> Path:
    """Write the files of a case into a folder; return the study's path."""
    write_tensors(folder / "teacher.safetensors", tensors_of(problem.teacher, case.biases))
    write_tensors(folder / "student.safetensors", tensors_of(problem.student, case.biases))
    activation: dict = {"activation": case.activation}  # whether there are biases, the files say
    if case.activation == "leakyRelu":
        activation["leakySlope"] = case.leaky_slope
    training = {
        "method": case.method, "learningRate": case.learning_rate,
        "epochs": case.epochs, "stepsPerEpoch": case.rules.steps_per_epoch,
        "frozenLayer": case.frozen_layer, "unitNormFirstLayer": case.unit_norm_first_layer,
        "learningRateHalvingInterval": case.halving_interval,
    }
    return write_study(folder, problem, "reference", activation, training, LOSSES)


def check_magnification(case: Case, problem: Problem, final: Network, random: np.random.Generator) -> str:
    """The case does not magnify rounding errors, so that the tolerance means something."""
    start = problem.student
    moved = Network(*(nudged(array, random) for array in (start.w1, start.b1, start.w2, start.b2)))
    again = trained(problem.teacher, moved, problem.inputs, case.rules, case.epochs, problem.batches)[-1]
    error = compare(tensors_of(again, case.biases), tensors_of(final, case.biases), NUDGE_LIMIT)
    return f"a student moved by {NUDGE:g} ends {error:.1e} away"


def check_weights(case: Case, results: Path, start: Network, final: Network) -> str:
    """The run's final student is the reference's; a frozen layer is what it was, to the bit."""
    got, before = final_student(results), tensors_of(start, case.biases)
    worst = compare(got, tensors_of(final, case.biases), TOLERANCE)
    frozen = {"none": "-", "first": "layers.0.", "last": "layers.1."}[case.frozen_layer]
    for name in got:
        if name.startswith(frozen) and not np.array_equal(got[name], before[name]):
            raise Failure(f"{name} moved, though its layer is frozen")
    return f"weights differ by {worst:.1e}"


def main() -> int:
    (understudy, only), tally = command_line(__doc__), Tally()
    for index, case in enumerate(CASES):
        if only not in case.name:
            continue
        print(case.name, flush=True)
        random = np.random.default_rng(index)
        problem = drawn(case, random)
        history = trained(problem.teacher, problem.student, problem.inputs, case.rules, case.epochs, problem.batches)
        tally.report("magnification", check_magnification, case, problem, history[-1], random)
        report_replay(
            tally, understudy, lambda folder: write(case, problem, folder),
            lambda results: check_weights(case, results, problem.student, history[-1]),
            lambda rows: check_losses(
                problem, rows, history, lambda network, inputs: outputs(network, inputs, case.rules.slope), loss,
                squared_error_slope))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
