#!/usr/bin/env python3
"""Execute the notebooks of this folder, each in an empty temporary folder: a cell that fails ends it with its error.

    execute.py [--write] [--times] [NOTEBOOK...]

--write keeps the outputs in the notebooks, --times prints how long each cell took.

`understudy` has to be in PATH, and this Python needs the package, Altair, vl-convert-python, nbclient and ipykernel.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

GREATEST_SIZE = 250_000
"""Bytes of a notebook with its outputs: pictures are small, and no data is kept."""


def joined(outputs: list) -> list:
    """Outputs in which what a cell printed is one text, in whatever pieces it came."""
    result = []
    for output in outputs:
        if result and output.output_type == "stream" == result[-1].output_type and output.name == result[-1].name:
            result[-1].text += output.text
        else:
            result.append(output)
    return result


def print_times(notebook: nbformat.NotebookNode) -> None:
    """The seconds of each cell, with its first line."""
    for cell in notebook.cells:
        clock = cell.metadata.get("execution", {})
        if "shell.execute_reply" in clock:
            begin, end = (
                datetime.fromisoformat(clock[event].replace("Z", "+00:00"))
                for event in ("iopub.execute_input", "shell.execute_reply")
            )
            lines = [line for line in cell.source.splitlines() if line and not line.startswith("%%bash")]
            print(f"  {(end - begin).total_seconds():6.1f} s  {lines[0][:80]}")


def execute(path: Path, writes: bool, shows_times: bool) -> str:
    """An empty text, or what went wrong."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": folder}})
        try:
            client.execute()
        except CellExecutionError as error:
            return str(error)
    if shows_times:
        print_times(notebook)
    # What differs from one execution to the next.
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = joined(cell.outputs)
    nbformat.validate(notebook)
    text = nbformat.writes(notebook).replace(folder, ".")
    if len(text) > GREATEST_SIZE:
        return f"with its outputs it has {len(text)} bytes, more than {GREATEST_SIZE}"
    pictures = [output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    if not pictures:
        return "it has no picture"
    if writes:
        path.write_text(text + "\n", encoding="utf-8")
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--times", action="store_true")
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted(Path(__file__).parent.glob("*.ipynb")))
    options = parser.parse_args()
    failed = 0
    for path in options.notebooks:
        start = time.monotonic()
        problem = execute(path, options.write, options.times)
        failed += bool(problem)
        print(f"  {'FAILED ' if problem else 'ok     '} {path.name} ({time.monotonic() - start:.0f} s) {problem}")
    print(f"{len(options.notebooks) - failed} passed, {failed} failed")
    return 1 if failed or not options.notebooks else 0


if __name__ == "__main__":
    sys.exit(main())
