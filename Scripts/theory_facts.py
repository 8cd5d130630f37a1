"""Prints the numbers that Docs/TheoryStudies.md quotes beside the findings: python Scripts/theory_facts.py FOLDER

FOLDER is what `understudy reproduce theory --scale full --results FOLDER` wrote. Studies that are not there are left out.
"""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import correlation, linear_regression, median

from stored_runs import Run, middle, runs_of


def main() -> None:
    folder = Path(sys.argv[1])
    width = "student.overRealization"

    for key, runs in runs_of(folder, "alignment-bound", "inputs.augmentation", width).items():
        verdicts = Counter(int(code) for run in runs for code in run.last("verdicts"))
        alignments = [value for run in runs for value in run.last("alignment")]
        print(f"alignment-bound {key}: {sum(run.reached for run in runs)} of {len(runs)} reached the target, "
              f"{sum(run.is_exact for run in runs)} are the teacher; verdicts {dict(sorted(verdicts.items()))}; "
              f"alignment {median(alignments):.1e}, worst {max(alignments):.1e}")

    for key, runs in runs_of(folder, "unaligned-students", width).items():
        before = max(epoch for run in runs for _, epoch in run.measures) - 1
        print(f"unaligned-students {key}: {sum(run.reached for run in runs)} of {len(runs)} reached the target, "
              f"{sum(run.is_exact for run in runs)} are the teacher; medians: gradient after SGD "
              f"{median(run.measures['largestGradient', before][0] for run in runs):.1e}, iterations "
              f"{median(run.last('criticalPoint')[0] for run in runs):g}, kink balance "
              f"{median(median(run.last('kinkBalances')) for run in runs):.1e}; slopes against the gradient: strength of unaligned "
              f"nodes {slope(runs, unaligned_strength):.2f}, kink balance {slope(runs, balance):.2f}, of SGD alone "
              f"{slope(runs, balance, before):.2f}")

    for key, runs in runs_of(folder, "observers", width).items():
        counts, recovered = [], []
        for run in runs:
            observers, rho = run.last("observerCounts"), run.last("evaluationCorrelation")
            columns = len(rho) // len(observers)
            counts += observers
            recovered += [max(rho[j * columns:(j + 1) * columns]) > 0.95 for j in range(len(observers))]
        middle_count = median(counts)
        few = [value for count, value in zip(counts, recovered) if count <= middle_count]
        many = [value for count, value in zip(counts, recovered) if count > middle_count]
        print(f"observers {key}: {sum(counts) / len(counts):.1f} a node; {sum(recovered) / len(recovered):.0%} of "
              f"{len(recovered)} nodes recovered, {sum(few) / len(few):.0%} with at most {middle_count:g} observers and "
              f"{sum(many) / max(1, len(many)):.0%} with more; rank correlation {rank_correlation(counts, recovered):.2f}")

    for key, runs in runs_of(folder, "strong-and-weak", "teacher.strengthDecay", "training.outputNoise").items():
        aligned = [sum(value <= 0.1 for value in run.last("alignment")) for run in runs]
        print(f"strong-and-weak {key}: {sum(aligned) / len(aligned):.1f} of 10 nodes aligned to 0.1")

    for key, runs in runs_of(folder, "augmentation", "network.inputDimension", "inputs.augmentation").items():
        reached = Counter(run.setting["inputs.training.count"] for run in runs if run.reached)
        print(f"augmentation {key}: reached the target, of 16, by samples {dict(sorted(reached.items()))}")

    for key, runs in runs_of(folder, "low-rank", "inputs.rank").items():
        print(f"low-rank {key}: {sum(run.reached for run in runs)} of {len(runs)} reached the target; medians: loss "
              f"{median(run.last('trainingLoss')[0] for run in runs):.1e} on training inputs, "
              f"{median(run.last('evaluationLoss')[0] for run in runs):.1e} on inputs of full rank, alignment "
              f"{median(value for run in runs for value in run.last('alignment')):.2g}")

    for key, runs in runs_of(folder, "connectivity", width).items():
        barriers = sorted(max(run.last("constructedPath")) for run in runs if run.last("constructedPath"))
        segments = [len(run.last("constructedPath")) // 200 for run in runs if run.last("constructedPath")]
        print(f"connectivity {key}: largest loss in the median {median(max(run.last('straightPath')) for run in runs):.1e} "
              f"straight, {median(max(run.last('matchedPath')) for run in runs):.1e} matched; constructed "
              + (f"{len(barriers)} of {len(runs)}, median {median(barriers):.1e}, {sum(b < 1e-18 for b in barriers)} below "
                 f"1e-18, worst {max(barriers):.1e}; {min(segments)} to {max(segments)} segments" if barriers else "none"))

    for key, runs in runs_of(folder, "coverage-and-loss", "teacher.strengthDecay", width).items():
        cover, small = [], []
        for run in runs:
            losses = {epoch: value[0] for (name, epoch), value in run.measures.items() if name == "evaluationLoss"}
            small.append(min((epoch for epoch, loss in losses.items() if loss < 1e-6 * losses[0]), default=None))
            cover.append(min((epoch for (name, epoch), rho in run.measures.items()
                              if name == "evaluationCorrelation" and all_recovered(rho, 10)), default=None))
        print(f"coverage-and-loss {key}: covered {len(runs) - cover.count(None)} of {len(runs)}, median epoch "
              f"{middle(cover)}; a millionth of the loss {len(runs) - small.count(None)}, median epoch {middle(small)}")


def unaligned_strength(run: Run, epoch: int) -> float:
    pairs = zip(run.measures["studentAlignment", epoch], run.measures["boundaryStrengths", epoch])
    strengths = [strength for alignment, strength in pairs if alignment > 0.3]
    return median(strengths) if strengths else 0


def balance(run: Run, epoch: int) -> float:
    return median(run.measures["kinkBalances", epoch])


def slope(runs: list[Run], height: Callable[[Run, int], float], last_epoch: float = math.inf) -> float:
    """Of log10 of a height against log10 of the largest gradient, over runs and recorded epochs."""
    points = [(run.measures[measure, epoch][0], height(run, epoch)) for run in runs for measure, epoch in run.measures
              if measure == "largestGradient" and epoch <= last_epoch]
    logarithms = [(math.log10(x), math.log10(y)) for x, y in points if x > 0 and y > 0]
    return linear_regression(*zip(*logarithms)).slope if len({x for x, _ in logarithms}) > 1 else math.nan


def rank_correlation(left: list[float], right: list[float]) -> float:
    """Spearman's, equal values sharing the mean of their ranks."""
    def ranks(values: list[float]) -> list[float]:
        places = defaultdict(list)
        for place, value in enumerate(sorted(values)):
            places[value].append(place)
        return [sum(places[value]) / len(places[value]) for value in values]

    return correlation(ranks(left), ranks(right)) if len(set(left)) > 1 and len(set(right)) > 1 else 0


def all_recovered(rho: tuple[float, ...], teacher_nodes: int) -> bool:
    columns = len(rho) // teacher_nodes
    return all(max(rho[j * columns:(j + 1) * columns]) > 0.95 for j in range(teacher_nodes))


main()
