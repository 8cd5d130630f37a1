"""What the peers' scripts share: the sizes of the paper's two-layer step, how it is timed and how a result is printed.

The step (float64, one thread): a batch of `batch` samples is gathered from a data set of 10000, a two-layer ReLU student
of n hidden nodes is run forward and backward against the outputs of a teacher of m hidden nodes, and its weights move by
`learning rate / batch` times the batch's sum of `residual x activation`. The order of the batches is drawn beforehand
and is not part of the step.

Dimensions: d inputs, C outputs, B samples a batch.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

SIZES: list[tuple[int, int]] = [(5, 5), (10, 10), (10, 50), (10, 100), (20, 200)]
"""(m, n): hidden nodes of the teacher, of the student."""

D, C, B = 100, 50, 16
SAMPLES = 10_000
INPUT_DEVIATION = 1.5
STUDENT_DEVIATION = 0.005
TEACHER_BIAS = -0.1
LEARNING_RATE = 0.01

STEPS_PER_CALL = 200
WINDOWS = 5
WINDOW_SECONDS = 0.08


@dataclass(frozen=True)
class Variant:
    """One way to take the step.

    `start(m, n)` prepares it and returns a function that takes STEPS_PER_CALL steps on each of `networks` networks and
    returns when they are done.
    """

    name: str
    start: Callable[[int, int], Callable[[], None]]
    networks: int = 1


def use_one_core() -> None:
    """Keep this process on one core, so that no library can run on more, and ask the libraries for one thread.

    Call it before importing the library that is measured.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    if hasattr(os, "sched_setaffinity"):  # not on macOS
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def options_with_threads(description: str, rounds: int | None = None) -> argparse.Namespace:
    """Read --threads, and --rounds if it has a default, and ask the libraries for that many threads.

    Call it before importing the library that is measured.
    """
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    return options


def missing(library: str, error: ImportError) -> NoReturn:
    """Say which library this Python lacks and leave with status 3."""
    print(f"{library} is not installed for {sys.executable} ({error}); see Benchmarks/README.md", file=sys.stderr)
    sys.exit(3)


def microseconds_per_step(call: Callable[[], None], steps: int) -> float:
    """The median over WINDOWS windows of the time of a step, where `call` takes `steps` steps; after one warm-up."""
    call()
    times: list[float] = []
    for _ in range(WINDOWS):
        calls, begin = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - begin) < WINDOW_SECONDS:
            call()
            calls += 1
        times.append(elapsed / (calls * steps) * 1e6)
    return statistics.median(times)


def print_measurements(program: str, variants: Iterable[Variant]) -> None:
    """Time every variant at every size and print a JSON array, one object a measurement."""
    measured = [
        {
            "program": program, "variant": variant.name, "m": m, "n": n, "d": D, "c": C, "batch": B,
            "precision": "float64",
            "microsecondsPerStep": microseconds_per_step(variant.start(m, n), STEPS_PER_CALL * variant.networks),
        }
        for variant in variants
        for m, n in SIZES
    ]
    json.dump(measured, sys.stdout, indent=1)
    print()
