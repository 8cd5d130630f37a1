#!/usr/bin/env python3
"""Reads the symbol graphs of the library's targets and lists public symbols whose documentation lacks what it promises.

    docstrings.py --scratch .build-test

Of every public declaration of the library: a summary. Of every public function and initializer that throws: "- Throws:". Of
every one that takes or gives a matrix: its shape, as `[row, column]` or after "- Shape:". Synthesized members, operators,
requirements of the standard library's protocols and enumeration cases whose names say all are left out.
"""

import argparse
import json
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Scripts"))
from symbol_graph import TARGETS, write_symbol_graph

FUNCTIONS = {"swift.func", "swift.method", "swift.type.method", "swift.init"}
# What other protocols ask for, and say.
KNOWN = {
    "encode(to:)", "init(from:)", "hash(into:)", "description", "debugDescription", "init(rawValue:)", "rawValue", "hashValue",
    "next()", "makeIterator()", "startIndex", "endIndex", "subscript(_:)", "==(_:_:)", "errorDescription", "id",
}


def faults(symbol: dict) -> list[str]:
    """What the documentation of a symbol lacks."""
    kind, name = symbol["kind"]["identifier"], symbol["names"]["title"]
    text = "\n".join(line["text"] for line in symbol.get("docComment", {}).get("lines", []))
    declaration = "".join(part["spelling"] for part in symbol.get("declarationFragments", []))
    missing = []
    # A list of parameters and promises alone does not say what the symbol is.
    summary = text.strip() if not text.lstrip().startswith("- ") else ""
    if not summary and (kind in FUNCTIONS or kind in ("swift.struct", "swift.class", "swift.enum", "swift.protocol")):
        # A memberwise initializer says nothing that the properties do not.
        if not (kind == "swift.init" and not re.search(r"\bthrows\b|\bMatrix\b", declaration)):
            missing.append("a summary")
    if kind in FUNCTIONS and re.search(r"\bthrows\b", declaration.replace("rethrows", "")):
        if "Throws:" not in text and "throws" not in text:
            missing.append("Throws:")
    takes_matrix = kind in FUNCTIONS and re.search(r"\bMatrix\b", declaration)
    # What a matrix does with itself has its shape.
    if takes_matrix and symbol["pathComponents"][0] != "Matrix" and not re.search(r"\[[^\]]+\]|Shape:", text):
        missing.append("a shape")
    return missing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name in TARGETS:
            graph = json.loads(write_symbol_graph(name, arguments.scratch.resolve(), folder).read_text())
            for symbol in graph["symbols"]:
                title = symbol["names"]["title"]
                if title.split(".")[-1] in KNOWN or symbol["kind"]["identifier"] == "swift.enum.case":
                    continue
                missing = faults(symbol)
                if not missing:
                    passed += 1
                    continue
                failed += 1
                place = symbol.get("location", {})
                path = place.get("uri", "").split("/Sources/")[-1]
                line = place.get("position", {}).get("line", -1) + 1
                print(f"  Sources/{path}:{line}: {'.'.join(symbol['pathComponents'])} lacks {', '.join(missing)}")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 500 else 1


if __name__ == "__main__":
    sys.exit(main())
