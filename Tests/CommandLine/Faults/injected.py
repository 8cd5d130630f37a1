"""The commands whose system calls are let fail, and what has to hold after each."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

STUDY = """\
network: {inputDimension: 4, outputDimension: 2}
teacher: {hiddenNodes: 2, strengthDecay: [0, 1]}
student: {overRealization: 2, scale: 0.1}
inputs: {training: {count: 60}, evaluation: {count: 40}}
training: {epochs: 3, stepsPerEpoch: 20, learningRate: 0.05}
seeds: 2
record: [{measures: [evaluationLoss, studentBoundaries], epochs: [0, 1, 2, 3]}]
figures: [{name: loss, kind: evaluationLoss, caption: c}]
"""
# Teachers and oracles are stored beside the runs, and the optimizer's memory with them.
IMAGES = """\
teacher: {layers: "conv 3, conv 2", training: {epochs: 1, batchSize: 16}}
oracle: {prunedShares: "0.3-0.5"}
student: {overRealization: [1, 2], initialization: uniform}
inputs: {images: pictures, training: {count: 40}, evaluation: {count: 30}}
training: {batchSize: 8, learningRate: 0.01, momentum: 0.9, epochs: 2, stepsPerEpoch: 3}
seeds: 2
record: [{measures: [evaluationLoss, evaluationAccuracy], every: 1}]
"""


class Wrong(Exception):
    """What should not have happened."""


def expect(condition: bool, text: str) -> None:
    if not condition:
        raise Wrong(text)


class Command:
    """A command and what has to hold after it. Each case has a folder of its own, a copy of the material."""

    name = ""
    #: Calls that fail of each kind, for one of the first commands: those that write like these take fewer.
    share = 1.0
    #: What is at the output before; None for nothing.
    old: bytes | None = b"old"

    def __init__(self, understudy: str, material: Path) -> None:
        self.understudy, self.material = understudy, material

    def arguments(self, folder: Path) -> list[str]:
        raise NotImplementedError

    def prepare(self, folder: Path) -> None:
        """Puts what the command needs into a folder."""
        if self.old is not None:
            self.output(folder).write_bytes(self.old)

    def output(self, folder: Path) -> Path:
        """The file that the command writes."""
        return folder / "output"

    def content(self, folder: Path):
        """What is at the output, without the name of the case's folder, which some outputs say; None for nothing."""
        path = self.output(folder)
        return path.read_bytes().replace(str(folder).encode(), b"FOLDER") if path.exists() else None

    def verify(self, folder: Path, status: int, can_clean_up: bool) -> None:
        """The output is the old one, or whole; and, where files can be removed at all, nothing else is left."""
        content = self.content(folder)
        if status == 0:
            expect(content == self.wanted, "exit code 0, and the output is not what it should be")
        expect(content in (self.old, self.wanted), "what was there before is not there, nor the new whole")
        left = [path.name for path in folder.glob(".*partial")]
        expect(not left or not can_clean_up, f"left behind: {left}")

    def start(self, folder: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        return self.call(self.arguments(folder), environment)

    def call(
        self, arguments: list[str], environment: dict[str, str] | None = None, stdout=subprocess.PIPE
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.understudy, *arguments], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
            env={**os.environ, "OPENBLAS_CORETYPE": "Nehalem", "SWIFT_BACKTRACE": "enable=no", **(environment or {})}, timeout=120)

    def folder(self, parent: str) -> Path:
        """A new folder, prepared."""
        folder = Path(tempfile.mkdtemp(dir=parent))
        self.prepare(folder)
        return folder

    def learn(self, parent: str) -> None:
        """What an undisturbed one gives."""
        folder = self.folder(parent)
        finished = self.start(folder)
        expect(finished.returncode == 0, f"{self.name}: undisturbed, status {finished.returncode}: {finished.stderr.decode()[-300:]}")
        self.keep(folder)

    def keep(self, folder: Path) -> None:
        self.wanted = self.content(folder)


class Export(Command):
    name = "export"

    def prepare(self, folder):
        super().prepare(folder)
        shutil.copytree(self.material / "whole", folder / "results")

    def arguments(self, folder):
        return ["export", str(folder / "results"), "--output", str(folder / "output")]


class Report(Export):
    name = "report"
    old = None  # a page with figures would stay where figures cannot be drawn

    def arguments(self, folder):
        return ["report", str(folder / "results"), "--output", str(folder / "output"), "--python", "/nonexistent/python"]


class Recover(Command):
    name = "recover --into"

    def prepare(self, folder):
        super().prepare(folder)
        for name in ("teacher.safetensors", "student.safetensors", "inputs.npy"):
            shutil.copy(self.material / name, folder)

    def files(self, folder):
        return [
            "--teacher", str(folder / "teacher.safetensors"), "--student", str(folder / "student.safetensors"), "--inputs",
            str(folder / "inputs.npy")]

    def arguments(self, folder):
        return ["recover", *self.files(folder), "--iterations", "5", "--into", str(folder / "output")]


class AuditJSON(Recover):
    """JSON into a file that the shell opened: it may be cut, but not with exit code 0."""

    name = "audit --json"

    def arguments(self, folder):
        return ["audit", *self.files(folder), "--json"]

    def start(self, folder, environment=None):
        with open(folder / "output", "wb") as file:
            return self.call(self.arguments(folder), environment, stdout=file)

    def verify(self, folder, status, can_clean_up):
        if status == 0:
            super().verify(folder, status, can_clean_up)


class Run(Command):
    """A study, which is run again after the fault."""

    name = "run"
    study = "study.yaml"
    count = 4

    def arguments(self, folder):
        return ["run", str(self.material / self.study), "--results", str(folder / "results"), "--threads", "1",
                "--checkpoint-interval", "0", "--python", "/nonexistent/python"]

    def rows(self, folder):
        file = folder / "results" / "results.sqlite"
        if not file.exists():
            return set()
        try:
            database = sqlite3.connect(file)
            return set(database.execute("SELECT hash, finished_at, wall_seconds, cpu_seconds FROM run"))
        except sqlite3.OperationalError:  # no tables yet
            return set()

    def exported(self, folder):
        return subprocess.run([self.understudy, "export", str(folder / "results")], capture_output=True, check=True).stdout

    def weights(self, folder):
        return {path.name: path.read_bytes() for path in (folder / "results" / "weights").iterdir()}

    def keep(self, folder):
        self.wanted = (self.exported(folder), self.weights(folder))

    def verify(self, folder, status, can_clean_up):
        before = self.rows(folder)
        again = self.start(folder)
        expect(again.returncode == 0, f"run again: status {again.returncode}: {again.stderr.decode()[-300:]}")
        after = self.rows(folder)
        expect(before <= after, "a run that was recorded was recorded again")
        expect(len(after) == self.count, f"{len(after)} of {self.count} runs are recorded")
        expect(status != 0 or len(before) == self.count, "exit code 0 with runs missing")
        expect((self.exported(folder), self.weights(folder)) == self.wanted, "not what an undisturbed study gives")
        checked = subprocess.run([self.understudy, "check", str(folder / "results")], capture_output=True)
        expect(checked.returncode == 0, f"check: {checked.stdout.decode()[-300:]}")


class RunImages(Run):
    """The same over images."""

    name = "run, over images"
    share = 0.25
    study = "images.yaml"


class RunLonger(Run):
    """Recorded runs that are trained longer: they become checkpoints first."""

    name = "run, longer"
    share = 0.25

    def prepare(self, folder):
        super().prepare(folder)
        shutil.copytree(self.material / "seen", folder / "results")

    def arguments(self, folder):
        return [*super().arguments(folder), "--set", "training.epochs=3"]

    study = "images.yaml"

    def rows(self, folder):
        # Those of before are no runs of the longer study.
        rows = super().rows(folder)
        return rows - self.before if hasattr(self, "before") else rows

    def learn(self, parent):
        folder = self.folder(parent)
        self.before = super().rows(folder)
        super().learn(parent)


class Zoom(Run):
    """A folder of its own, made of a stored run."""

    name = "zoom"
    share = 0.25
    count = 1

    def prepare(self, folder):
        super().prepare(folder)
        shutil.copytree(self.material / "whole", folder / "stored")
        # That it was not changed is a part of the promise.
        self.stored = self.tables(folder)

    def tables(self, folder):
        database = sqlite3.connect(f"file:{folder}/stored/results.sqlite?mode=ro", uri=True)
        return list(database.iterdump())

    def arguments(self, folder):
        return ["zoom", str(folder / "stored"), "--seed", "1", "--where", "teacher.strengthDecay=1", "--from", "5", "--to", "45", "--every", "20",
                "--into", str(folder / "results"), "--threads", "1", "--checkpoint-interval", "0", "--no-report"]

    def verify(self, folder, status, can_clean_up):
        super().verify(folder, status, can_clean_up)
        expect(self.tables(folder) == self.stored, "the folder that was looked into has changed")


class Forget(Run):
    """Runs that are gone are gone whole, and made again with the same bits."""

    name = "forget"
    share = 0.25

    def prepare(self, folder):
        super().prepare(folder)
        shutil.copytree(self.material / "seen", folder / "results")

    study = "images.yaml"

    def start(self, folder, environment=None):
        if environment is None:
            return super().start(folder)  # the study, again
        return self.call(["forget", str(folder / "results"), "--seed", "1"], environment)

    def verify(self, folder, status, can_clean_up):
        before = self.rows(folder)
        expect(status != 0 or len(before) == 2, f"exit code 0, and {len(before)} of 2 runs are left")
        expect(len(before) in (2, 4), f"{len(before)} runs are left: neither all nor those that were not chosen")
        # Forgotten once more, whatever is left of them goes.
        again = self.call(["forget", str(folder / "results"), "--seed", "1"])
        expect(again.returncode == (0 if len(before) == 4 else again.returncode), f"forget again: {again.stderr.decode()[-300:]}")
        super().verify(folder, 1, can_clean_up)


class Extract(Command):
    """A folder of files: with exit code 0 all of them, and never one that is not whole."""

    name = "extract"
    share = 0.25
    old = None

    def prepare(self, folder):
        shutil.copytree(self.material / "whole", folder / "results")

    def output(self, folder):
        return folder / "extracted"

    def arguments(self, folder):
        return ["extract", str(folder / "results"), "--seed", "1", "--where", "teacher.strengthDecay=1", "--into", str(self.output(folder))]

    def content(self, folder):
        files = self.output(folder).iterdir() if self.output(folder).exists() else []
        return {path.name: path.read_bytes().replace(str(folder).encode(), b"FOLDER") for path in files}

    def verify(self, folder, status, can_clean_up):
        found = self.content(folder)
        expect(status != 0 or found == self.wanted, "exit code 0, and not all files are there")
        for name, content in found.items():
            if name in self.wanted:
                expect(content == self.wanted[name], f"{name} is not whole")
            else:
                expect(not can_clean_up, f"left behind: {name}")


class Prune(Command):
    name = "prune"
    share = 0.25

    def output(self, folder):
        return folder / "output.safetensors"

    def prepare(self, folder):
        super().prepare(folder)
        for name in ("student.safetensors", "inputs.npy"):
            shutil.copy(self.material / name, folder)

    def arguments(self, folder):
        return ["prune", str(folder / "student.safetensors"), "--inputs", str(folder / "inputs.npy"), "--keep", "2", "--output",
                str(self.output(folder))]


class Convert(Prune):
    name = "convert"

    def output(self, folder):
        return folder / "output.onnx"

    def arguments(self, folder):
        return ["convert", str(folder / "student.safetensors"), str(self.output(folder))]


class Outputs(Prune):
    name = "outputs"

    def output(self, folder):
        return folder / "output.npy"

    def arguments(self, folder):
        return ["outputs", str(folder / "student.safetensors"), "--inputs", str(folder / "inputs.npy"), "--output", str(self.output(folder))]


COMMANDS = [Run, Export, Report, Recover, AuditJSON, RunImages, RunLonger, Zoom, Forget, Extract, Prune, Convert, Outputs]
