"""Replays Understudy's training of students over images from files and holds it against a NumPy reference.

    python Tests/Reference/images.py --understudy .build/release/understudy

For each case below, images, labels, teacher, student and batches are drawn here and written as files, `understudy run`
trains for 50 steps, and its final weights (running statistics too), losses and accuracies of every epoch are compared
with those of images_reference.py. The last line is `N passed, N failed`; the exit status is 1 if anything failed.

The tolerance, 1e-4 relative, for single precision. Sums have at most N = 500 products (u = 6e-8 each) a layer, so a step's
gradients differ typically by sqrt(N) u = 1e-6 of their size, with Winograd's algorithm some 1e-5. 50 steps, each of which
moves weights by some 1e-2 of their size, leave 1e-6 of that, and some 1e-5 with Adam, which divides small gradients by
their own size. That is so unless training magnifies it, or rounding turns a gate or moves a maximum to another place: one
of them changes a gradient by 1e-3. Both are excluded: a case is drawn again until in all steps of the reference every
pre-activation is further than 3e-6 of their size from 0, and the two largest of every window as far apart; and the
reference runs again from students moved by 3e-7, and must end within 3e-5. A real difference (another divisor, border,
order of operations) is of order 1e-3 or more.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: matrices this small only suffer from threads
import numpy as np

from checks import Failure, Tally, difference
from deep_reference import Rules, Tensors
from images_reference import Convolution, History, Network, Objective, Targets, Window, loss_and_slope, outputs, trained
from network_files import write_tensors
from replay import command_line, compare, final_student, nudged, report_replay, write_study_of

TOLERANCE, NUDGE, NUDGE_LIMIT, DISTANCE = 1e-4, 3e-7, 3e-5, 3e-6
EPOCHS, STEPS_PER_EPOCH = 5, 10
CHANNELS, ROWS, COLUMNS, CLASSES = 2, 7, 6, 4
IMAGES, EVALUATION = 90, 70
RECORD = [{"measures": ["trainingLoss", "evaluationLoss", "evaluationAccuracy"], "every": 1}]

SAME = Convolution(Window(padding=(1, 1)))
HALVED = Convolution(Window(padding=(1, 1)), "max")
PLAIN = (Convolution(), Convolution())
VARIED = (
    Convolution(Window((3, 2), (1, 2), (2, 1)), "max", Window((3, 2), (2, 1), (1, 1))),
    Convolution(Window((1, 1))),
    Convolution(Window(padding=(1, 1)), "global"),
)


@dataclass(frozen=True)
class Case:
    """One training; hidden layers are convolutions or, None, fully connected."""

    name: str
    hidden: tuple[Convolution | None, ...] = PLAIN
    method: str = "sgd"
    batch: int = 6
    rate: float = 0.02
    rates: tuple[tuple[int, float], ...] = ()
    slope: float = 0.0
    biases: bool = True
    normalization: str = "none"
    learnt_scale: bool = True
    teacher_normalization: str = "none"
    objective: Objective = Objective()
    momentum: float = 0.0
    decay: float = 0.0
    frozen_layer: str = "none"
    convolution: str = "automatic"

    @property
    def rules(self) -> Rules:
        return Rules(
            STEPS_PER_EPOCH, self.rates or ((0, self.rate),), 0, self.method == "adam", self.momentum, self.decay,
            frozen_layer=self.frozen_layer)


BEFORE, AFTER = {"normalization": "beforeActivation"}, {"normalization": "afterActivation"}
ADAM = {"method": "adam", "rate": 0.001}
LABELS = Objective("labels")
CASES = [
    Case("2 convolutions"),
    Case("2 convolutions, direct", convolution="direct"),
    Case("padding and maximum, momentum, leaky", (HALVED, SAME), momentum=0.9, rate=0.002, slope=0.1),
    Case("average, no biases", (Convolution(Window(padding=(1, 1)), "average"), SAME), biases=False),
    Case("other windows, strides, paddings, global average", VARIED, rate=0.03),
    Case("padded average with its own stride", (
        Convolution(Window((2, 3), (1, 1), (1, 1)), "average", Window((3, 3), (2, 2), (1, 1))), None), rate=0.01),
    Case("a fully connected hidden layer, weight decay", (HALVED, None), decay=0.01),
    Case("2 fully connected hidden layers alone", (None, None), slope=0.2),
    Case("labels", (HALVED, SAME), objective=LABELS, rate=0.05),
    Case("labels, normalised before, momentum and weight decay, direct", (SAME, HALVED, None), **BEFORE, objective=LABELS,
         momentum=0.9, decay=0.005, rate=0.01, convolution="direct"),
    Case("labels, Adam, normalised after", (SAME, HALVED), **AFTER, **ADAM, objective=LABELS),
    Case("cross-entropy against the teacher", (HALVED, SAME), objective=Objective("crossEntropy"), rate=0.05),
    Case("distillation", (HALVED, SAME), objective=Objective("distillation", 3.0, 0.3), rate=0.02),
    Case("distillation, no labels, Adam", (HALVED, SAME), objective=Objective("distillation", 2.0, 0.0), **ADAM),
    Case("normalised after, weight decay", PLAIN, **AFTER, decay=0.02, rate=0.005),
    Case("normalised after and pooled, momentum, leaky", (HALVED, SAME), **AFTER, momentum=0.8, rate=0.002, slope=0.1),
    Case("normalised before, no learnt scale, other windows", VARIED, **BEFORE, learnt_scale=False),
    Case("Adam, normalised before, no biases", (SAME, HALVED), **BEFORE, **ADAM, biases=False),
    Case("normalised teacher, learning rates by epoch", (HALVED, None), rates=((0, 0.01), (2, 0.004)),
         teacher_normalization="afterActivation"),
    Case("frozen first layer, momentum", (HALVED, SAME), frozen_layer="first", momentum=0.5),
    Case("frozen last layer, Adam", (HALVED, None), frozen_layer="last", **ADAM),
]


@dataclass(frozen=True)
class Problem:
    teacher: Network
    student: Network
    images: np.ndarray
    """As they are stored, [image, channel, row, column] in single precision; labels are [image]."""
    labels: np.ndarray
    evaluation: np.ndarray
    evaluation_labels: np.ndarray
    batches: np.ndarray

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """What networks see: every channel of the training images has mean 0 and deviation 1."""
        values = self.images.astype(float)
        mean, deviation = (f(values, axis=(0, 2, 3), keepdims=True) for f in (np.mean, np.std))
        return (images.astype(float) - mean) / deviation

    def targets(self, training: bool) -> Targets:
        images, labels = (self.images, self.labels) if training else (self.evaluation, self.evaluation_labels)
        return Targets(outputs(self.teacher, self.inputs(images)), labels)


def map_sizes(hidden: tuple[Convolution | None, ...], nodes: list[int]) -> list[tuple[int, int, int]]:
    """What each layer takes: [channels, rows, columns], the images first."""

    def moved(size: tuple[int, int], window: Window) -> tuple[int, int]:
        return tuple((n + 2 * d - k) // s + 1 for n, k, s, d in zip(size, window.size, window.stride, window.padding))

    sizes = [(CHANNELS, ROWS, COLUMNS)]
    for layer, count in zip(hidden, nodes):
        size = moved(sizes[-1][1:], layer.window) if layer else (1, 1)
        if layer and layer.pooling == "global":
            size = (1, 1)
        elif layer and layer.pooling != "none":
            size = moved(size, layer.pool)
        sizes.append((count, *size))
    return sizes


def drawn(case: Case, random: np.random.Generator) -> Problem:
    """Weights that keep the size of activations; statistics, scales and shifts that are not 0 and 1; pictures of classes."""

    def network(widths: list[int], placement: str, learnt_scale: bool) -> Network:
        tensors: Tensors = {}
        for layer, size in enumerate(map_sizes(case.hidden, widths)):
            own = case.hidden[layer] if layer < len(widths) else None
            nodes = widths[layer] if layer < len(widths) else CLASSES
            shape = (nodes, size[0], *own.window.size) if own else (nodes, int(np.prod(size)))
            tensors[f"layers.{layer}.weight"] = random.normal(0, (1.5 / np.prod(shape[1:])) ** 0.5, shape)
            if case.biases:
                tensors[f"layers.{layer}.bias"] = random.normal(0, 0.2, nodes)
            if placement == "none" or layer == len(widths):
                continue
            tensors[f"layers.{layer}.norm.running_mean"] = random.normal(0, 0.3, nodes)
            tensors[f"layers.{layer}.norm.running_var"] = random.uniform(0.5, 1.5, nodes)
            if learnt_scale:
                tensors[f"layers.{layer}.norm.weight"] = random.uniform(0.5, 1.5, nodes)
                tensors[f"layers.{layer}.norm.bias"] = random.normal(0, 0.2, nodes)
        tensors = {name: tensor.astype("f4").astype(float) for name, tensor in tensors.items()}
        return Network(tensors, case.slope, placement, case.hidden)

    pictures = random.normal(0, 1, (CLASSES, CHANNELS, ROWS, COLUMNS))

    def drawn_images(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = random.integers(CLASSES, size=count)
        labels[:CLASSES] = np.arange(CLASSES)
        images = pictures[labels] + random.normal(0, 1, (count, CHANNELS, ROWS, COLUMNS))
        levels = np.array([5.0, -2.0])[None, :, None, None], np.array([2.0, 0.3])[None, :, None, None]
        return (levels[0] + levels[1] * images).astype("f4"), labels

    widths = [4, 5, 3][: len(case.hidden)]
    images, labels = drawn_images(IMAGES)
    evaluation, evaluation_labels = drawn_images(EVALUATION)
    return Problem(
        teacher=network(widths, case.teacher_normalization, True),
        student=network([2 * width + 1 for width in widths], case.normalization, case.learnt_scale),
        images=images, labels=labels, evaluation=evaluation, evaluation_labels=evaluation_labels,
        batches=random.integers(IMAGES, size=(EPOCHS * STEPS_PER_EPOCH, case.batch), dtype=np.int64))


def written(layer: Convolution | None, nodes: int) -> str:
    """A hidden layer as studies and files write it."""

    def words(name: str, window: Window) -> str:
        parts = (window.size, window.stride, window.padding)
        return " ".join(f"{word} {a}x{b}" for word, (a, b) in zip((name, "stride", "padding"), parts))

    if layer is None:
        return f"dense {nodes}"
    pooling = {"none": "", "global": " average"}.get(layer.pooling)
    return f"conv {nodes} {words('size', layer.window)}" + (
        f" {words(layer.pooling, layer.pool)}" if pooling is None else pooling)


def layers_of(hidden: tuple[Convolution | None, ...], nodes: list[int]) -> str:
    return ", ".join(written(layer, count) for layer, count in zip(hidden, nodes))


def metadata_of(network: Network) -> dict[str, str]:
    """What the file of a network says besides its tensors."""
    metadata = {} if network.placement == "none" else {"understudy.normalization": network.placement}
    if any(network.hidden):
        nodes = [len(layer["weight"]) for layer in network.layers]
        metadata["understudy.image"] = f"{CHANNELS}x{ROWS}x{COLUMNS}"
        metadata["understudy.layers"] = layers_of(network.hidden, nodes)
    return metadata


def write(case: Case, problem: Problem, folder: Path) -> Path:
    """Write the files of a case into a folder; return the study's path."""
    for name, network in (("teacher", problem.teacher), ("student", problem.student)):
        write_tensors(folder / f"{name}.safetensors", network.tensors, metadata_of(network))
    (folder / "pictures").mkdir()
    parts = (("train", problem.images, problem.labels), ("test", problem.evaluation, problem.evaluation_labels))
    for part, images, labels in parts:
        np.save(folder / "pictures" / f"{part}-images.npy", images)
        np.save(folder / "pictures" / f"{part}-labels.npy", labels)
    activation: dict = {"activation": "leakyRelu", "leakySlope": case.slope} if case.slope else {"activation": "relu"}
    training: dict = {
        "method": case.method, "epochs": EPOCHS, "stepsPerEpoch": STEPS_PER_EPOCH, "weightDecay": case.decay,
        "loss": case.objective.loss, "frozenLayer": case.frozen_layer, "convolution": case.convolution,
    }
    if case.objective.loss == "distillation":
        training |= {"temperature": case.objective.temperature, "labelWeight": case.objective.label_weight}
    if case.rates:
        training["learningRates"] = ", ".join(f"{epoch}: {rate}" for epoch, rate in case.rates)
    else:
        training["learningRate"] = case.rate
    if case.method != "adam":
        training["momentum"] = case.momentum
    inputs = {"images": "pictures", "training": {"count": IMAGES}, "evaluation": {"count": EVALUATION}}
    return write_study_of(
        folder, inputs, "images-reference", activation, training, RECORD, problem.batches)


def reference(case: Case, problem: Problem, student: Network) -> History:
    return trained(
        student, problem.inputs(problem.images), problem.targets(training=True), case.objective, case.rules, EPOCHS,
        problem.batches)


def problem_away_from_kinks(case: Case, random: np.random.Generator) -> tuple[Problem, History]:
    """The first one drawn in which rounding turns no gate, and its reference."""
    for _ in range(100):
        problem = drawn(case, random)
        history = reference(case, problem, problem.student)
        if history.distance > DISTANCE:
            return problem, history
    raise Failure(f"{case.name}: 100 problems come closer than {DISTANCE:g} to a kink")


def check_learning(case: Case, history: History) -> str:
    """Training moves every tensor by far more than the tolerance, so that agreement means something."""
    start, end = history.students[0].tensors, history.students[-1].tensors
    moving = {name for name in start if case.rules.moves(name, len(case.hidden))}
    if case.normalization == "beforeActivation" and not case.decay:
        # A bias under a normalisation has no effect in training: the mean takes it out again.
        moving -= {f"layers.{layer}.bias" for layer in range(len(case.hidden))}
    moves = {name: difference(start[name], end[name]) for name in moving}
    name = min(moves, key=moves.get)
    if not moves[name] > 20 * TOLERANCE:
        raise Failure(f"{name} of the reference moved by only {moves[name]:.1e}")
    return f"every tensor moves by {moves[name]:.1e} or more"


def check_magnification(case: Case, problem: Problem, final: Network, random: np.random.Generator) -> str:
    """The case does not magnify rounding errors, so that the tolerance means something."""
    worst = 0.0
    for _ in range(3):
        moved = {name: nudged(tensor, random, NUDGE) for name, tensor in problem.student.tensors.items()}
        again = reference(case, problem, replace(problem.student, tensors=moved)).students[-1]
        worst = max(worst, compare(again.tensors, final.tensors, NUDGE_LIMIT))
    return f"students moved by {NUDGE:g} end {worst:.1e} away"


def check_weights(results: Path, final: Network) -> str:
    return f"weights differ by {compare(final_student(results), final.tensors, TOLERANCE):.1e}"


def check_records(case: Case, problem: Problem, rows: list[dict], history: History) -> str:
    """Losses and accuracies of every epoch.

    Outputs that differ by e = TOLERANCE of their size s change a loss J by at most e s times its slope, which is sqrt(2 J)
    for the squared error and at most 2 for cross-entropies, times (e s)^2 / 2 besides for the first. Images whose two largest
    outputs are closer than that may be counted either way.
    """
    targets, inputs = problem.targets(training=False), problem.inputs(problem.evaluation)
    worst = 0.0

    def recorded(measure: str, wanted: dict[int, tuple[float, float]]) -> None:
        nonlocal worst
        found = {row["epoch"]: row["value"] for row in rows if row["measure"] == measure}
        if sorted(found) != sorted(wanted):
            raise Failure(f"{measure} at epochs {sorted(found)}, expected {sorted(wanted)}")
        for epoch, (value, allowed) in wanted.items():
            error = abs(found[epoch] - value)
            if not error <= allowed:
                raise Failure(f"{measure} at epoch {epoch} is {found[epoch]:.9g}, expected {value:.9g}")
            worst = max(worst, error / value if value > 0 else 0.0)

    def allowed(loss: float, size: float) -> float:
        slope = np.sqrt(2 * loss) if case.objective.loss == "squaredError" else 2.0 * max(1, case.objective.temperature)
        return TOLERANCE * (loss + size * slope) + (TOLERANCE * size) ** 2 / 2

    losses, losses_of_training, accuracies = {}, {}, {}
    for epoch, student in enumerate(history.students):
        got = outputs(student, inputs)
        size = float(np.sqrt(np.mean(np.sum(got**2, axis=1))))
        loss = loss_and_slope(got, targets, case.objective)[0]
        losses[epoch] = (loss, allowed(loss, size))
        right = got.argmax(axis=1) == targets.labels
        two = np.sort(got, axis=1)[:, -2:]
        close = int(np.sum(two[:, 1] - two[:, 0] < 2 * TOLERANCE * size))
        accuracies[epoch] = (float(np.mean(right)), close / len(right) + 1e-12)
        if epoch:
            loss = history.losses[epoch - 1]
            losses_of_training[epoch] = (loss, allowed(loss, size))
    recorded("trainingLoss", losses_of_training)
    recorded("evaluationLoss", losses)
    recorded("evaluationAccuracy", accuracies)
    if len({value for value, _ in accuracies.values()}) < 2:
        raise Failure("the accuracy of the reference never changes, so comparing it says nothing")
    return f"losses differ by {worst:.1e}"


def main() -> int:
    (understudy, only), tally = command_line(__doc__), Tally()
    for index, case in enumerate(CASES):
        if only not in case.name:
            continue
        print(case.name, flush=True)
        random = np.random.default_rng(index)
        problem, history = problem_away_from_kinks(case, random)
        tally.report("learning", check_learning, case, history)
        tally.report("magnification", check_magnification, case, problem, history.students[-1], random)
        report_replay(
            tally, understudy, lambda folder: write(case, problem, folder),
            lambda results: check_weights(results, history.students[-1]),
            lambda rows: check_records(case, problem, rows, history))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
