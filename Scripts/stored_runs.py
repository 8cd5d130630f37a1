"""Reading of results folders for the scripts that print what the guides quote."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections import defaultdict
from pathlib import Path


class Run:
    """A run's setting, and its measures: (measure, epoch) to values."""

    def __init__(self, setting: dict) -> None:
        self.setting = setting
        self.measures: dict[tuple[str, int], tuple[float, ...]] = {}

    def last(self, measure: str) -> tuple[float, ...]:
        epochs = [epoch for name, epoch in self.measures if name == measure]
        return self.measures[measure, max(epochs)] if epochs else ()

    @property
    def reached(self) -> bool:
        return self.last("criticalPoint")[2] == 1

    @property
    def is_exact(self) -> bool:
        """Whether the merged student is the teacher, weights to 1e-9."""
        return 0 <= self.last("mergedWeightError")[0] <= 1e-9


def runs_of(folder: Path, study: str, *keys: str) -> dict[tuple, list[Run]]:
    """The runs of a study that did not diverge, grouped by keys of their settings."""
    path = folder / study / "results.sqlite"
    if not path.exists():
        return {}
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    runs = {name: Run(json.loads(setting)) for name, setting in db.execute("SELECT hash, setting FROM run WHERE outcome = 'completed'")}
    for name, epoch, measure, values in db.execute('SELECT run, epoch, measure, "values" FROM array'):
        if name in runs:
            runs[name].measures[measure, epoch] = struct.unpack(f"<{len(values) // 8}d", values)
    for name, epoch, measure, value in db.execute("SELECT run, epoch, measure, value FROM scalar"):
        if name in runs:
            runs[name].measures[measure, epoch] = (value,)
    groups = defaultdict(list)
    for run in runs.values():
        groups[tuple(run.setting[key] for key in keys)].append(run)
    return dict(sorted(groups.items()))


def middle(epochs: list[int | None]) -> str:
    """The median, where never is later than any epoch."""
    value = sorted(epochs, key=lambda epoch: (epoch is None, epoch))[len(epochs) // 2]
    return "never" if value is None else str(value)
