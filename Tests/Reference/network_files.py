"""Networks as safetensors files: an 8-byte little-endian length, a JSON header of that length, the tensors' bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from reference import Network

Tensors = dict[str, np.ndarray]
TYPES = {"F64": "<f8", "F32": "<f4"}


def write_tensors(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> None:
    """Write float64 tensors, in the order given."""
    header: dict = {"__metadata__": metadata} if metadata else {}
    blobs, offset = [], 0
    for name, tensor in tensors.items():
        blob = np.ascontiguousarray(tensor, dtype="<f8").tobytes()
        header[name] = {"dtype": "F64", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the data is aligned
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def read_tensors(path: Path) -> Tensors:
    """Read the tensors of a file, in double or single precision, as float64."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in TYPES:
            raise ValueError(f"{path.name}: {name} is {entry['dtype']}, expected one of {', '.join(TYPES)}")
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], dtype=TYPES[entry["dtype"]])
        tensors[name] = values.astype("<f8").reshape(entry["shape"])
    return tensors


def tensors_of(network: Network, biases: bool) -> Tensors:
    """A network under the names and layouts of its file; without biases there are no bias tensors."""
    tensors = {
        "layers.0.weight": network.w1, "layers.0.bias": network.b1,
        "layers.1.weight": network.w2, "layers.1.bias": network.b2,
    }
    return {name: tensor for name, tensor in tensors.items() if biases or not name.endswith(".bias")}
