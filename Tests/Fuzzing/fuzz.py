#!/usr/bin/env python3
"""Gives the program files that nobody would write, and asks for an answer: a message and an exit code.

    fuzz.py --understudy PROGRAM [--parsers LIBFUZZER] [--seconds 30] [--seed 1] [TARGET ...]
    fuzz.py --understudy PROGRAM --replay

Targets: studies, settings, image-settings, networks, exchanged, numbers, arrays, images, stores, image-stores; all, if none is named. LIBFUZZER is the program of Package.swift,
which reads all of these but settings and stores in one process, many a second, led by the code that they reach. What the program
answers with anything else than its own exit codes, with a crash, a system's error dump or no end is made as small as it goes,
printed, and written to corpus/TARGET/, from where --replay gives it to all commands again. The last line is `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import stores
import targets

CORPUS = targets.HERE / "corpus"
TARGETS = [
    targets.Studies, targets.Settings, targets.ImageSettings, targets.Networks, targets.Exchanged, targets.Numbers, targets.Arrays, targets.Images,
    stores.Stores, stores.ImageStores]
# Of what is not the program's own words.
UNDIGNIFIED = re.compile(
    r"fatal error|please report|backtrace|NSError|Domain=|UserInfo|Foundation\.|Swift\.|GRDB|EncodingError|DecodingError|Optional\(|"
    r"StoredValueError|codingPath|operation couldn|terminate called|addresssanitizer|runtime error", re.I)
# A number that is none stands in no table and no JSON; messages may name it.
NO_NUMBER = re.compile(r"(?<![\w./'\"-])-?(nan|inf|infinity)(?![\w./'\"-])", re.I)
MEMORY_BYTES = 6 << 30
# Named kernels and one thread: the program starts in half the time.
ENVIRONMENT = {"SWIFT_BACKTRACE": "enable=no", "OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "1"}


def fault_of(understudy: str, command: list[str], folder: Path, seconds: float) -> str | None:
    """What is wrong with how the program answers a command; nil if nothing is."""
    environment = {**os.environ, **ENVIRONMENT, "TMPDIR": str(folder)}
    try:
        finished = subprocess.run(
            [understudy, *command], capture_output=True, stdin=subprocess.DEVNULL, cwd=folder, timeout=seconds, env=environment)
    except subprocess.TimeoutExpired:
        return f"{command[0]}: no end within {seconds:.0f} s"
    errors, output = (text.decode("utf-8", "replace") for text in (finished.stderr, finished.stdout))
    if finished.returncode < 0 or finished.returncode not in (0, 1, 2, 64):
        last = next((line for line in reversed(errors.splitlines()) if line.strip()), "")
        return f"{command[0]}: status {finished.returncode}: {last[:300]}"
    if found := UNDIGNIFIED.search(errors + output):
        line = next(line for line in (errors + output).splitlines() if found[0] in line)
        return f"{command[0]}: says {line[:300]}"
    if finished.returncode and not errors.strip() and command[0] != "check":
        return f"{command[0]}: status {finished.returncode} without a word"
    if command[0] not in ("export", "keys") and (found := NO_NUMBER.search(output)):
        line = next(line for line in output.splitlines() if found[0] in line)
        return f"{command[0]}: prints {line[:300]}"
    return None


def faults_of(target: targets.Target, data: bytes, seed: int | None = None) -> list[str]:
    """What is wrong with the program's answers to an input; the seed chooses among the commands, without one all are given."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        try:
            target.place(data, folder)
        except (ValueError, OSError, IndexError, KeyError):
            return []
        commands = target.commands()
        if seed is not None:
            chosen = sorted(random.Random(seed).sample(range(len(commands)), target.chosen))
            commands = [commands[index] for index in chosen]
        kept = {path: path.read_bytes() for path in [*folder.glob("input*"), *target.material.glob("*.*")] if path.is_file()}
        faults = [fault_of(target.understudy, command, folder, target.seconds) for command in commands]
        faults += [f"{path.name} was changed" for path, content in kept.items() if not path.exists() or path.read_bytes() != content]
        return [fault for fault in faults if fault]


def kind_of(fault: str) -> str:
    """What makes two faults one: the text without its numbers and names."""
    return re.sub(r"[0-9a-f]{8,}|\d+|\"[^\"]*\"|'[^']*'", "#", fault)[:160]


def minimised(target: targets.Target, data: bytes, seed: int, kind: str, seconds: float = 40) -> bytes:
    """A smaller input with the same fault."""
    end = time.monotonic() + seconds
    pieces, join = target.parts(data)
    size = max(1, len(pieces) // 2)
    while size >= 1 and time.monotonic() < end:
        start = 0
        while start < len(pieces) and time.monotonic() < end:
            fewer = pieces[:start] + pieces[start + size:]
            if any(kind_of(fault) == kind for fault in faults_of(target, join(fewer), seed)):
                pieces = fewer
            else:
                start += size
        size //= 2
    return join(pieces)


def corpus(target: targets.Target) -> list[Path]:
    """The inputs that once were answered badly."""
    return sorted((CORPUS / target.name).glob(f"*{target.suffix}"))


def attack(target: targets.Target, seconds: float, seed: int, workers: int) -> tuple[int, int]:
    """Tries inputs for so long; gives back how many, and how many kinds of faults."""
    rng = random.Random(f"{seed} {target.name}")
    examples = target.examples() + [path.read_bytes() for path in corpus(target)]
    found: dict[str, tuple[bytes, int, str]] = {}
    count, end = 0, time.monotonic() + seconds

    def attempt(data: bytes, seed: int):
        return data, seed, faults_of(target, data, seed)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        pending = set()
        while time.monotonic() < end or pending:
            while time.monotonic() < end and len(pending) < 2 * workers:
                data = rng.choice(examples)
                for _ in range(rng.choice([1, 1, 2, 3])):
                    data = target.mutate(rng, data)
                pending.add(pool.submit(attempt, data, rng.randrange(1000)))
            done, pending = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                data, command_seed, faults = future.result()
                count += 1
                for fault in faults:
                    found.setdefault(kind_of(fault), (data, command_seed, fault))
    for kind, (data, command_seed, fault) in found.items():
        data = minimised(target, data, command_seed, kind)
        path = CORPUS / target.name / f"{hashlib.sha256(data).hexdigest()[:8]}{target.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"  FAILED  {target.name}: {fault}\n          {path}")
    return count, len(found)


def attack_parser(parsers: str, target: targets.Target, seconds: float, seed: int) -> tuple[int, int]:
    """Lets libFuzzer try inputs for so long; gives back how many, and how many were found bad."""
    with tempfile.TemporaryDirectory(prefix="fuzz-corpus-") as folder:
        for index, data in enumerate(target.examples()):
            Path(folder, f"example-{index}").write_bytes(data)
        found = CORPUS / target.name
        found.mkdir(parents=True, exist_ok=True)
        finished = subprocess.run(
            [parsers, folder, str(found), f"-max_total_time={seconds:.0f}", f"-seed={seed}", "-timeout=60", "-rss_limit_mb=2048",
             "-max_len=8192", f"-artifact_prefix={folder}/found-", "-print_final_stats=1"],
            capture_output=True, stdin=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT, "FUZZ_PARSER": target.name, "TMPDIR": folder})
        errors = finished.stderr.decode("utf-8", "replace")
        counts = re.search(r"number_of_executed_units: (\d+)", errors)
        faults = list(Path(folder).glob("found-*"))
        for fault in faults:
            data = fault.read_bytes()
            path = found / f"{hashlib.sha256(data).hexdigest()[:8]}{target.suffix}"
            path.write_bytes(data)
            print(f"  FAILED  {target.name}: {path}\n{errors[-3000:]}")
        if finished.returncode and not faults:
            print(f"  FAILED  {target.name}: libFuzzer left with status {finished.returncode}: {errors[-1000:]}")
        return int(counts[1]) if counts else 0, len(faults) or int(finished.returncode != 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--understudy", required=True, type=lambda text: str(Path(text).resolve()))
    parser.add_argument("--parsers", type=lambda text: str(Path(text).resolve()), help="libFuzzer's program")
    parser.add_argument("--seconds", type=float, default=30, help="for each target")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of the inputs; another one each time by default")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="programs at a time")
    parser.add_argument("--replay", action="store_true", help="only what was found before")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    chosen = [target for target in TARGETS if not options.targets or target.name in options.targets]
    passed = failed = 0

    def tell(name: str, count: int, bad: int) -> None:
        nonlocal passed, failed
        print(f"  {'FAILED' if bad else 'ok':6}  {name}: {count} inputs, {bad} kinds of faults (--seed {options.seed})", flush=True)
        passed, failed = passed + count, failed + bad

    with tempfile.TemporaryDirectory(prefix="fuzz-material-") as name:
        for kind in chosen:
            target = kind(options.understudy, Path(name) / kind.name)
            if options.replay:
                inputs = corpus(target)
                with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
                    results = list(pool.map(lambda path: faults_of(target, path.read_bytes()), inputs))
                for path, faults in zip(inputs, results):
                    for fault in faults:
                        print(f"  FAILED  {target.name}/{path.name}: {fault}")
                bad = sum(bool(faults) for faults in results)
                print(f"  {'FAILED' if bad else 'ok':6}  {target.name}: {len(inputs)} inputs that were once answered badly")
                passed, failed = passed + len(inputs) - bad, failed + bad
            else:
                tell(target.name, *attack(target, options.seconds, options.seed, options.workers))
                if options.parsers and target.has_parser:
                    found = attack_parser(options.parsers, target, options.seconds, options.seed)
                    tell(f"{target.name}, by libFuzzer", *found)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
