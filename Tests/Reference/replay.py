"""What the replays of two_layer.py, deep.py and images.py share: a training as files, and comparing what a run left with a reference."""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Generic, TypeVar

import numpy as np

from checks import Failure, Tally, difference, output_of
from network_files import read_tensors

TOLERANCE = 1e-10
"""Relative, for float64; derived at the head of each script."""
NUDGE = 1e-14
"""By which a student is moved to see whether a case magnifies rounding errors."""
LOSSES = [{"measures": ["trainingLoss", "evaluationLoss"], "every": 1}]

Tensors = dict[str, np.ndarray]
Network = TypeVar("Network")


def command_line(doc: str) -> tuple[Path, str]:
    """The program, and what the names of the cases to run contain."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--understudy", required=True, type=Path, help="path of the understudy program")
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    options = parser.parse_args()
    return options.understudy.resolve(), options.only


@dataclass(frozen=True)
class Problem(Generic[Network]):
    """What a case trains on: inputs and evaluation are [sample, d], batches [step, batch] or None."""

    teacher: Network
    student: Network
    inputs: np.ndarray
    evaluation: np.ndarray
    batches: np.ndarray | None


def write_study(folder: Path, problem: Problem, name: str, network: dict, training: dict, record: list[dict]) -> Path:
    """Write the arrays of a case and its study, which names them, beside the networks' files; return the study's path.

    The study is written as JSON, which YAML contains.
    """
    np.save(folder / "training.npy", problem.inputs)
    np.save(folder / "evaluation.npy", problem.evaluation)
    inputs = {"training": {"file": "training.npy"}, "evaluation": {"file": "evaluation.npy"}}
    return write_study_of(folder, inputs, name, network, training, record, problem.batches)


def write_study_of(
    folder: Path, inputs: dict, name: str, network: dict, training: dict, record: list[dict], batches: np.ndarray | None
) -> Path:
    """The same for inputs that are written already."""
    if batches is not None:
        np.save(folder / "batches.npy", batches)
        training = training | {"batchSize": batches.shape[1], "batches": {"file": "batches.npy"}}
    study = {
        "name": name,
        "claim": "The engine and a NumPy reference take the same steps.",
        "network": network,
        "teacher": {"file": "teacher.safetensors"},
        "student": {"file": "student.safetensors"},
        "inputs": inputs,
        "training": training,
        "seeds": [0],
        "record": record,
    }
    path = folder / "study.yaml"
    path.write_text(json.dumps(study, indent=2) + "\n")
    return path


def final_student(results: Path) -> Tensors:
    """The one student whose weights are in a results folder."""
    paths = list((results / "weights").glob("*.safetensors"))
    if len(paths) != 1:
        raise Failure(f"{len(paths)} files of weights in the results, expected one")
    return read_tensors(paths[0])


def compare(got: Tensors, wanted: Tensors, tolerance: float) -> float:
    """The largest difference of any tensor; a failure if it is above the tolerance."""
    if set(got) != set(wanted):
        raise Failure(f"tensors {sorted(got)}, expected {sorted(wanted)}")
    worst = 0.0
    for name, tensor in wanted.items():
        if got[name].shape != tensor.shape:
            raise Failure(f"{name} has shape {got[name].shape}, expected {tensor.shape}")
        error = difference(got[name], tensor)
        if not error <= tolerance:  # also if it is NaN
            raise Failure(f"{name} differs by {error:.1e}, more than {tolerance:g}")
        worst = max(worst, error)
    return worst


def nudged(array: np.ndarray, random: np.random.Generator, nudge: float = NUDGE) -> np.ndarray:
    """Each element moved by this share of its size, up or down."""
    return array * (1 + nudge * random.choice([-1, 1], size=array.shape))


def check_losses(
    problem: Problem[Network], rows: list[dict], history: list[Network],
    outputs: Callable[[Network, np.ndarray], np.ndarray], loss: Callable[[np.ndarray, np.ndarray], float],
    slope: Callable[[float], float],
) -> str:
    """Training and evaluation loss at every epoch are the reference's.

    Outputs that differ by e = TOLERANCE of the teacher's size s = sqrt(mean ||f*||^2) change a loss J by at most
    e s slope(J) + (e s)^2 / 2, and summing J itself rounds it by less than e J.
    """
    worst = 0.0
    for measure, inputs in (("trainingLoss", problem.inputs), ("evaluationLoss", problem.evaluation)):
        recorded = {row["epoch"]: row["value"] for row in rows if row["measure"] == measure}
        if sorted(recorded) != list(range(len(history))):
            raise Failure(f"{measure} at epochs {sorted(recorded)}, expected 0 to {len(history) - 1}")
        wanted = outputs(problem.teacher, inputs)
        size = float(np.sqrt(np.mean(np.sum(wanted**2, axis=1))))
        for epoch, network in enumerate(history):
            value = loss(wanted, outputs(network, inputs))
            allowed = TOLERANCE * (value + size * slope(value)) + (TOLERANCE * size) ** 2 / 2
            error = abs(recorded[epoch] - value)
            if not error <= allowed:
                raise Failure(f"{measure} at epoch {epoch} is {recorded[epoch]:.15g}, expected {value:.15g}")
            worst = max(worst, error / value if value > 0 else 0.0)
    return f"losses differ by {worst:.1e}"


def squared_error_slope(value: float) -> float:
    """Of J = 1/2 mean ||r||^2: sqrt(2 J), by Cauchy and Schwarz."""
    return float(np.sqrt(2 * value))


def report_replay(
    tally: Tally, understudy: Path, write: Callable[[Path], Path], check_weights: Callable[[Path], str],
    check_losses_of: Callable[[list[dict]], str],
) -> None:
    """Run the study that `write` puts into a folder; check its final weights and its losses."""
    with tempfile.TemporaryDirectory() as folder:
        path, results = write(Path(folder)), Path(folder) / "results"

        def replayed_weights() -> str:
            output_of(understudy, "run", path, "--results", results)
            return check_weights(results)

        def recorded_losses() -> str:
            rows = csv.DictReader(io.StringIO(output_of(understudy, "export", results)))
            return check_losses_of([{**row, "epoch": int(row["epoch"]), "value": float(row["value"])} for row in rows])

        tally.report("final weights", replayed_weights)
        tally.report("losses", recorded_losses)
