"""What the comparisons share: running a program that prints JSON, naming the processor, printing a table."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MISSING_LIBRARY = 3


def comparison_options(description: str, libraries: str) -> argparse.Namespace:
    """The options of a comparison with peers that need `libraries`."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--understudy", required=True, help="path of the understudy program, release build")
    parser.add_argument("--peers-python", default=sys.executable, help=f"a Python that has {libraries}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    return parser.parse_args()


def output_of(command: list[str]) -> list | dict:
    """The JSON that a program prints.

    Raises ModuleNotFoundError if the program says that its library is missing, SystemExit if it fails otherwise.
    """
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode == MISSING_LIBRARY:
        raise ModuleNotFoundError(finished.stderr.strip())
    if finished.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with status {finished.returncode}:\n{finished.stderr.strip()}")
    try:
        return json.loads(finished.stdout)
    except json.JSONDecodeError as error:
        sys.exit(f"{' '.join(command)} did not print JSON ({error}):\n{finished.stdout[:500]}")


def machine() -> str:
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(rows: list[list[str]], markdown: bool) -> str:
    """Rows of cells, the first being the heading, as aligned text or as a Markdown table."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(row: list[str]) -> str:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return f"| {' | '.join(cells)} |" if markdown else "  ".join(cells)

    rule = [["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]] if markdown else []
    return "\n".join(line(row) for row in rows[:1] + rule + rows[1:])
