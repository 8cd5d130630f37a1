"""What the scripts that hold Understudy against a reference share: running the program, differences, counts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Callable

import numpy as np

TIMEOUT_SECONDS = 300


class Failure(Exception):
    """A check that did not hold, or a program that did not do what was asked."""


class Tally:
    """Counts checks and prints a line for each; the last line of a script is `N passed, N failed`."""

    def __init__(self) -> None:
        self.passed, self.failed = 0, 0

    def report(self, name: str, check: Callable[..., str], *arguments) -> None:
        try:
            print(f"  ok      {name}: {check(*arguments)}")
            self.passed += 1
        except Exception as error:  # whatever goes wrong here is a failed check, and the next one still runs
            print(f"  FAILED  {name}: {error}")
            self.failed += 1

    def close(self) -> int:
        """Prints the counts; the exit status, which is 1 if anything failed or nothing was checked."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def output_of(*command: str | Path) -> str:
    """Standard output of a program that has to succeed."""
    finished = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        timeout=TIMEOUT_SECONDS)
    if finished.returncode != 0:
        raise Failure(f"`{command[1]}` left with status {finished.returncode}: {finished.stderr.strip()[-600:]}")
    return finished.stdout


def difference(got: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference of two arrays of one shape, relative to the largest value wanted."""
    largest = np.max(np.abs(got - wanted), initial=0.0)
    return float(largest / np.max(np.abs(wanted))) if largest > 0 else 0.0
