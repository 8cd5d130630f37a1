"""Prints `N passed, N failed` for the test cases in xUnit files: python Scripts/xunit_counts.py FILE..."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree


def counts(path: str) -> tuple[int, int]:
    """Passed and failed test cases of one file. Skipped ones are neither."""
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed


passed, failed = map(sum, zip(*map(counts, sys.argv[1:])))
print(f"{passed} passed, {failed} failed")
