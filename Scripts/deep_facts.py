"""Prints the numbers that Docs/DeepStudies.md quotes, as Markdown: python Scripts/deep_facts.py FOLDER

FOLDER is what `understudy reproduce deep --scale full --results FOLDER` wrote. Studies that are not there are left out. All
numbers are statistics that `understudy statistics` computes; UNDERSTUDY may name the program.
"""

from __future__ import annotations

import sys
from pathlib import Path

from statistics_of import statistics

EPOCHS = [0, 1, 2, 5, 10, 15, 20, 30, 40, 60, 80, 100]
WIDTHS, MULTIPLE = "teacher.widths", "student.overRealization"


def loss(value: dict) -> str:
    """The geometric mean of the evaluation loss."""
    return f"{10 ** value['value']:.2g}"


def by_epoch(study: Path) -> None:
    """Of each over-realization, the mean best rho of every layer over the epochs, and at the end."""
    depth = depth_of(study)
    rho, losses = {}, {}
    for epochs in (EPOCHS, None):
        for value in statistics(study, "layerCorrelation", MULTIPLE, layers=depth, epochs=epochs):
            rho[value["group"][MULTIPLE], value.get("epoch", "end"), value["layer"]] = value
        for value in statistics(study, "logEvaluationLoss", MULTIPLE, epochs=epochs):
            losses[value["group"][MULTIPLE], value.get("epoch", "end")] = value
    for multiple in sorted({multiple for multiple, _ in losses}, key=float):
        known = [epoch for epoch in EPOCHS if "value" in rho[multiple, epoch, 1]]
        print(f"### deep, {multiple}x, mean best rho ({losses[multiple, 'end']['runCount']} runs)\n")
        print("| epoch | " + " | ".join(f"layer {layer}" for layer in range(1, depth + 1)) + " | loss |")
        print("|---:|" + "---:|" * (depth + 1))
        for epoch in known + ([] if EPOCHS[-1] in known else ["end"]):
            means = [f"{rho[multiple, epoch, layer]['value']:.3f}" for layer in range(1, depth + 1)]
            print(f"| {epoch} | " + " | ".join(means) + f" | {loss(losses[multiple, epoch])} |")
        print()


def depth_of(study: Path) -> int:
    """Hidden layers of the deepest teacher."""
    return max(widths.count("-") + 1 for widths in (
        value["group"][WIDTHS] for value in statistics(study, "divergedShare", WIDTHS)))


def at_the_end(study: Path) -> None:
    """Of each teacher and over-realization, when layers specialize and what is reached."""
    depth = depth_of(study)

    def table(name: str, layers: int = 0) -> dict[tuple, dict]:
        return {(value["group"][WIDTHS], value["group"][MULTIPLE], value.get("layer")): value
                for value in statistics(study, name, WIDTHS, MULTIPLE, layers=layers)}

    times, means, losses = table("epochsToSpecialize", depth), table("layerCorrelation", depth), table("logEvaluationLoss")
    print(f"### {study.name}: median first epoch at which a layer's mean best rho is at least 0.95; at the end\n")
    print("| teacher | student | " + " | ".join(map(str, range(1, depth + 1)))
          + " | mean best rho of the layers at the end | loss |")
    print("|---|---:|" + "---:|" * depth + "---|---:|")
    for widths, multiple, _ in sorted(losses, key=lambda key: (order(key[0]), float(key[1]))):
        layers = range(1, widths.count("-") + 2)
        cells = [f"{time['value']:g}" if "value" in time else "never" for time in (
            times[widths, multiple, layer] for layer in layers)]
        cells += [""] * (depth - len(cells))
        reached = " ".join(f"{means[widths, multiple, layer]['value']:.3f}" for layer in layers)
        print(f"| {widths} | {multiple}x | " + " | ".join(cells) + f" | {reached} | {loss(losses[widths, multiple, None])} |")
    print()


def bound(study: Path) -> None:
    """Of each teacher, activation and normalisation, the prediction for the lowest layer and what is found: after 30 epochs, and at
    the end (of plain students at a critical point)."""
    keys = ("network.activation", WIDTHS, "student.normalization")

    def table(name: str, epochs: list[int] | None = None) -> dict[tuple, dict]:
        return {tuple(value["group"][key] for key in keys): value for value in statistics(study, name, *keys, epochs=epochs)}

    columns = [
        ("predicted for", table("boundShare", [30])), ("log10 loose", table("boundLooseness", [30])),
        ("held", table("boundHeldShare", [30])), ("log10 gradient", table("logLargestGradient", [30])),
        ("log10 alignment", table("logAlignment", [30])), ("at the end: log10 gradient", table("logLargestGradient")),
        ("log10 alignment", table("logAlignment")), ("predicted and found", table("predictedShare")),
        ("found", table("foundShare")), ("violations", table("violationCount"))]
    print(f"### {study.name}: the lowest layer after 30 epochs, and at the end\n")
    print("| activation | teacher | normalisation | " + " | ".join(name for name, _ in columns) + " |")
    print("|---|---|---|" + "---:|" * len(columns))
    for group in sorted(columns[0][1], key=lambda group: (group[0], order(group[1]), group[2])):
        cells = [f"{values[group]['value']:.3g}" if "value" in values.get(group, {}) else "-" for _, values in columns]
        print("| " + " | ".join(group) + " | " + " | ".join(cells) + " |")
    print()


def paths(study: Path) -> None:
    """The largest losses on the ways between two students, and what the constructed path costs beyond their own."""
    columns = ["logStraightBarrier", "logMatchedBarrier", "logConstructedBarrier", "logPathExcess"]
    values = {name: {(value["group"][WIDTHS], value["group"][MULTIPLE]): value for value in statistics(study, name, WIDTHS, MULTIPLE)}
              for name in columns}
    print(f"### {study.name}: the largest loss on the way, and over that of the students\n")
    print("| teacher | over-realization | runs | straight | matched | constructed | over the students' own |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for group in sorted(values[columns[0]], key=lambda group: (order(group[0]), float(group[1]))):
        cells = [f"{10 ** values[name][group]['value']:.2g}" if "value" in values[name].get(group, {}) else "-" for name in columns]
        print(f"| {group[0]} | {group[1]} | {values[columns[0]][group]['runCount']} | " + " | ".join(cells) + " |")
    print()


def order(widths: str) -> tuple[int, int]:
    """Shallow before deep, narrow before wide."""
    counts = [int(count) for count in widths.split("-")]
    return len(counts), sum(counts)


def main() -> None:
    studies = {name: Path(sys.argv[1]) / name for name in ("deep", "depth", "teacher-width")}
    there = {name: study for name, study in studies.items() if (study / "results.sqlite").exists()}
    if "deep" in there:
        by_epoch(there["deep"])
    for study in there.values():
        at_the_end(study)
    study = Path(sys.argv[1]) / "deep-bound"
    if (study / "results.sqlite").exists():
        bound(study)
    study = Path(sys.argv[1]) / "deep-connectivity"
    if (study / "results.sqlite").exists():
        paths(study)


main()
