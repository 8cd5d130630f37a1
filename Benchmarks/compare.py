"""The two-layer SGD step of Understudy, PyTorch and JAX side by side, all timed in this one run on one core.

    python Benchmarks/compare.py --understudy .build/release/understudy --peers-python /path/to/python [--markdown]

The programs take turns for several rounds, so that a drift of the machine's speed is shared, and the median over the
rounds is printed: microseconds a step and network, then each divided by Understudy's at the same size. The peers'
scripts need torch or jax in the Python that is given; one that is missing is named and left out.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections import defaultdict

from comparison import HERE, comparison_options, machine, output_of, table
from step import B, C, D, SIZES, use_one_core

PEERS = {"PyTorch": "two_layer_torch.py", "JAX": "two_layer_jax.py"}

Size = tuple[int, int]
Times = dict[tuple[str, str], dict[Size, list[float]]]
"""(program, variant) -> size -> microseconds a step, one for each round."""


def is_compared(row: dict) -> bool:
    """Whether a row has one of the sizes that the peers' scripts measure."""
    return (row["m"], row["n"]) in SIZES and (row["d"], row["c"], row["batch"]) == (D, C, B)


def main() -> None:
    options = comparison_options(__doc__, "torch and jax")
    use_one_core()  # the programs started below inherit it

    times: Times = defaultdict(lambda: defaultdict(list))
    shares: dict[tuple[str, Size], list[float]] = defaultdict(list)
    others: dict[str, list[tuple[float, float]]] = defaultdict(list)
    absent: dict[str, str] = {}
    for round_number in range(options.rounds):
        print(f"round {round_number + 1} of {options.rounds}", file=sys.stderr)
        for row in output_of([options.understudy, "bench", "two-layer", "--json"]):
            variant = f"teacher cached, {row['precision']}"
            if is_compared(row):
                size = row["m"], row["n"]
                times["Understudy", variant][size].append(row["microsecondsPerStep"])
                shares[variant, size].append(row["shareOfPeak"])
            else:
                name = f"m = {row['m']}, n = {row['n']}, d = {row['d']}, C = {row['c']}, batch {row['batch']}"
                others[f"{name}, {row['precision']}"].append((row["microsecondsPerStep"], row["shareOfPeak"]))
        for peer, script in PEERS.items():
            if peer in absent:
                continue
            try:
                for row in output_of([options.peers_python, str(HERE / script)]):
                    times[row["program"], row["variant"]][row["m"], row["n"]].append(row["microsecondsPerStep"])
            except ModuleNotFoundError as error:
                absent[peer] = str(error)
    baseline = times.get(("Understudy", "teacher cached, float64"))
    if baseline is None or set(baseline) != set(SIZES):
        sys.exit(f"{options.understudy} did not measure every one of {SIZES} in float64")

    def median(key: tuple[str, str], size: Size) -> float | None:
        return statistics.median(times[key][size]) if size in times[key] else None

    def cell(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    heading = [f"{m}, {n}" for m, n in SIZES]
    keys = sorted(times, key=lambda key: key[0] == "Understudy")  # peers first, in the order measured
    microseconds, ratios = [["microseconds a step; (m, n) ="] + heading], [["times Understudy's; (m, n) ="] + heading]
    for key in keys:
        name = ", ".join(key)
        microseconds.append([name] + [cell(median(key, size), ".1f") for size in SIZES])
        if key[0] != "Understudy":
            ratios.append([name] + [f"{median(key, size) / statistics.median(baseline[size]):.1f}" for size in SIZES])
    for variant in sorted({variant for variant, _ in shares}, reverse=True):
        values = [statistics.median(shares[variant, size]) if (variant, size) in shares else None for size in SIZES]
        microseconds.append([f"share of the core's peak, {variant}"] + [cell(value, ".0%") for value in values])

    print(f"Two-layer SGD step, d = {D}, C = {C}, batch {B}, float64 unless named, one core of: {machine()}")
    print(f"Medians of {options.rounds} rounds in which the programs took turns ({platform.system()}, {os.cpu_count()} cores).")
    print("\n" + table(microseconds, options.markdown))
    if len(ratios) > 1:
        print("\n" + table(ratios, options.markdown))
    for name, measured in others.items():
        time, share = (statistics.median(column) for column in zip(*measured))
        print(f"\nUnderstudy, {name}: {time:.1f} microseconds, {share:.0%} of the core's peak")
    for peer, reason in absent.items():
        print(f"\nNot measured: {peer}. {reason}")


if __name__ == "__main__":
    main()
