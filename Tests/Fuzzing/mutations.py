"""Changes of bytes, texts, JSON values, tensors and arrays, by a random generator: what a stranger's file may hold."""

from __future__ import annotations

import json
import math
import random
import struct

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-310, 5e-324, 1e-160, 1e-16, 1e16, 1e80, 1e153, 1e155, 1e300, 1.7976931348623157e308,
           -1e300, math.inf, -math.inf, math.nan]
COUNTS = [0, 1, 2, 3, 7, 64, 255, 256, 1000, 65536, 10**6, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64, -1,
          -2, -(2**63)]
WORDS = ["", " ", "null", "true", "~", "none", "all", "\u0000", "\u001b[31m", "\ud83d\ude00", "../../x", "/", ".", "..", "a" * 300, "%s%n",
         "1e999", "-1", "nan", ".inf", "0x10", "0o7", "1_000", "1,5", "01", "\u00e4\u00df\u6f22", "'", "\"", "\\"]


def bytes_changed(rng: random.Random, data: bytes) -> bytes:
    """A few bytes changed, removed, doubled, put in, or all after a place left out."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        place = rng.randrange(len(data) + 1)
        length = rng.choice([1, 1, 2, 4, 8, 64])
        kind = rng.randrange(7)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1 and place < len(data):
            data[place] = rng.choice([0, 1, 0x20, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif kind == 2:
            del data[place:place + length]
        elif kind == 3:
            data[place:place] = data[place:place + length]
        elif kind == 4:
            data[place:place] = rng.randbytes(length)
        elif kind == 5 and place + 8 <= len(data):
            data[place:place + 8] = struct.pack("<Q", rng.choice(COUNTS) % 2**64)
        elif kind == 6 and rng.random() < 0.2:
            del data[place:]
    return bytes(data)


def value_changed(rng: random.Random, value):
    """A JSON value with one part of it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        value = dict(value)
        key = rng.choice(list(value))
        kind = rng.randrange(8)
        if kind == 0:
            del value[key]
        elif kind == 1:
            value[rng.choice(list(value) + WORDS)] = value.pop(key)
        elif kind == 2:
            value[rng.choice(WORDS)] = value[key]
        else:
            value[key] = value_changed(rng, value[key])
        return value
    if isinstance(value, list) and value and rng.random() < 0.8:
        value = list(value)
        place = rng.randrange(len(value))
        kind = rng.randrange(6)
        if kind == 0:
            del value[place]
        elif kind == 1:
            value[place:place] = [value[place]] * rng.choice([1, 2, 100])
        else:
            value[place] = value_changed(rng, value[place])
        return value
    return rng.choice([
        rng.choice(COUNTS), rng.choice(COUNTS), rng.choice([x for x in NUMBERS if math.isfinite(x)]), rng.choice(WORDS), None, True,
        [], {}, [value], {"a": value}])


def numbers_changed(rng: random.Random, numbers: list[float]) -> list[float]:
    """Some of the numbers others, or all of another size."""
    numbers = list(numbers)
    if not numbers:
        return numbers
    kind = rng.randrange(4)
    if kind == 0:
        factor = rng.choice([0.0, -1.0, 1e-310, 1e-200, 1e-100, 1e30, 1e100, 1e200, 1e300])
        return [factor * x for x in numbers]
    if kind == 1:
        return [rng.choice(numbers)] * len(numbers)
    finite = [x for x in NUMBERS if math.isfinite(x)]
    for _ in range(rng.choice([1, 1, 2, len(numbers)])):
        numbers[rng.randrange(len(numbers))] = rng.choice(NUMBERS if rng.random() < 0.1 else finite)
    if kind == 2 and len(numbers) > 1:  # rows that are the same, or opposite
        half = len(numbers) // 2
        numbers[half:2 * half] = [rng.choice([1, -1, 2, 1e150]) * x for x in numbers[:half]]
    return numbers


def network_changed(rng: random.Random, data: bytes) -> bytes:
    """A safetensors file with another header, other numbers, or other bytes."""
    kind = rng.randrange(6)
    if kind == 0:
        return bytes_changed(rng, data)
    try:
        length = struct.unpack("<Q", data[:8])[0]
        header, body = json.loads(data[8:8 + length]), data[8 + length:]
        if kind in (1, 2):
            header = value_changed(rng, header)
        else:
            for name in rng.sample(sorted(header), min(len(header), rng.choice([1, 1, 2, 3]))):
                start, end = header[name]["data_offsets"]
                numbers = struct.unpack(f"<{(end - start) // 8}d", body[start:end])
                body = body[:start] + struct.pack(f"<{len(numbers)}d", *numbers_changed(rng, numbers)) + body[end:]
        text = json.dumps(header).encode()
        if kind == 2:
            text = bytes_changed(rng, text)
        return struct.pack("<Q", len(text)) + text + body
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        return bytes_changed(rng, data)


def array_changed(rng: random.Random, data: bytes) -> bytes:
    """An .npy file with another header, other numbers, or other bytes."""
    kind = rng.randrange(5)
    try:
        length = struct.unpack("<H", data[8:10])[0]
        text, body = data[10:10 + length], data[10 + length:]
        if kind == 0 or len(text) < 8:
            return bytes_changed(rng, data)
        if kind == 1:
            text = bytes_changed(rng, text)
        elif kind == 2:
            shape = ", ".join(str(rng.choice(COUNTS + [4, 4, 4])) for _ in range(rng.choice([0, 1, 2, 2, 3])))
            kinds = ["<f8", "<f4", "<f2", "<i8", "<u1", "|b1", ">f8", "|O", "<c16", "<f16", "|S1000000", "<i3", "|V0"]
            text = f"{{'descr': '{rng.choice(kinds)}', 'fortran_order': {rng.choice(['True', 'False'])}, 'shape': ({shape}), }}\n".encode()
        elif b"f8" in text:
            numbers = struct.unpack(f"<{len(body) // 8}d", body[:len(body) // 8 * 8])
            body = struct.pack(f"<{len(numbers)}d", *numbers_changed(rng, list(numbers)))
        else:
            body = bytes_changed(rng, body)
        return data[:8] + struct.pack("<H", min(len(text), 65535)) + text[:65535] + body
    except struct.error:
        return bytes_changed(rng, data)


def text_changed(rng: random.Random, text: str, others: list[str]) -> str:
    """A YAML text with lines moved, doubled, exchanged with another's, and values that are others'."""
    lines = text.split("\n")
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        place = rng.randrange(len(lines))
        line = lines[place]
        kind = rng.randrange(12)
        if kind == 0:
            del lines[place]
            lines = lines or [""]
        elif kind == 1:
            lines.insert(rng.randrange(len(lines) + 1), line)
        elif kind == 2:
            other = rng.choice(others).split("\n")
            start = rng.randrange(len(other))
            lines[place:place] = other[start:start + rng.choice([1, 2, 5])]
        elif kind == 3:
            lines[place] = " " * rng.randrange(6) + line.lstrip()
        elif kind in (4, 5, 6) and ":" in line:
            value = rng.choice(NUMBERS + COUNTS + WORDS + [
                "[]", "{}", "[1, 2]", "[[1]]", "{a: 1}", "!!binary aGk=", "!!int '3'", "&a 1", "*a", "<<: *a", "|", "[1, [2, {b: 3}]]",
                "2001-01-01", "1-2-3", "[" * 300, "{a: " * 200, "0: 0.1, 5: 0.2"])
            lines[place] = line.split(":")[0] + ": " + str(value)
        elif kind == 7:
            lines[place] = line.replace(rng.choice(["{", "}", "[", "]", ",", ":", "-", " "]), rng.choice(["", "{", "[", ":", "- ", "\t"]), 1)
        elif kind == 8:
            words = line.split(" ")
            rng.shuffle(words)
            lines[place] = " ".join(words)
        elif kind == 9:
            lines[place] = bytes_changed(rng, line.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        elif kind == 10 and ":" in line:
            key = rng.choice(rng.choice(others).split("\n")).split(":")[0]
            lines[place] = key + ":" + line.split(":", 1)[1]
        elif kind == 11:
            lines[place] = line + rng.choice([" # x", "  ", "\r", ", 1", "]", "}", ": 1", " &b", " *b", "\u2028"])
    return "\n".join(lines)
