"""Holds every number of the program: small studies and commands through all of its paths, against committed digests.

    whole_program.py --understudy PROGRAM               compares with digests.json beside this file
    whole_program.py --understudy PROGRAM --record      writes it anew; only where numbers are meant to change
    whole_program.py --understudy PROGRAM --only NAME   one case, e.g. precision, or bundled/deep

Held are the bits of every recorded measure, of every network, of the figures' specifications and of what `audit`, `recover`
and `connect` say. OpenBLAS's kernels differ in last bits from processor to processor, so one kind of them is named, which all
processors with AVX2 execute. Where a digest differs, its sums say by how much.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent / "Reference")]

import cases  # noqa: E402
import digests  # noqa: E402
from checks import Failure, Tally  # noqa: E402

EXPECTED = here / "digests.json"
KERNELS = "Haswell"
FILES = here.parent / "CommandLine" / "files.py"
DRAWING_PYTHON = here.parents[1] / ".venv" / "bin" / "python"


class Program:
    """The program, with the kernels that the digests were made with."""

    def __init__(self, path: str, folder: Path) -> None:
        self.path, self.folder = str(Path(path).resolve()), folder

    def __call__(self, *arguments: str | Path, codes: tuple[int, ...] = (0,)) -> str:
        environment = {**os.environ, "OPENBLAS_CORETYPE": KERNELS, "UNDERSTUDY_PYTHON": str(DRAWING_PYTHON)}
        finished = subprocess.run(
            [self.path, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600,
            env=environment, cwd=self.folder)
        if finished.returncode not in codes:
            raise Failure(f"`{arguments[0]}` left with status {finished.returncode}: {finished.stderr.strip()[-600:]}")
        return finished.stdout


def nested(flat: dict) -> dict:
    """{"a.b": c} as {"a": {"b": c}}."""
    result: dict = {}
    for key, value in flat.items():
        part = result
        *rooms, name = key.split(".")
        for room in rooms:
            part = part.setdefault(room, {})
        part[name] = value
    return result


def merged(first: dict, second: dict) -> dict:
    """The second over the first; None takes a key away."""
    result = dict(first)
    for key, value in second.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def run_study(program: Program, folder: Path, setting: dict, record: list[dict]) -> Path:
    # YAML includes JSON.
    file = folder / "study.yaml"
    file.write_text(json.dumps({**merged(cases.BASE, nested(setting)), "record": record}))
    program("run", file, "--results", folder / "results", "--no-report")
    return folder / "results"


def of_results(program: Program, results: Path) -> dict[str, dict]:
    """Digests of a results folder: measures, final students, figures."""
    table = results.with_suffix(".csv")
    program("export", results, "--all-keys", "--output", table)
    measures, runs = digests.of_export(table)
    found = {f"measure {name}": digest for name, digest in measures.items()}
    networks = sorted((runs[file.stem], file) for file in results.glob("weights/*.safetensors"))
    for index, (_, file) in enumerate(networks):
        found[f"network {index}"] = digests.of_network(file)
    for file in sorted(results.glob("figures/*.json")):
        found[f"figure {file.stem}"] = digests.of_json(json.loads(file.read_text()))
    return found


def of_study(program: Program, folder: Path, name: str) -> dict[str, dict]:
    setting, record = cases.STUDIES[name]
    return of_results(program, run_study(program, folder, setting, record))


def of_bundled(program: Program, folder: Path, name: str) -> dict[str, dict]:
    settings = {**cases.TINY, **cases.BUNDLED[name]}
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    program("run", name, "--scale", "quick", "--results", folder / "results", *options)
    return of_results(program, folder / "results")


def write_file(folder: Path, *arguments: str) -> None:
    """A network or array file, drawn by the standard library's generator with a fixed seed."""
    subprocess.run([sys.executable, str(FILES), *arguments], check=True, cwd=folder)


def of_given_files(program: Program, folder: Path, _: str) -> dict[str, dict]:
    """A study whose networks, inputs and batches are given."""
    write_file(folder, "network", "teacher.safetensors", "6", "4", "3")
    write_file(folder, "network", "student.safetensors", "6", "8", "3")
    write_file(folder, "inputs", "inputs.npy", "150", "6")
    write_file(folder, "batches", "batches.npy", "60", "7", "150")
    return of_results(program, run_study(program, folder, cases.GIVEN_FILES, cases.every_epoch(*cases.TWO_LAYERS)))


def said(program: Program, *arguments: str | Path) -> dict:
    """A digest of what a command says as JSON."""
    text = program(*arguments, "--json").replace(str(program.folder), "FOLDER")
    return digests.of_json(json.loads(text))


def of_commands(program: Program, folder: Path, name: str) -> dict[str, dict]:
    """What `audit` and `recover` say of a study's runs."""
    setting, record = cases.STUDIES[name]
    results = run_study(program, folder, setting, record)
    return {command: said(program, command, results) for command in ("audit", "recover")}


def of_file_commands(program: Program, folder: Path, _: str) -> dict[str, dict]:
    """`connect`, `audit` and `recover` of planted files: teachers, and students that answer as they do, or nearly."""
    write_file(folder, "planted", "teacher.safetensors", "student.safetensors", "5", "4", "3")
    write_file(folder, "planted", "teacher.safetensors", "twin.safetensors", "5", "4", "3", "twin")
    write_file(folder, "deep", "deep-teacher.safetensors", "deep-student.safetensors", "5", "4", "3", "moved")
    write_file(folder, "inputs", "inputs.npy", "200", "5")
    inputs = ("--inputs", "inputs.npy")
    found = {"connect": said(
        program, "connect", "student.safetensors", "twin.safetensors", "--teacher", "teacher.safetensors", *inputs)}
    for kind in ("", "deep-"):
        networks = ("--teacher", f"{kind}teacher.safetensors", "--student", f"{kind}student.safetensors")
        for command, option in (("audit", "--merge-into"), ("recover", "--into")):
            smaller = f"{kind}{command}.safetensors"
            found[f"{kind}{command}"] = said(program, command, *networks, *inputs, option, smaller)
            found[f"{kind}{command} network"] = digests.of_network(folder / smaller)
    return found


CASES: dict[str, tuple[Callable[[Program, Path, str], dict[str, dict]], str]] = {
    **{name: (of_study, name) for name in cases.STUDIES},
    "given-files": (of_given_files, ""),
    **{f"commands/{name}": (of_commands, name) for name in cases.COMMANDS},
    "commands/files": (of_file_commands, ""),
    **{f"bundled/{name}": (of_bundled, name) for name in cases.BUNDLED},
}


def compare(got: dict[str, dict], wanted: dict[str, dict]) -> str:
    """A sentence on equal digests; throws where they are not, with what differs and by how much."""
    faults = [f"{name} is missing" for name in sorted(wanted.keys() - got.keys())]
    faults += [f"{name} is new" for name in sorted(got.keys() - wanted.keys())]
    for name in sorted(got.keys() & wanted.keys()):
        if got[name]["digest"] != wanted[name]["digest"]:
            faults.append(f"{name} differs {digests.difference(got[name], wanted[name])}")
    if faults:
        raise Failure("; ".join(faults))
    return f"{sum(digest['count'] for digest in got.values())} numbers in {len(got)} digests"


def got(understudy: str, name: str) -> dict[str, dict]:
    work, case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        return work(Program(understudy, Path(folder)), Path(folder), case)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--understudy", required=True)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    names = [options.only] if options.only else list(CASES)
    tally = Tally()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests_of = {name: pool.submit(got, options.understudy, name) for name in names}

        def check(name: str) -> str:
            found = digests_of[name].result()
            if options.record:
                expected[name] = found
            return compare(found, expected.get(name, {}))

        for name in names:
            tally.report(name, check, name)
    if options.record:
        EXPECTED.write_text(json.dumps({name: expected[name] for name in CASES if name in expected}, indent=1) + "\n")
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
