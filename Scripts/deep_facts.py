"""Prints the numbers that Docs/DeepStudies.md quotes, as Markdown: python Scripts/deep_facts.py FOLDER

FOLDER is what `understudy reproduce deep --scale full --results FOLDER` wrote. Studies that are not there are left out.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from statistics import fmean, median

from stored_runs import Run, runs_of

SPECIALIZED = 0.95
EPOCHS = [0, 1, 2, 5, 10, 15, 20, 30, 40, 60, 80, 100]


def layers(run: Run, epoch: int) -> list[float]:
    """The mean over a hidden layer's teacher nodes of their best rho, lowest layer first."""
    widths = next(values for (measure, _), values in run.measures.items() if measure == "layerWidths")
    counts = [int(count) for count in widths[: len(widths) // 2]]
    rho = run.measures["layerCorrelations", epoch]
    means = []
    for count in counts:
        means.append(fmean(rho[:count]))
        rho = rho[count:]
    return means


def epochs_of(run: Run) -> list[int]:
    return sorted(epoch for measure, epoch in run.measures if measure == "layerCorrelations")


def first_epochs(run: Run) -> list[int | None]:
    """The first epoch at which each hidden layer has specialized."""
    series = [(epoch, layers(run, epoch)) for epoch in epochs_of(run)]
    return [
        next((epoch for epoch, means in series if means[layer] >= SPECIALIZED), None)
        for layer in range(len(series[0][1]))
    ]


def typical(epochs: tuple[int | None, ...]) -> str:
    """The median, where never is later than any epoch."""
    value = median(math.inf if epoch is None else epoch for epoch in epochs)
    return "never" if math.isinf(value) else f"{value:g}"


def loss(runs: list[Run], epoch: int) -> str:
    """The geometric mean of the evaluation loss."""
    return f"{math.exp(fmean(math.log(max(run.measures['evaluationLoss', epoch][0], 1e-34)) for run in runs)):.2g}"


def main() -> None:
    folder = Path(sys.argv[1])
    for (multiple,), runs in runs_of(folder, "deep", "student.overRealization").items():
        depth = len(layers(runs[0], 0))
        print(f"### deep, {multiple:g}x, mean best rho ({len(runs)} runs)\n")
        print("| epoch | " + " | ".join(f"layer {layer + 1}" for layer in range(depth)) + " | loss |")
        print("|---:|" + "---:|" * (depth + 1))
        known = epochs_of(runs[0])
        for epoch in [epoch for epoch in EPOCHS if epoch in known and epoch < known[-1]] + [known[-1]]:
            means = [fmean(values) for values in zip(*(layers(run, epoch) for run in runs))]
            print(f"| {epoch} | " + " | ".join(f"{value:.3f}" for value in means) + f" | {loss(runs, epoch)} |")
        print()

    for study in ("deep", "depth", "teacher-width"):
        groups = runs_of(folder, study, "teacher.widths", "student.overRealization")
        if not groups:
            continue
        depth = max(len(first_epochs(runs[0])) for runs in groups.values())
        print(f"### {study}: median first epoch at which a layer's mean best rho is at least {SPECIALIZED}; at the end\n")
        names = " | ".join(f"{layer + 1}" for layer in range(depth))
        print(f"| teacher | student | {names} | mean best rho of the layers at the end | loss |")
        print("|---|---:|" + "---:|" * depth + "---|---:|")
        for (widths, multiple), runs in sorted(groups.items(), key=lambda item: (order(item[0][0]), item[0][1])):
            times = [typical(times) for times in zip(*(first_epochs(run) for run in runs))]
            last = max(epochs_of(runs[0]))
            means = [fmean(values) for values in zip(*(layers(run, last) for run in runs))]
            cells = times + [""] * (depth - len(times))
            print(f"| {widths} | {multiple:g}x | " + " | ".join(cells) + " | "
                  + " ".join(f"{value:.3f}" for value in means) + f" | {loss(runs, last)} |")
        print()


def order(widths: str) -> tuple[int, int]:
    """Shallow before deep, narrow before wide."""
    counts = [int(count) for count in widths.split("-")]
    return len(counts), sum(counts)


main()
