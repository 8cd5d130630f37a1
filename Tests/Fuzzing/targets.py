"""What is fuzzed: for each kind of input its examples, its mutations, and the commands that read it."""

from __future__ import annotations

import gzip
import json
import math
import os
import random
import re
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WRITER = HERE.parent / "CommandLine" / "files.py"
sys.path.insert(0, str(WRITER.parent))

import files
import mutations

SMALL = {
    "name": "small",
    "network": {"inputDimension": 4, "outputDimension": 2},
    "teacher": {"hiddenNodes": 2, "strengthDecay": 1},
    "student": {"overRealization": 2, "scale": 0.1},
    "inputs": {"training": {"count": 60}, "evaluation": {"count": 40}},
    "training": {"epochs": 3, "stepsPerEpoch": 20, "learningRate": 0.05},
    "seeds": 2,
}

SMALL_IMAGES = {
    "name": "images",
    "teacher": {"layers": "conv 4, conv 3 max 2", "normalization": "afterActivation", "training": {"epochs": 1, "batchSize": 16}},
    "oracle": {"prunedShares": "0.25-0.4", "training": {"epochs": 1, "batchSize": 16}},
    "student": {"overRealization": [1, 2], "initialization": "uniform", "normalization": "afterActivation"},
    "inputs": {"images": "pictures", "cropPadding": 1, "flips": True, "training": {"count": 60}, "evaluation": {"count": 40}},
    "training": {"batchSize": 16, "learningRate": 0.005, "momentum": 0.9, "epochs": 3, "stepsPerEpoch": 5},
    "seeds": 2,
    "record": [
        {"measures": ["trainingLoss", "evaluationLoss", "evaluationAccuracy", "layerWidths", "layerCorrelations", "layerStrengths"], "every": 1},
        {"measures": ["teacherAccuracies", "layerTeacherStrengths"], "epochs": [0]}],
    "figures": [{"name": "accuracy", "kind": "accuracy", "column": "student.overRealization", "caption": "c"}],
}


def study(content: dict) -> str:
    """A study file: JSON is YAML."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in content.items())


SMALL_STUDY = study(SMALL)
# Measures and pictures of most kinds; epoch 4 is that of the critical-point search.
STORED_STUDY = SMALL_STUDY.replace('"strengthDecay": 1', '"strengthDecay": [0, 1]') + """\
criticalPoint: {method: levenbergMarquardt, iterations: 5}
record:
  - {measures: [inputSample, teacherBoundaries, teacherFanOutNorms], epochs: [0]}
  - measures: [trainingLoss, evaluationLoss, trainingCorrelation, trainingDeadNodes, evaluationCorrelation, fanOutNorms, nodeGradients, studentBoundaries,
      trainingObservationCounts, evaluationObservationCounts, evaluationDeadNodes, layerCorrelations, boundaryStrengths]
    epochs: [0, 1, 2, 3, 4]
  - measures: [alignment, predictedAlignment, studentAlignment, kinkBalances, largestGradient, observerCounts, verdicts,
      layerWidths, layerStudentCorrelations, layerStrengths, layerDeadNodes]
    epochs: [0, 4]
  - {measures: [mergedNodeCount, criticalPoint], last: true}
figures:
  - {name: loss, kind: evaluationLoss, caption: c}
  - {name: observers, kind: observers, caption: c}
  - {name: verdicts, kind: verdictShares, caption: c}
  - {name: bound, kind: alignmentBound, caption: c}
  - {name: unaligned, kind: unalignedStudents, caption: c}
  - {name: rates, kind: recoveryRate, caption: c}
  - {name: l, kind: lShape, caption: c}
  - {name: layers, kind: layerLShape, caption: c, epochs: [4]}
findings:
  - {statement: s, statistic: divergedShare, atMost: 0}
  - {statement: t, statistic: recoveredNodes, epoch: 4, atLeast: 1}
"""


class Target:
    """One kind of input. `folder` of the methods is a fresh one, with the material of `prepare` in `self.material`."""

    name = ""
    suffix = ""
    #: Seconds that a command may take on a machine that does other things as well.
    seconds = 30.0
    #: Whether libFuzzer has a target of this name.
    has_parser = False
    #: How many of its commands an input is given to, in this order; all when it is replayed.
    chosen = 1

    def __init__(self, understudy: str, material: Path) -> None:
        self.understudy, self.material = understudy, material
        material.mkdir(parents=True)
        self.prepare()

    def call(self, *arguments: str) -> None:
        subprocess.run([self.understudy, *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL, cwd=self.material)

    def write(self, kind: str, name: str, *arguments: object) -> None:
        subprocess.run([sys.executable, WRITER, kind, name, *map(str, arguments)], check=True, cwd=self.material)

    def prepare(self) -> None:
        """Makes what all inputs need."""

    def examples(self) -> list[bytes]:
        """Inputs that are right."""
        raise NotImplementedError

    def mutate(self, rng: random.Random, data: bytes) -> bytes:
        raise NotImplementedError

    def place(self, data: bytes, folder: Path) -> None:
        """Puts the input into a folder."""
        (folder / f"input{self.suffix}").write_bytes(data)

    def commands(self) -> list[list[str]]:
        """The commands that read the input."""
        raise NotImplementedError

    def place_of(self, name: str) -> str:
        return str(self.material / name)

    def parts(self, data: bytes) -> tuple[list, callable]:
        """The input in pieces of which some may be left out, and how pieces become an input."""
        return [data[i:i + 1] for i in range(len(data))], b"".join


class Studies(Target):
    """Study files as far as they are read: the results folder cannot be made, so nothing is trained."""

    name, suffix, has_parser = "studies", ".yaml", True

    def prepare(self):
        (self.material / "file").write_text("")

    def examples(self):
        return [path.read_bytes() for path in sorted((HERE.parents[1] / "Studies").glob("*/*.yaml"))] + [STORED_STUDY.encode()]

    def mutate(self, rng, data):
        text = data.decode("utf-8", "replace")
        if rng.random() < 0.15:
            return mutations.bytes_changed(rng, data)
        others = [example.decode() for example in self.examples()]
        return mutations.text_changed(rng, text, others).encode("utf-8", "surrogatepass")

    def commands(self):
        run = ["run", "input.yaml", "--results", self.place_of("file/results")]
        return [run, run, [*run, "--scale", "quick"]]

    def parts(self, data):
        return data.split(b"\n"), b"\n".join


class Settings(Target):
    """Small studies of random settings, which are trained and read back."""

    name, suffix, chosen = "settings", ".json", 4
    base = SMALL

    def prepare(self):
        # Wide enough for each key's kind and default to be on its line.
        text = subprocess.run(
            [self.understudy, "keys"], check=True, capture_output=True, text=True, env={**os.environ, "COLUMNS": "10000"}).stdout
        self.keys = [
            (key, kind) for key, kind in re.findall(r"^  ([a-z][\w.]+) \((.*); default", text, re.M)
            if "file" not in kind and "folder" not in kind]
        if not self.keys:
            raise RuntimeError("`understudy keys` lists its keys in another form than is expected here")

    def examples(self):
        return [b"[]"]

    def mutate(self, rng, data):
        chosen = json.loads(data)
        for _ in range(rng.choice([1, 2, 3, 5])):
            key, kind = rng.choice(self.keys)
            choices = re.search(r"one of ([^;]*)", kind)
            if choices:
                value = rng.choice(choices[1].split(", "))
            elif "true or false" in kind:
                value = rng.choice([True, False])
            elif "integer" in kind:
                value = rng.choice([0, 1, 1, 2, 3, 5, 17, 40, -1, 2**62])
            elif key == "student.overRealization":  # what costs time stays small
                value = rng.choice([0.5, 1, 1.5, 2, 3.3, 40, "2-1", "1-1-1"])
            elif key == "oracle.prunedShares":
                value = rng.choice(["0.5", "0.25-0.4", "0-0", "0.99-0", "0.1-0.1-0.1"])
            elif key == "teacher.layers":
                value = rng.choice(["conv 3", "conv 2 size 3 max 2, dense 3", "dense 4, dense 2", "conv 2 stride 2 padding 1, conv 3", "conv 1 size 9"])
            elif "hyphens" in kind:
                value = "-".join(str(rng.choice([1, 2, 3, 5])) for _ in range(rng.choice([1, 2, 3])))
            elif "epochs" in kind:
                value = rng.choice(["0: 0.1, 2: 0.01", "0: 1e300", "1: 0.1"])
            else:
                value = rng.choice([0, 0.001, 0.1, 1, 1.5, 3, 10, 5e-324, 1e-300, 1e-12, 1e6, 1e30, 1e100, 1e300, -1])
            if "integer" in kind:
                value = min(value, 40)
            chosen.append([key, value])
        return json.dumps(chosen[-12:]).encode()

    def place(self, data, folder):
        content = json.loads(json.dumps(self.base))
        for path, value in json.loads(data):
            *groups, key = path.split(".")
            place = content
            for group in groups:
                place = place.setdefault(group, {})
            place[key] = value
        (folder / "input.yaml").write_text(study(content))

    def commands(self):
        run = ["run", "input.yaml", "--set", "seeds=1", "--threads", "1", "--results", "results"]
        return [run, ["check", "results"], ["audit", "results", "--json"], ["export", "results"]]

    def parts(self, data):
        return json.loads(data), lambda pieces: json.dumps(pieces).encode()


class ImageSettings(Settings):
    """The same over a small set of images: a teacher that is trained, its oracle, and students."""

    name = "image-settings"

    def prepare(self):
        super().prepare()
        self.write("images", "pictures", 60, 40, 6)
        self.base = {
            **SMALL_IMAGES, "inputs": {**SMALL_IMAGES["inputs"], "images": self.place_of("pictures")},
            "student": {**SMALL_IMAGES["student"], "overRealization": 2}}

    def commands(self):
        zoom = ["zoom", "results", "--from", "0", "--to", "3", "--into", "zoom", "--no-report"]
        return [*super().commands(), zoom, ["extract", "results", "--into", "extracted"], ["status", "results", "--runs"]]


class Networks(Target):
    """Network files."""

    name, suffix, has_parser = "networks", ".safetensors", True

    def prepare(self):
        self.write("planted", "teacher.safetensors", "student.safetensors", 4, 2, 2)
        self.write("deep", "deep-teacher.safetensors", "deep-student.safetensors", 4, 2, 2)
        self.write("inputs", "inputs.npy", 30, 4)

    def examples(self):
        return [path.read_bytes() for path in sorted(self.material.glob("*.safetensors"))]

    def mutate(self, rng, data):
        return mutations.network_changed(rng, data)

    def commands(self):
        it, inputs = "input.safetensors", ["--inputs", self.place_of("inputs.npy")]
        commands = []
        for depth in ("", "deep-"):
            teacher, student = self.place_of(f"{depth}teacher.safetensors"), self.place_of(f"{depth}student.safetensors")
            commands += [
                ["audit", "--teacher", teacher, "--student", it, *inputs],
                ["audit", "--teacher", it, "--student", student, *inputs],
                ["audit", "--teacher", it, "--student", it, *inputs, "--merge-into", "merged.safetensors"],
                ["connect", student, it, "--teacher", teacher, *inputs, "--points", "20"],
                ["connect", it, it, "--teacher", it, *inputs, "--points", "20"],
                ["recover", "--student", it, "--teacher", teacher, *inputs, "--iterations", "5", "--into", "small.safetensors"],
            ]
        return commands + [[*command, "--json"] for command in commands]


class Exchanged(Target):
    """State dicts of any names, and ONNX models; each input under both endings."""

    name, suffix, has_parser = "exchanged", ".bin", True
    convolutions = ["--image", "1x6x6", "--layers", "conv 2", "--normalization", "beforeActivation"]

    def prepare(self):
        def tensor(*shape):
            return list(shape), [random.gauss(0, 1) for _ in range(math.prod(shape))]

        files.safetensors(self.place_of("dict.safetensors"), {
            "0.weight": tensor(2, 1, 3, 3), "0.bias": tensor(2), "1.weight": tensor(2), "1.bias": tensor(2),
            "1.running_mean": tensor(2), "1.running_var": ([2], [1.0, 2.0]), "4.weight": tensor(3, 32), "4.bias": tensor(3)})
        files.safetensors(self.place_of("dense.safetensors"), {
            "fc1.weight": tensor(4, 3), "fc1.bias": tensor(4), "fc2.weight": tensor(2, 4), "fc2.bias": tensor(2)})
        self.call("convert", "dict.safetensors", "network.safetensors", *self.convolutions)
        self.call("convert", "dense.safetensors", "dense.onnx")
        self.call("convert", "network.safetensors", "network.onnx")

    def examples(self):
        return [path.read_bytes() for path in sorted(self.material.iterdir())]

    def mutate(self, rng, data):
        return mutations.network_changed(rng, data) if data[8:9] == b"{" else mutations.bytes_changed(rng, data)

    def place(self, data, folder):
        for ending in ("safetensors", "onnx"):
            (folder / f"input.{ending}").write_bytes(data)

    def commands(self):
        return [
            ["convert", "input.onnx", "network.safetensors"], ["convert", "input.safetensors", "model.onnx"],
            ["convert", "input.safetensors", "network.safetensors", *self.convolutions],
            ["convert", "input.onnx", "dict.safetensors", "--image", "1x6x6"],
            ["convert", self.place_of("dense.safetensors"), "named.safetensors", "--names-of", "input.safetensors"]]


class Numbers(Target):
    """The numbers, of any size, of a small student, its teacher and inputs, as Sources/parsers has them, too."""

    name, suffix, has_parser = "numbers", ".bin", True
    inputs, outputs, samples = 2, 2, 8

    def examples(self):
        rng = random.Random(1)
        return [struct.pack("<53d", *(rng.gauss(0, 1) for _ in range(53)))]

    def mutate(self, rng, data):
        return struct.pack("<53d", *mutations.numbers_changed(rng, list(struct.unpack("<53d", data[:424].ljust(424, b"\0")))))

    def place(self, data, folder):
        (folder / "input.bin").write_bytes(data)
        numbers = iter([x if math.isfinite(x) else 1.0 for (x,) in struct.iter_unpack("<d", data[:len(data) // 8 * 8])])

        def take(count):
            return [next(numbers, 1.0) for _ in range(count)]

        for name, nodes in (("student", 3), ("teacher", 2)):
            first, biases = take(nodes * self.inputs), take(nodes)
            files.safetensors(folder / f"{name}.safetensors", {
                "layers.0.weight": ([nodes, self.inputs], first), "layers.0.bias": ([nodes], biases),
                "layers.1.weight": ([self.outputs, nodes], take(self.outputs * nodes)), "layers.1.bias": ([self.outputs], take(self.outputs))})
        values = [float(index * 7 % 11 - 5) for index in range(self.samples * self.inputs)]
        given = list(numbers)[:len(values)]
        values[:len(given)] = given
        files.array(folder / "inputs.npy", "<f8", (self.samples, self.inputs), struct.pack(f"<{len(values)}d", *values))

    def commands(self):
        student, teacher, inputs = "student.safetensors", ["--teacher", "teacher.safetensors"], ["--inputs", "inputs.npy"]
        commands = [
            ["audit", *teacher, "--student", student, *inputs], ["audit", *teacher, "--student", student, "--ball", "3"],
            ["audit", *teacher, "--student", student, "--box", "-1,2"], ["connect", student, student, *teacher, *inputs, "--points", "20"],
            ["recover", "--student", student, *teacher, *inputs, "--iterations", "5"]]
        return commands + [[*command, "--json"] for command in commands]


class Arrays(Target):
    """Array files: inputs, targets and batches."""

    name, suffix, has_parser = "arrays", ".npy", True

    def prepare(self):
        self.write("planted", "teacher.safetensors", "student.safetensors", 4, 2, 2)
        self.write("inputs", "inputs.npy", 30, 4)
        self.write("inputs", "integers.npy", 30, 4, "integers")
        self.write("batches", "batches.npy", 6, 4, 30)
        self.write("outputs", "targets.npy", "teacher.safetensors", "inputs.npy")
        (self.material / "small.yaml").write_text(SMALL_STUDY)

    def examples(self):
        return [path.read_bytes() for path in sorted(self.material.glob("*.npy"))]

    def mutate(self, rng, data):
        return mutations.array_changed(rng, data)

    def commands(self):
        student = ["--student", self.place_of("student.safetensors")]
        teacher = ["--teacher", self.place_of("teacher.safetensors")]
        run = ["run", self.place_of("small.yaml"), "--threads", "1", "--results", "results"]
        return [
            ["audit", *teacher, *student, "--inputs", "input.npy"],
            ["audit", *teacher, *student, "--inputs", "input.npy", "--json"],
            ["recover", *student, "--inputs", self.place_of("inputs.npy"), "--targets", "input.npy", "--iterations", "5"],
            ["recover", *student, *teacher, "--inputs", "input.npy", "--iterations", "5"],
            [*run, "--set", "inputs.training.file=input.npy"],
            [*run, "--set", f"inputs.training.file={self.place_of('inputs.npy')}", "--set", "training.batches.file=input.npy"],
        ]


class Images(Target):
    """A file of a set of images: in turn every file of every layout, among files that are right."""

    name, suffix, has_parser = "images", ".bin", True
    #: Folder, and the file in it that the input takes the place of.
    places = [("idx", "train-images-idx3-ubyte"), ("idx", "train-labels-idx1-ubyte"), ("idx", "t10k-images-idx3-ubyte"),
              ("arrays", "train-images.npy"), ("arrays", "train-labels.npy"), ("cifar", "data_batch_2.bin"), ("cifar", "batches.meta.txt")]

    @staticmethod
    def idx(shape: list[int], content: bytes) -> bytes:
        return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content

    @staticmethod
    def array(kind: str, shape: tuple, content: bytes) -> bytes:
        text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + content

    def right(self) -> dict[tuple[str, str], bytes]:
        """Three small sets, file by file."""
        pixels = bytes(index * 37 % 256 for index in range(48))
        labels = struct.pack("<4q", 0, 1, 1, 0)
        sets = {}
        for part in ("train", "t10k"):
            sets["idx", f"{part}-images-idx3-ubyte"] = self.idx([4, 3, 4], pixels)
            sets["idx", f"{part}-labels-idx1-ubyte"] = self.idx([4], bytes([0, 1, 2, 1]))
        for part in ("train", "test"):
            sets["arrays", f"{part}-images.npy"] = self.array("|u1", (4, 3, 2, 2), pixels)
            sets["arrays", f"{part}-labels.npy"] = self.array("<i8", (4,), labels)
        for name in [*(f"data_batch_{index}" for index in range(1, 6)), "test_batch"]:
            sets["cifar", f"{name}.bin"] = bytes([7]) + 64 * pixels
        sets["cifar", "batches.meta.txt"] = "".join(f"class {index}\n" for index in range(10)).encode()
        return sets

    def examples(self):
        sets = self.right()
        numbers = self.array("<f8", (4, 3, 2, 2), struct.pack("<48d", *(index / 8 for index in range(48))))
        zipped = [gzip.compress(sets[place], mtime=0) for place in self.places[:3]]
        return [sets[place] for place in self.places] + zipped + [numbers]

    def mutate(self, rng, data):
        return mutations.array_changed(rng, data) if data.startswith(b"\x93NUMPY") else mutations.bytes_changed(rng, data)

    def place(self, data, folder):
        for index, place in enumerate(self.places):
            for (layout, name), content in self.right().items():
                if layout == place[0]:
                    (folder / str(index)).mkdir(exist_ok=True)
                    (folder / str(index) / name).write_bytes(data if name == place[1] else content)

    def commands(self):
        return [["data", "check", str(index)] for index in range(len(self.places))] + [["data", "check", "0", "3", "5", "--json"]]
