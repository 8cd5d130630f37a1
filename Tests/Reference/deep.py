"""Replays Understudy's training of deep students from files and holds it against a NumPy reference.

    python Tests/Reference/deep.py --understudy .build/release/understudy

For each case below, teacher, student, inputs and batches are drawn here and written as files, `understudy run` trains
for 120 steps, and its final weights (running statistics too) and the losses of every epoch are compared with those of
deep_reference.py; last, what it measures of every hidden layer of a trained student with a computation by samples.
The last line is `N passed, N failed`; the exit status is 1 if anything failed.

The tolerance, 1e-10 relative, for float64. A step sums at most N = 331 products (u = 1.1e-16 each) a layer, in an
order that differs between the programs, so its result differs typically by sqrt(331) u = 2e-15 a layer, 1e-14 for five
of them; over 120 steps these differences add up to some 1e-12, if training does not magnify them. Whether it does is a
property of the case, so it is measured: the reference runs again from a student moved by 1e-14 of its size, and must
end within 1e-11. (Dividing by the deviation of a batch, or by the root of a small second moment, magnifies by 10 to
100.) A gate that flips by rounding would need |z| < 1e-13 at one of some 10^6 (sample, node, step), so a chance near
1e-7. A real difference (another divisor, a stale weight, a decayed one on the way back) is of order 1e-7 or more.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: matrices this small only suffer from threads
import numpy as np

from checks import Failure, Tally, difference, output_of
from deep_reference import (
    Network, Rules, Tensors, correlations, couplings, layer_gradients, loss_of, outputs, trained)
from network_files import write_tensors
from replay import (
    LOSSES, NUDGE, TOLERANCE, Problem, check_losses, command_line, compare, final_student, nudged, report_replay,
    squared_error_slope, write_study)

NUDGE_LIMIT = 1e-11
EPOCHS, STEPS_PER_EPOCH = 10, 12
D, C, SAMPLES, EVALUATION = 17, 11, 331, 600
WIDTHS = (7, 9, 8, 10)
"""Teacher nodes of the hidden layers, from the lowest; a student has twice as many and one."""


@dataclass(frozen=True)
class Case:
    """One training: depth is the number of hidden layers."""

    name: str
    depth: int = 3
    method: str = "sgd"
    batch: int = 13
    rate: float = 0.02
    rates: tuple[tuple[int, float], ...] = ()
    halving_interval: int = 0
    slope: float = 0.0
    biases: bool = True
    normalization: str = "none"
    learnt_scale: bool = True
    teacher_normalization: str = "none"
    loss: str = "squaredError"
    momentum: float = 0.0
    decay: float = 0.0
    frozen_layer: str = "none"
    unit_norm_first_layer: bool = False

    @property
    def rules(self) -> Rules:
        return Rules(
            STEPS_PER_EPOCH, self.rates or ((0, self.rate),), self.halving_interval, self.method == "adam",
            self.momentum, self.decay, self.loss, self.frozen_layer, self.unit_norm_first_layer)


BEFORE, AFTER = {"normalization": "beforeActivation"}, {"normalization": "afterActivation"}
ADAM = {"method": "adam", "rate": 0.003}
CASES = [
    Case("1 hidden layer, momentum", depth=1, momentum=0.9, rate=0.005),
    Case("1 hidden layer, normalised", depth=1, **BEFORE),
    Case("2 hidden layers", depth=2),
    Case("3 hidden layers, leaky", slope=0.2),
    Case("4 hidden layers, no biases", depth=4, biases=False),
    Case("4 hidden layers, leaky, no biases, momentum", depth=4, slope=0.1, biases=False, momentum=0.8, rate=0.005),
    Case("one sample a step", batch=1, rate=0.005),
    Case("weight decay", decay=0.01),
    Case("weight decay, no biases, 4 hidden layers", depth=4, decay=0.1, biases=False),
    Case("momentum and weight decay", momentum=0.9, decay=0.01, rate=0.005),
    Case("learning rates by epoch, momentum", rates=((0, 0.02), (3, 0.005), (7, 0.001)), momentum=0.5),
    Case("halved learning rate", halving_interval=3),
    Case("Adam", **ADAM),
    Case("Adam, weight decay, learning rates by epoch", method="adam", decay=0.01, rates=((0, 0.01), (5, 0.001))),
    Case("gradient descent", method="gd"),
    Case("gradient descent, momentum, weight decay", method="gd", momentum=0.9, decay=0.01, rate=0.005),
    Case("cross-entropy", loss="crossEntropy", rate=0.1),
    # Without biases: under a normalisation their slopes are rounding errors, which Adam divides by their own size.
    Case("cross-entropy, Adam, normalised, no biases", loss="crossEntropy", biases=False, **ADAM, **BEFORE),
    Case("normalised before the activation", **BEFORE),
    Case("normalised before the activation, no learnt scale, leaky", **BEFORE, learnt_scale=False, slope=0.2),
    Case("normalised before the activation, weight decay", **BEFORE, decay=0.05),
    Case("normalised before the activation, no biases, momentum", **BEFORE, biases=False, momentum=0.9, rate=0.005),
    Case("normalised after the activation", **AFTER),
    Case("normalised after the activation, no learnt scale, 4 hidden layers", depth=4, **AFTER, learnt_scale=False),
    Case("normalised after the activation, Adam, weight decay", **AFTER, **ADAM, decay=0.01),
    Case("normalised after the activation, weight decay, leaky", **AFTER, decay=0.05, slope=0.1),
    Case("normalised teacher", teacher_normalization="beforeActivation"),
    Case("teacher normalised after the activation, student before", teacher_normalization="afterActivation", **BEFORE),
    Case("frozen first layer, momentum", frozen_layer="first", momentum=0.9, rate=0.005),
    Case("frozen last layer, Adam", frozen_layer="last", **ADAM),
    Case("frozen first layer, weight decay, normalised", frozen_layer="first", decay=0.01, **BEFORE),
    Case("unit-norm first layer", unit_norm_first_layer=True),
]


def drawn(case: Case, random: np.random.Generator) -> Problem:
    """Gaussian weights that keep the size of activations; statistics, scales and shifts that are not 0 and 1."""

    def network(widths: list[int], placement: str, learnt_scale: bool) -> Network:
        tensors: Tensors = {}
        for layer, (inputs, nodes) in enumerate(zip(widths, widths[1:])):
            tensors[f"layers.{layer}.weight"] = random.normal(0, (1.5 / inputs) ** 0.5, (nodes, inputs))
            if case.biases:
                tensors[f"layers.{layer}.bias"] = random.normal(0, 0.2, nodes)
            if placement == "none" or layer == len(widths) - 2:
                continue
            tensors[f"layers.{layer}.norm.running_mean"] = random.normal(0, 0.3, nodes)
            tensors[f"layers.{layer}.norm.running_var"] = random.uniform(0.5, 1.5, nodes)
            if learnt_scale:
                tensors[f"layers.{layer}.norm.weight"] = random.uniform(0.5, 1.5, nodes)
                tensors[f"layers.{layer}.norm.bias"] = random.normal(0, 0.2, nodes)
        return Network(tensors, case.slope, placement)

    hidden = list(WIDTHS[: case.depth])
    batches = None
    if case.method != "gd":
        batches = random.integers(SAMPLES, size=(EPOCHS * STEPS_PER_EPOCH, case.batch), dtype=np.int64)
    return Problem(
        teacher=network([D, *hidden, C], case.teacher_normalization, True),
        student=network([D, *(2 * width + 1 for width in hidden), C], case.normalization, case.learnt_scale),
        inputs=random.normal(0, 1, (SAMPLES, D)), evaluation=random.normal(0, 1, (EVALUATION, D)), batches=batches)


def write(case: Case, problem: Problem, folder: Path, record: list[dict]) -> Path:
    """Write the files of a case into a folder; return the study's path."""
    for name, network in (("teacher", problem.teacher), ("student", problem.student)):
        metadata = None if network.placement == "none" else {"understudy.normalization": network.placement}
        write_tensors(folder / f"{name}.safetensors", network.tensors, metadata)
    activation: dict = {"activation": "leakyRelu", "leakySlope": case.slope} if case.slope else {"activation": "relu"}
    training: dict = {
        "method": case.method, "epochs": EPOCHS, "stepsPerEpoch": STEPS_PER_EPOCH, "weightDecay": case.decay,
        "loss": case.loss, "frozenLayer": case.frozen_layer, "unitNormFirstLayer": case.unit_norm_first_layer,
    }
    if case.rates:
        training["learningRates"] = ", ".join(f"{epoch}: {rate}" for epoch, rate in case.rates)
    else:
        training |= {"learningRate": case.rate, "learningRateHalvingInterval": case.halving_interval}
    if case.method != "adam":
        training["momentum"] = case.momentum
    return write_study(folder, problem, "deep-reference", activation, training, record)


def reference(case: Case, problem: Problem) -> list[Network]:
    """The student of every epoch, by the reference."""
    return trained(problem.teacher, problem.student, problem.inputs, case.rules, EPOCHS, problem.batches)


def check_magnification(case: Case, problem: Problem, final: Network, random: np.random.Generator) -> str:
    """The case does not magnify rounding errors, so that the tolerance means something."""
    moved = {name: nudged(tensor, random) for name, tensor in problem.student.tensors.items()}
    again = reference(case, replace(problem, student=replace(problem.student, tensors=moved)))[-1]
    return f"a student moved by {NUDGE:g} ends {compare(again.tensors, final.tensors, NUDGE_LIMIT):.1e} away"


def check_learning(case: Case, history: list[Network]) -> str:
    """Training moves every tensor by far more than the tolerance, so that agreement means something."""
    start, end = history[0].tensors, history[-1].tensors
    moving = {name for name in start if case.rules.moves(name, case.depth)}
    if case.normalization == "beforeActivation" and not case.decay:
        # A bias under a normalisation has no effect in training: the mean takes it out again.
        moving -= {f"layers.{layer}.bias" for layer in range(case.depth)}
    moves = {name: difference(start[name], end[name]) for name in moving}
    name = min(moves, key=moves.get)
    if not moves[name] > 1e-3:
        raise Failure(f"{name} of the reference moved by only {moves[name]:.1e}")
    return f"every tensor moves by {moves[name]:.1e} or more"


def check_weights(results: Path, final: Network) -> str:
    return f"weights differ by {compare(final_student(results), final.tensors, TOLERANCE):.1e}"


def check_history(case: Case, problem: Problem, rows: list[dict], history: list[Network]) -> str:
    """The slope of the cross-entropy: its derivatives sum to at most 2 in absolute value."""
    slope = squared_error_slope if case.loss == "squaredError" else lambda _: 2.0
    return check_losses(
        problem, rows, history, outputs, lambda wanted, got: loss_of(wanted, got, case.loss), slope)


# What is measured of every hidden layer

LAYER_MEASURES = [
    "layerCorrelations", "layerMatches", "layerStrengths", "layerSmallestAlphas", "layerMeanAlphas",
    "layerRegionCounts", "layerCouplingA", "layerCouplingB", "layerGradients", "layerLargestGradients",
]
RULE_LIMIT = 1e-13
"""Of layerRuleResiduals: sums of some 20 products of at most 5 factors leave about 20 u of the largest, 2e-15."""
COUPLING_SAMPLES = 512
MEASURE_TOLERANCE = 1e-9
"""An element of V is a sum over paths, A and B sum C = 11 products of two, E 512 of those: some 1e-13 of the largest."""


def measures_of(problem: Problem, student: Network) -> dict[str, np.ndarray]:
    """By the definitions, layers one after the other; gradients over the training inputs, others over those of evaluation."""
    teacher, x = problem.teacher, problem.evaluation
    spread = x[np.arange(COUPLING_SAMPLES) * len(x) // COUPLING_SAMPLES]
    rho, layers = correlations(teacher, student, x), couplings(teacher, student, spread)
    matches = [values.argmax(axis=1) for values in rho]
    alphas = [
        np.abs(layer.a[:, ks, np.arange(len(ks))]) for layer, ks in zip(layers, matches)]  # [sample, teacher node]
    b = [layer.b.mean(axis=0) for layer in layers]
    gradients = layer_gradients(teacher, student, problem.inputs)
    joined = {
        "layerCorrelations": [values.max(axis=1) for values in rho],
        "layerMatches": matches,
        "layerStrengths": [np.sqrt(np.diag(values)) for values in b],
        "layerSmallestAlphas": [values.min(axis=0) for values in alphas],
        "layerMeanAlphas": [values.mean(axis=0) for values in alphas],
        "layerRegionCounts": [[layer.regions] for layer in layers],
        "layerCouplingA": [layer.a.mean(axis=0).ravel() for layer in layers],
        "layerCouplingB": [values.ravel() for values in b],
        "layerGradients": [(g**2).mean(axis=0) for g in gradients],
        "layerLargestGradients": [np.abs(g).max(axis=0) for g in gradients],
    }
    return {measure: np.concatenate(values).astype(float) for measure, values in joined.items()}


def recorded_arrays(results: Path, epoch: int) -> dict[str, np.ndarray]:
    with sqlite3.connect(f"file:{results / 'results.sqlite'}?mode=ro", uri=True) as database:
        rows = database.execute('SELECT measure, data_type, "values" FROM array WHERE epoch = ?', (epoch,)).fetchall()
    return {measure: np.frombuffer(values, data_type) for measure, data_type, values in rows}


def check_measures(understudy: Path, case: Case, problem: Problem, folder: Path) -> str:
    """The measures of the last epoch are those of the trained student, and not of the one that training began with."""
    path, results = write(case, problem, folder, [{"measures": LAYER_MEASURES + ["layerRuleResiduals"], "every": EPOCHS}]), folder / "results"
    output_of(understudy, "run", path, "--results", results)
    student = replace(problem.student, tensors=final_student(results))
    wanted, before = measures_of(problem, student), measures_of(problem, problem.student)
    worst = 0.0
    for epoch, values in ((0, before), (EPOCHS, wanted)):
        recorded = recorded_arrays(results, epoch)
        for measure, expected in values.items():
            error = difference(recorded[measure], expected)
            if not (recorded[measure].shape == expected.shape and error <= MEASURE_TOLERANCE):
                raise Failure(f"{measure} at epoch {epoch} differs by {error:.1e}, more than {MEASURE_TOLERANCE:g}")
            worst = max(worst, error)
        residuals = recorded["layerRuleResiduals"]
        if not (residuals.shape == (case.depth,) and 0 < residuals.max() < RULE_LIMIT):
            raise Failure(f"layerRuleResiduals at epoch {epoch} are {residuals}, not within {RULE_LIMIT:g}")
    for measure in ("layerStrengths", "layerMeanAlphas", "layerCouplingA", "layerCouplingB"):
        if difference(before[measure], wanted[measure]) < 1e-2:
            raise Failure(f"{measure} of the trained student is that of the initial one")
    return f"measures differ by {worst:.1e}"


MEASURED = [
    Case("measures, 3 hidden layers"),
    Case("measures, 4 hidden layers, leaky, no biases", depth=4, slope=0.2, biases=False),
]


def main() -> int:
    (understudy, only), tally = command_line(__doc__), Tally()

    for index, case in enumerate(CASES):
        if only not in case.name:
            continue
        print(case.name, flush=True)
        random = np.random.default_rng(index)
        problem = drawn(case, random)
        history = reference(case, problem)
        tally.report("learning", check_learning, case, history)
        tally.report("magnification", check_magnification, case, problem, history[-1], random)
        report_replay(
            tally, understudy, lambda folder: write(case, problem, folder, LOSSES),
            lambda results: check_weights(results, history[-1]),
            lambda rows: check_history(case, problem, rows, history))
    for index, case in enumerate(MEASURED):
        if only in case.name:
            with tempfile.TemporaryDirectory() as folder:
                problem = drawn(case, np.random.default_rng(100 + index))
                tally.report(case.name, check_measures, understudy, case, problem, Path(folder))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
