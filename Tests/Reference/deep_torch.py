"""Replays Understudy's training of deep students with PyTorch: its derivatives, its optimizers, its normalisation.

    python Tests/Reference/deep_torch.py --understudy .build/release/understudy

The cases, files, tolerance and its derivation are those of deep.py; gradients are taken by autograd, in float64. Needs
PyTorch, which is no part of the project: `make test PEERS_PYTHON=...` runs this with a Python that has it (and NumPy).
The last line is `N passed, N failed`; the exit status is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from checks import Failure, Tally, difference, output_of
from deep import CASES, EPOCHS, STEPS_PER_EPOCH, Case, drawn, write
from replay import LOSSES, TOLERANCE, Problem, compare, final_student

Tensors = dict[str, torch.Tensor]


def tensors_of(arrays: dict[str, np.ndarray]) -> Tensors:
    return {name: torch.tensor(array, dtype=torch.float64) for name, array in arrays.items()}


def normalized(tensors: Tensors, y: torch.Tensor, layer: int, training: bool) -> torch.Tensor:
    """By the statistics of the batch in training, which the running ones follow in place, else by those."""
    name = f"layers.{layer}.norm."
    return functional.batch_norm(
        y, tensors[name + "running_mean"], tensors[name + "running_var"], tensors.get(name + "weight"),
        tensors.get(name + "bias"), training=training)


def outputs(tensors: Tensors, x: torch.Tensor, slope: float, placement: str, training: bool) -> torch.Tensor:
    """f(x): [B, d] -> [B, C]; in training running statistics are updated in place."""
    last = max(int(name.split(".")[1]) for name in tensors)
    for layer in range(last):
        x = functional.linear(x, tensors[f"layers.{layer}.weight"], tensors.get(f"layers.{layer}.bias"))
        if placement == "beforeActivation":
            x = normalized(tensors, x, layer, training)
        x = functional.leaky_relu(x, slope)
        if placement == "afterActivation":
            x = normalized(tensors, x, layer, training)
    return functional.linear(x, tensors[f"layers.{last}.weight"], tensors.get(f"layers.{last}.bias"))


def unit_rows(tensors: Tensors) -> None:
    with torch.no_grad():
        weight = tensors["layers.0.weight"]
        weight /= weight.norm(dim=1, keepdim=True)


def trained(case: Case, problem: Problem) -> Tensors:
    """The student after the last epoch."""
    rules, student = case.rules, tensors_of(problem.student.tensors)
    moving = [tensor for name, tensor in student.items() if rules.moves(name, case.depth)]
    for tensor in moving:
        tensor.requires_grad_(True)
    if rules.unit_norm_first_layer:
        unit_rows(student)
    inputs = torch.tensor(problem.inputs)
    wanted = outputs(
        tensors_of(problem.teacher.tensors), inputs, problem.teacher.slope, problem.teacher.placement, training=False)
    options = {"lr": rules.rate(1), "weight_decay": rules.decay}
    optimizer = (
        torch.optim.Adam(moving, **options) if rules.adam
        else torch.optim.SGD(moving, momentum=rules.momentum, **options))
    for step in range(EPOCHS * STEPS_PER_EPOCH):
        optimizer.param_groups[0]["lr"] = rules.rate(step // STEPS_PER_EPOCH + 1)
        seen = slice(None) if problem.batches is None else torch.tensor(problem.batches[step])
        got = outputs(student, inputs[seen], problem.student.slope, problem.student.placement, training=True)
        if rules.loss == "squaredError":
            loss = ((got - wanted[seen]) ** 2).sum() / (2 * len(got))
        else:
            loss = functional.cross_entropy(got, wanted[seen].argmax(dim=1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if rules.unit_norm_first_layer:
            unit_rows(student)
    return student


def check(understudy: Path, case: Case, problem: Problem, folder: Path) -> str:
    path, results = write(case, problem, folder, LOSSES), folder / "results"
    output_of(understudy, "run", path, "--results", results)
    wanted = {name: tensor.detach().numpy() for name, tensor in trained(case, problem).items()}
    name = f"layers.{case.depth - 1}.weight"
    if not difference(problem.student.tensors[name], wanted[name]) > 1e-3:
        raise Failure(f"PyTorch did not move {name}")
    return f"weights differ by {compare(final_student(results), wanted, TOLERANCE):.1e}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--understudy", required=True, type=Path, help="path of the understudy program")
    understudy, tally = parser.parse_args().understudy.resolve(), Tally()
    torch.set_num_threads(1)  # matrices this small only suffer from threads
    for index, case in enumerate(CASES):
        with tempfile.TemporaryDirectory() as folder:
            tally.report(case.name, check, understudy, case, drawn(case, np.random.default_rng(index)), Path(folder))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
