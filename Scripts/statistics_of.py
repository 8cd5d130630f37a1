"""Statistics of a results folder, for the scripts that print what the guides quote."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path


def statistics(study: Path, name: str, *by: str, layers: int = 0, epochs: list[int] | None = None) -> list[dict]:
    """The values of a statistic by keys, and of the lowest layers and of epochs if given."""
    command = [os.environ.get("UNDERSTUDY", "understudy"), "statistics", str(study), name, "--json", "--by", ",".join(by)]
    command += ["--layer", ",".join(map(str, range(1, layers + 1)))] if layers else []
    command += ["--epoch", ",".join(map(str, epochs))] if epochs else []
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
