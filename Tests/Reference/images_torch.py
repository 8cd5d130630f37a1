"""Replays Understudy's training of students over images with PyTorch: its derivatives, optimizers, normalisation, pooling.

    python Tests/Reference/images_torch.py --understudy .build/release/understudy

The cases, files, tolerance and its derivation are those of images.py; gradients are taken by autograd, in float64. Needs
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
from deep_torch import Tensors, normalized, tensors_of
from images import CASES, EPOCHS, STEPS_PER_EPOCH, TOLERANCE, Case, Problem, problem_away_from_kinks, write
from images_reference import Convolution, Network
from replay import compare, final_student


def pooled(x: torch.Tensor, layer: Convolution) -> torch.Tensor:
    window = (layer.pool.size, layer.pool.stride, layer.pool.padding)
    if layer.pooling == "max":
        return functional.max_pool2d(x, *window)
    if layer.pooling == "average":
        return functional.avg_pool2d(x, *window, count_include_pad=False)
    return functional.adaptive_avg_pool2d(x, 1) if layer.pooling == "global" else x


def outputs(tensors: Tensors, x: torch.Tensor, like: Network, training: bool) -> torch.Tensor:
    """f(x): [B, c, rows, columns] -> [B, C]; in training running statistics are updated in place."""
    for index, layer in enumerate(like.hidden):
        weight, bias = tensors[f"layers.{index}.weight"], tensors.get(f"layers.{index}.bias")
        if layer:
            x = functional.conv2d(x, weight, bias, layer.window.stride, layer.window.padding)
        else:
            x = functional.linear(x.flatten(1), weight, bias)
        if like.placement == "beforeActivation":
            x = normalized(tensors, x, index, training)
        x = functional.leaky_relu(x, like.slope)
        if like.placement == "afterActivation":
            x = normalized(tensors, x, index, training)
        x = pooled(x, layer) if layer else x
    last = len(like.hidden)
    return functional.linear(x.flatten(1), tensors[f"layers.{last}.weight"], tensors.get(f"layers.{last}.bias"))


def loss_of(case: Case, got: torch.Tensor, wanted: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    objective = case.objective
    if objective.loss == "squaredError":
        return ((got - wanted) ** 2).sum() / (2 * len(got))
    if objective.loss != "distillation":
        return functional.cross_entropy(got, wanted.argmax(dim=1) if objective.loss == "crossEntropy" else labels)
    t, weight = objective.temperature, objective.label_weight
    soft, target = functional.log_softmax(got / t, dim=1), functional.log_softmax(wanted / t, dim=1)
    divergence = functional.kl_div(soft, target, reduction="batchmean", log_target=True)
    return (1 - weight) * t**2 * divergence + weight * functional.cross_entropy(got, labels)


def trained(case: Case, problem: Problem) -> Tensors:
    """The student after the last epoch."""
    rules, student = case.rules, tensors_of(problem.student.tensors)
    moving = [tensor for name, tensor in student.items() if rules.moves(name, len(case.hidden))]
    for tensor in moving:
        tensor.requires_grad_(True)
    images, labels = torch.tensor(problem.inputs(problem.images)), torch.tensor(problem.labels)
    wanted = outputs(tensors_of(problem.teacher.tensors), images, problem.teacher, training=False)
    options = {"lr": rules.rate(1), "weight_decay": rules.decay}
    optimizer = (
        torch.optim.Adam(moving, **options) if rules.adam
        else torch.optim.SGD(moving, momentum=rules.momentum, **options))
    for step in range(EPOCHS * STEPS_PER_EPOCH):
        optimizer.param_groups[0]["lr"] = rules.rate(step // STEPS_PER_EPOCH + 1)
        seen = torch.tensor(problem.batches[step])
        got = outputs(student, images[seen], problem.student, training=True)
        optimizer.zero_grad()
        loss_of(case, got, wanted[seen], labels[seen]).backward()
        optimizer.step()
    return student


def check(understudy: Path, case: Case, problem: Problem, folder: Path) -> str:
    path, results = write(case, problem, folder), folder / "results"
    output_of(understudy, "run", path, "--results", results)
    wanted = {name: tensor.detach().numpy() for name, tensor in trained(case, problem).items()}
    name = f"layers.{len(case.hidden) - 1}.weight"
    if not difference(problem.student.tensors[name], wanted[name]) > 20 * TOLERANCE:
        raise Failure(f"PyTorch did not move {name}")
    return f"weights differ by {compare(final_student(results), wanted, TOLERANCE):.1e}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--understudy", required=True, type=Path, help="path of the understudy program")
    understudy, tally = parser.parse_args().understudy.resolve(), Tally()
    torch.set_num_threads(1)  # networks this small only suffer from threads
    for index, case in enumerate(CASES):
        problem, _ = problem_away_from_kinks(case, np.random.default_rng(index))
        with tempfile.TemporaryDirectory() as folder:
            tally.report(case.name, check, understudy, case, problem, Path(folder))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
