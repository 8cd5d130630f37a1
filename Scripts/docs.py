"""The reference of the Swift library as a static site, by DocC, from the modules of a build that is there.

    python3 Scripts/docs.py --scratch .build --output .build-docs

A reference to a symbol that is not there is an error.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

from symbol_graph import REPOSITORY, TARGETS, target_information, write_symbol_graph


def docc() -> str:
    """DocC of the toolchain whose `swift` is in the PATH."""
    resources = pathlib.Path(target_information()["paths"]["runtimeResourcePath"])
    path = resources.parents[1] / "bin" / "docc"
    found = str(path) if path.exists() else shutil.which("docc")
    if found is None:
        sys.exit(f"docs: no docc in {path.parent}; install a Swift toolchain that has it (https://www.swift.org/install)")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", required=True, type=pathlib.Path, help="the folder of a release build")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the folder of the site; replaced")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as symbols:
        try:
            # All of the library is one module for those who use it.
            write_symbol_graph(
                "Understudy", arguments.scratch.resolve(), symbols,
                [f"-experimental-allowed-reexported-modules={','.join(TARGETS)}"])
        except RuntimeError as error:
            sys.exit(f"docs: {error}")
        site = pathlib.Path(symbols) / "site"
        done = subprocess.run(
            [docc(), "convert", REPOSITORY / "Sources/Understudy/Understudy.docc", "--additional-symbol-graph-dir", symbols,
             "--output-path", site, "--transform-for-static-hosting", "--warnings-as-errors"])
        if done.returncode != 0:
            sys.exit("docs: DocC found errors; the site is as it was")
        shutil.rmtree(arguments.output, ignore_errors=True)
        shutil.move(site, arguments.output)
    # The pages are drawn by JavaScript that a browser does not load from files.
    print(f"the reference: python3 -m http.server --directory {arguments.output} 8000, then http://localhost:8000/documentation/understudy")


if __name__ == "__main__":
    main()
