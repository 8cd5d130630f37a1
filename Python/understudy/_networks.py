"""Network files: safetensors, read with NumPy alone."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from understudy._errors import ResultsError

_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}


def read_network(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file by name: ``layers.0.weight`` [nodes, inputs], ``layers.0.bias`` [nodes], ...

    The last layer is the output layer. ``Docs/Formats.md`` describes the names and layouts.

    Raises:
        ResultsError: if the file is missing, damaged, or has numbers of a type that NumPy does not know.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            if entry["dtype"] not in _TYPES:
                raise ResultsError(f"{path}: {name} has the type {entry['dtype']}; convert it to F32 or F64")
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            data = np.frombuffer(content[start:end], _TYPES[entry["dtype"]])
            tensors[name] = data.reshape(entry["shape"]).copy()
        return tensors
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ResultsError):
            raise
        raise ResultsError(f"{path}: not a safetensors file, or damaged ({error})") from None
