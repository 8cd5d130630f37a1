#!/usr/bin/env python3
"""Lets the n-th system call of a command fail, for many n, and looks at what is left.

    injection.py --understudy PROGRAM --faults LIBRARY [--each 4 | --all] [--seed 1]

LIBRARY is faulty_calls.c, compiled as a shared library. Whatever fails, the command says so or has dealt with it, what was there
before is there or the new is there whole, and a study that is run again is what it would have been. The last line is
`N passed, N failed`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from injected import COMMANDS, IMAGES, STUDY, Command, Wrong, expect

HERE = Path(__file__).resolve().parent
FAULTS = [("ENOSPC", False), ("ENOSPC", True), ("EIO", False), ("EIO", True), ("EINTR", False), ("short", False), ("kill", False)]
UNDIGNIFIED = re.compile(r"fatal|please report|NSError|Domain=|couldn.t be completed|UserInfo", re.I)


def case(command: Command, library: str, parent: str, kind: str, lasts: bool, call: int) -> tuple[int, str | None]:
    """Lets one call fail; gives back how many calls there were (if the fault did not happen), and what is wrong."""
    folder = command.folder(parent)
    log = Path(f"{folder}.log")
    environment = {
        "LD_PRELOAD": library, "FAULT_PROGRAM": Path(command.understudy).name, "FAULT_PATH": str(folder), "FAULT_KIND": kind,
        "FAULT_CALL": str(call), "FAULT_LOG": str(log), **({"FAULT_LASTS": "1"} if lasts else {})}
    try:
        finished = command.start(folder, environment)
        text = log.read_text().split("\n")[0] if log.exists() else ""
        if text.startswith("calls"):
            return int(text.split()[1]), None
        errors = finished.stderr.decode("utf-8", "replace")
        killed = kind == "kill"
        try:
            expect(finished.returncode in ((-9,) if killed else (0, 1, 2)), f"status {finished.returncode}: {errors[-300:]}")
            expect(finished.returncode == 0 or killed or bool(errors.strip()), f"status {finished.returncode} without a word")
            expect(not UNDIGNIFIED.search(errors), f"says {errors[-300:]}")
            command.verify(folder, finished.returncode, not killed and not (lasts and kind == "EIO"))
        except (Wrong, subprocess.SubprocessError, sqlite3.Error, OSError) as wrong:
            return 0, f"{text}: {wrong} [status {finished.returncode}: {errors.strip()[-200:]}]"
        return 0, None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--understudy", required=True, type=lambda text: str(Path(text).resolve()))
    parser.add_argument("--faults", required=True, type=lambda text: str(Path(text).resolve()))
    parser.add_argument("--each", type=int, default=4, help="calls that fail, for each command and kind of fault")
    parser.add_argument("--all", action="store_true", help="every call; takes many minutes")
    parser.add_argument("--seed", type=int, default=1, help="chooses the calls")
    parser.add_argument("--command", action="append", help="only this one; may be given several times")
    options = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as parent, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        material = Path(parent) / "material"
        material.mkdir()
        (material / "study.yaml").write_text(STUDY)
        (material / "images.yaml").write_text(IMAGES)
        for words in (["planted", "teacher.safetensors", "student.safetensors", "4", "2", "2"], ["inputs", "inputs.npy", "30", "4"],
                      ["images", "pictures", "40", "30", "6"]):
            subprocess.run([sys.executable, HERE.parent / "files.py", *words], check=True, cwd=material)
        for study, results in (("study.yaml", "whole"), ("images.yaml", "seen")):
            subprocess.run(
                [options.understudy, "run", study, "--results", results, "--no-report", "--threads", "1"], check=True, cwd=material,
                capture_output=True)
        for command in [kind(options.understudy, material) for kind in COMMANDS]:
            if options.command and command.name not in options.command:
                continue
            command.learn(parent)
            for kind, lasts in FAULTS:
                count, _ = case(command, options.faults, parent, kind, lasts, 0)
                chosen = range(1, count + 1)
                if not options.all:
                    rng = random.Random(f"{options.seed} {command.name} {kind} {lasts}")
                    chosen = sorted(rng.sample(chosen, min(count, max(1, round(command.share * options.each)))))
                results = pool.map(lambda call: case(command, options.faults, parent, kind, lasts, call)[1], chosen)
                wrong = [(call, text) for call, text in zip(chosen, results) if text]
                what = f"{command.name}: {kind}{' from there on' if lasts else ''}, at {len(chosen)} of {count} calls"
                print(f"  {'FAILED' if wrong else 'ok':6}  {what}", flush=True)
                for call, text in wrong:
                    print(f"          call {call}: {text}")
                passed, failed = passed + len(chosen) - len(wrong), failed + len(wrong)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
