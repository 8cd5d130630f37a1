"""What the compiler knows of a module's public symbols, from the modules of a build that is there."""

import json
import pathlib
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
# The library's targets; `import Understudy` brings all of them.
TARGETS = [
    f"Understudy{name}" for name in
    ["Schema", "Numerics", "Networks", "Training", "Theory", "Reconstruction", "Records", "Experiments", "Figures"]
]


def target_information() -> dict:
    return json.loads(subprocess.run(
        ["swift", "-print-target-info"], check=True, capture_output=True, text=True).stdout)


def write_symbol_graph(module: str, scratch: pathlib.Path, folder, options=()) -> pathlib.Path:
    """Writes MODULE.symbols.json into the folder.

    Raises RuntimeError with the compiler's words.
    """
    build, packages = scratch / "release", scratch / "checkouts"
    maps = [
        build / "CUnderstudyKernels.build/module.modulemap", build / "CBoost.build/module.modulemap",
        packages / "GRDB.swift/Sources/GRDBSQLite/module.modulemap",
        packages / "Yams/Sources/CYaml/include/module.modulemap",
    ]
    done = subprocess.run(
        ["swift", "symbolgraph-extract", "-module-name", module, "-I", build / "Modules",
         *[part for name in ("COpenBLAS", "COneDNN", "CZlib") for part in ("-I", REPOSITORY / "Sources" / name)],
         *[part for path in maps for part in ("-Xcc", f"-fmodule-map-file={path}")],
         "-target", target_information()["target"]["triple"], "-output-dir", folder, "-minimum-access-level", "public",
         "-skip-synthesized-members", *options],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"no symbol graph of {module}: is it built?\n{done.stderr}")
    return pathlib.Path(folder) / f"{module}.symbols.json"
