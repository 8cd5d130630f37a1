"""The step of a teacher of images in Understudy and PyTorch side by side, timed in this one run.

    python Benchmarks/compare_convolution.py --understudy .build/release/understudy --peers-python /path/to/python [--markdown]

64-64-64-64 filters of 3 x 3, ReLU and then batch normalisation, batch 64 of 3 x 32 x 32, float32, on one thread and on two. The
programs take turns for several rounds, so that a drift of the machine's speed is shared; medians over the rounds. PyTorch
is left out where it is missing.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections import defaultdict

from comparison import HERE, comparison_options, machine, output_of, table

THREADS = [1, 2]
TIMES = {"millisecondsPerStep": "step", "forwardMilliseconds": "forward"}


def main() -> None:
    options = comparison_options(__doc__, "torch")

    times: dict[str, dict[tuple[int, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    outside: dict[int, list[float]] = defaultdict(list)
    absent = None

    def add(name: str, threads: int, row: dict) -> None:
        for key in TIMES:
            times[name][threads, key].append(row[key])

    for round_number in range(options.rounds):
        print(f"round {round_number + 1} of {options.rounds}", file=sys.stderr)
        for threads in THREADS:
            for row in output_of([options.understudy, "bench", "convolution", "--json", "--threads", str(threads)]):
                add(f"Understudy, {row['algorithm']}", threads, row)
                if row["algorithm"] == "automatic":
                    outside[threads].append(row["shareOutsideProducts"])
            if absent is not None:
                continue
            try:
                rows = output_of([options.peers_python, str(HERE / "convolution_torch.py"), "--threads", str(threads)])
            except ModuleNotFoundError as error:
                absent = str(error)
                continue
            for row in rows:
                add(f"{row['program']}, {row['variant']}", threads, row)

    own = times["Understudy, automatic"]
    columns = [(threads, key) for threads in THREADS for key in TIMES]
    heading = ["milliseconds"]
    for threads, key in columns:
        heading += [f"{TIMES[key]}, {threads} thread{'s' if threads > 1 else ''}", "times"]
    rows = [heading]
    for name in sorted(times, key=lambda name: name.startswith("Understudy")):
        row = [name]
        for column in columns:
            median = statistics.median(times[name][column])
            row += [f"{median:.0f}", f"{median / statistics.median(own[column]):.2f}"]
        rows.append(row)
    row = ["outside convolutions, Understudy, automatic"]
    for threads, key in columns:
        row += [f"{statistics.median(outside[threads]):.0%}" if key == "millisecondsPerStep" else "", ""]
    rows.append(row)
    print(f"64-64-64-64 filters of 3 x 3, batch 64 of 3 x 32 x 32, float32: {machine()}, {os.cpu_count()} cores")
    print(f"Medians of {options.rounds} rounds in which the programs took turns; times: those of Understudy, automatic.\n")
    print(table(rows, options.markdown))
    if absent is not None:
        print(f"\nNot measured: PyTorch. {absent}")


if __name__ == "__main__":
    main()
