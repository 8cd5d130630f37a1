"""Tables of the two-layer sweep from its results folder, as Markdown: what Docs/Sweep.md shows.

    python3 Scripts/sweep_table.py RESULTS/two-layer

For each teacher width m, strength decay p and over-realization: mean number of teacher nodes recovered
(max rho > 0.95 on evaluation inputs) at the recorded epochs, mean and standard deviation over seeds of log10 of the
evaluation loss J after the last epoch, and the epoch at which the mean of log10 J first falls below -2.
"""

import json
import math
import sqlite3
import statistics
import sys
from collections import defaultdict

import numpy as np

RECOVERED = 0.95


def main(folder: str) -> None:
    db = sqlite3.connect(f"file:{folder}/results.sqlite?mode=ro", uri=True)
    settings = {
        run: json.loads(setting) for run, setting in db.execute("SELECT hash, setting FROM run WHERE outcome = 'completed'")
    }

    def key(run: str) -> tuple[int, float, float]:
        setting = settings[run]
        return setting["teacher.hiddenNodes"], setting["teacher.strengthDecay"], setting["student.overRealization"]

    recovered: dict[tuple, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for run, epoch, shape, data_type, values in db.execute(
        """SELECT run, epoch, shape, data_type, "values" FROM array WHERE measure = 'evaluationCorrelation'"""
    ):
        rho = np.frombuffer(values, dtype=data_type).reshape(json.loads(shape))
        recovered[key(run)][epoch].append(int((rho.max(axis=1) > RECOVERED).sum()))

    losses: dict[tuple, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run, epoch, value in db.execute("SELECT run, epoch, value FROM scalar WHERE measure = 'evaluationLoss'"):
        losses[key(run)][epoch].append(math.log10(max(value, 1e-34)))

    epochs = sorted({epoch for by_epoch in recovered.values() for epoch in by_epoch})
    heads = "".join(f" recovered, epoch {epoch} |" for epoch in epochs)
    print(f"| m | p | over-realization | seeds |{heads} log10 J, last epoch | epoch with log10 J < -2 |")
    print("|---" * (len(epochs) + 6) + "|")
    for m, p, multi in sorted(losses):
        curve = losses[m, p, multi]
        last = curve[max(curve)]
        spread = statistics.stdev(last) if len(last) > 1 else 0.0
        covered = next((str(epoch) for epoch in sorted(curve) if statistics.mean(curve[epoch]) < -2), "-")
        counts = "".join(f" {statistics.mean(recovered[m, p, multi][epoch]):.2f} |" for epoch in epochs)
        print(
            f"| {m} | {p:g} | {multi:g}x | {len(last)} |{counts}"
            f" {statistics.mean(last):.2f} ± {spread:.2f} | {covered} |"
        )

    wall, cpu, runs, steps = db.execute(
        "SELECT sum(wall_seconds), sum(cpu_seconds), count(*), sum(step_count) FROM run"
    ).fetchone()
    version, machine = db.execute("SELECT version, machine FROM run LIMIT 1").fetchone()
    print(
        f"\n{runs} runs, {steps / 1e6:.1f} million steps, {cpu / 60:.1f} minutes of processor time "
        f"({wall / 60:.1f} minutes of wall time summed over runs); Understudy {version}, {machine}."
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
