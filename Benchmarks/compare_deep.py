"""The deep SGD step of Understudy and PyTorch side by side, timed in this one run.

    python Benchmarks/compare_deep.py --understudy .build/release/understudy --peers-python /path/to/python [--markdown]

20-500-750-1000-1250-100, batch 64, float32, on one thread and on two. The programs take turns for several rounds, so that
a drift of the machine's speed is shared; medians over the rounds. PyTorch is left out where it is missing.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections import defaultdict

from comparison import HERE, comparison_options, machine, output_of, table

THREADS = [1, 2]


def main() -> None:
    options = comparison_options(__doc__, "torch")

    times: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    shares: dict[int, list[float]] = defaultdict(list)
    absent = None
    for round_number in range(options.rounds):
        print(f"round {round_number + 1} of {options.rounds}", file=sys.stderr)
        for threads in THREADS:
            measured = output_of(
                [options.understudy, "bench", "deep", "--json", "--step-only", "--threads", str(threads)])
            step = measured["steps"][0]
            times["Understudy"][threads].append(step["millisecondsPerStep"])
            shares[threads].append(step["shareOfPeak"])
            if absent is not None:
                continue
            try:
                rows = output_of([options.peers_python, str(HERE / "deep_torch.py"), "--threads", str(threads)])
            except ModuleNotFoundError as error:
                absent = str(error)
                continue
            for row in rows:
                times[f"{row['program']}, {row['variant']}"][threads].append(row["millisecondsPerStep"])

    own = {threads: statistics.median(times["Understudy"][threads]) for threads in THREADS}
    heading = ["milliseconds a step; threads ="]
    for threads in THREADS:
        heading += [f"{threads}", "times Understudy's"]
    rows = [heading]
    for name in sorted(times, key=lambda name: name == "Understudy"):
        row = [name]
        for threads in THREADS:
            median = statistics.median(times[name][threads])
            row += [f"{median:.1f}", f"{median / own[threads]:.2f}"]
        rows.append(row)
    row = ["share of the cores' peak, Understudy"]
    for threads in THREADS:
        row += [f"{statistics.median(shares[threads]):.0%}", ""]
    rows.append(row)
    print(f"Deep SGD step, 20-500-750-1000-1250-100, batch 64, float32: {machine()}, {os.cpu_count()} cores")
    print(f"Medians of {options.rounds} rounds in which the programs took turns.\n")
    print(table(rows, options.markdown))
    if absent is not None:
        print(f"\nNot measured: PyTorch. {absent}")


if __name__ == "__main__":
    main()
