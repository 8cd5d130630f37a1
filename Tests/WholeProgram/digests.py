"""Digests of what the program computes: exact, with enough beside them to say how far off a changed number is."""

from __future__ import annotations

import csv
import hashlib
import json
import struct
from collections import defaultdict
from pathlib import Path

import numpy as np

# Columns of an export that are not settings; `run` is a hash, which may change where no number does.
NOT_SETTINGS = {"run", "epoch", "measure", "i", "j", "value"}


def digest_of(values: list[float], labels: str = "") -> dict:
    """A digest of numbers in their order: of all their bits, and sums by which a difference in size is known.

    `projection` weighs every number differently, so that two that change places show.
    """
    array = np.asarray(values, dtype=np.float64)
    content = hashlib.sha256(labels.encode() + array.tobytes()).hexdigest()[:32]
    finite = np.where(np.isfinite(array), array, 0.0)
    weights = np.cos(np.arange(array.size) + 1.0)
    return {
        "digest": content,
        "count": int(array.size),
        "size": float(np.sqrt(np.sum(finite**2))),
        "projection": float(np.dot(finite, weights)),
        "notFinite": int(array.size - np.isfinite(array).sum()),
    }


def difference(got: dict, wanted: dict) -> str:
    """Where two digests that are not equal differ, and by how much relative to the numbers' size."""
    if got["count"] != wanted["count"]:
        return f"in its count: {got['count']} numbers, {wanted['count']} before"
    if got["notFinite"] != wanted["notFinite"]:
        return f"in how many are not finite: {got['notFinite']}, {wanted['notFinite']} before"
    apart = max(abs(got[key] - wanted[key]) for key in ("size", "projection"))
    if apart == 0:
        return "in its words, their order, or the last bits"
    return f"by {apart / max(got['size'], wanted['size']):.1e}"


def of_export(path: Path) -> tuple[dict[str, dict], dict[str, tuple]]:
    """Digests of the measures of an exported folder; and of each run what it is, by its hash: its setting and seed."""
    values: dict[str, list] = defaultdict(list)
    runs: dict[str, tuple] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            key = tuple(sorted((name, text) for name, text in row.items() if name not in NOT_SETTINGS))
            runs[row["run"]] = key
            place = tuple(int(row[name]) if row[name] else -1 for name in ("epoch", "i", "j"))
            values[row["measure"]].append((key, place, row["value"]))
    digests = {}
    for measure, rows in values.items():
        rows.sort(key=lambda row: row[:2])
        digests[measure] = digest_of([float(row[2] or "nan") for row in rows], str([row[1] for row in rows]))
    return digests, runs


def of_network(path: Path) -> dict:
    """A digest of a safetensors file's tensors: names, shapes and numbers, whatever their order and the file's metadata."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    types = {"F64": np.float64, "F32": np.float32}
    values, labels = [], []
    for name in sorted(header):
        start, end = header[name]["data_offsets"]
        data = content[8 + length + start : 8 + length + end]
        values.extend(np.frombuffer(data, dtype=types[header[name]["dtype"]]).astype(np.float64))
        labels.append((name, header[name]["dtype"], header[name]["shape"]))
    return digest_of(values, str(labels))


def of_json(value) -> dict:
    """A digest of a JSON value, its numbers apart from everything else; without how fast, and on what machine."""
    numbers: list[float] = []

    def skeleton(part):
        if isinstance(part, dict):
            results = (key for key in sorted(part) if key != "machine" and not key.lower().endswith("seconds"))
            return {key: skeleton(part[key]) for key in results}
        if isinstance(part, list):
            return [skeleton(element) for element in part]
        if isinstance(part, (int, float)) and not isinstance(part, bool):
            numbers.append(float(part))
            return 0
        return part

    return digest_of(numbers, json.dumps(skeleton(value)))
