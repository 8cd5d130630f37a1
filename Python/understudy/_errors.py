from __future__ import annotations


class ResultsError(ValueError):
    """What was asked of a results folder and is not there; the message says what to change."""


def listed(names) -> str:
    """Names for a message."""
    return ", ".join(map(str, names)) or "none"
