"""Prints the numbers that Docs/TheoryStudies.md quotes beside the findings: python Scripts/theory_facts.py FOLDER

FOLDER is what `understudy reproduce theory --scale full --results FOLDER` wrote. Studies that are not there are left out. All
numbers are statistics that `understudy statistics` computes; UNDERSTUDY may name the program.
"""

from __future__ import annotations

import sys
from pathlib import Path

from statistics_of import statistics

WIDTH, KIND, DECAY = "student.overRealization", "inputs.augmentation", "teacher.strengthDecay"
# Of each study the keys by which runs are told apart, and statistics, some at an epoch.
FACTS = {
    "alignment-bound": [(WIDTH, KIND), "reachedShare", "recoveredExactlyShare", "predictedShare", "foundShare", "logAlignment",
                        "worstAlignment"],
    "unaligned-students": [(WIDTH,), "reachedShare", "recoveredExactlyShare", "searchIterations", "unalignedSlope",
                           "balanceSlope", ("logLargestGradient", 300), ("logKinkBalance", 300), "logKinkBalance"],
    "observers": [(WIDTH,), ("observersPerNode", 0), "recoveredShare", "observerRecovery"],
    "strong-and-weak": [(DECAY, "training.outputNoise"), "alignedShare", "alignmentOrder"],
    "augmentation": [("network.inputDimension", KIND, "inputs.training.count"), "reachedShare", "alignedShare"],
    "low-rank": [("inputs.rank",), "reachedShare", "logTrainingLoss", "logEvaluationLoss", "logAlignment"],
    "connectivity": [(WIDTH,), "logStraightBarrier", "logMatchedBarrier", "logConstructedBarrier"],
    "dynamics": [("training.method", "training.learningRate", DECAY), "alignmentOrder", "alignmentSlope", "alignmentDelay",
                 "alignedShare", "logEvaluationLoss"],
    "coverage-and-loss": [(DECAY, WIDTH), "coveredShare", "epochsToCover", "epochsToSmallLoss", "logRatioLossToCover"],
}


def main() -> None:
    for name, (keys, *wanted) in FACTS.items():
        study = Path(sys.argv[1]) / name
        if not (study / "results.sqlite").exists():
            continue
        rows: dict[tuple, list[str]] = {}
        columns = list(keys) + ["runs"]
        for one in wanted:
            statistic, epoch = one if isinstance(one, tuple) else (one, None)
            columns.append(statistic + (f" at {epoch}" if epoch is not None else ""))
            for value in statistics(study, statistic, *keys, epochs=None if epoch is None else [epoch]):
                row = rows.setdefault(tuple(value["group"][key] for key in keys), [str(value["runCount"])])
                row.append(f"{value['value']:.4g}" if "value" in value else "-")
        print(f"### {name}\n")
        print("| " + " | ".join(columns) + " |\n|" + "---|" * len(keys) + "---:|" * (len(columns) - len(keys)))
        for group, cells in rows.items():
            print("| " + " | ".join([*group, *cells]) + " |")
        print()


main()
