"""Prints what the strong student nodes are that follow no teacher node, as Markdown: python Scripts/node_roles.py FOLDER EPOCH

FOLDER holds a run with the measures of `understudy run unaligned-layers`; of several runs the first is taken. A node is strong if
it has at least half the median strength of the nodes that follow a teacher node of their layer (best rho above 0.95), and follows
none if its best rho is below 0.8; dead nodes are left out. Needs the Python package (pip install ./Python).
"""

import sys

import numpy as np
import understudy


def median(values: np.ndarray) -> str:
    return f"{np.median(values):.4f}" if values.size else "-"


def main(folder: str, epoch: int) -> None:
    results = understudy.load(folder)

    def values(measure: str) -> np.ndarray:
        return next(iter(results.arrays(measure, epoch=epoch).values())).ravel()

    widths = values("layerWidths").astype(int)
    ends = np.cumsum(widths[len(widths) // 2:])
    print("| layer | strong, follow none | one below | turned round | always active | none of these | active (median)"
          " | foot: best rho < 0.2 | active (median) |")
    print("|---:|" + "---:|" * 8)
    for layer, (start, end) in enumerate(zip(np.r_[0, ends], ends), 1):
        rho, strength, dead, turned, below, active = (
            values(f"layer{name}")[start:end]
            for name in ("StudentCorrelations", "Strengths", "DeadNodes", "MirroredCorrelations", "BelowCorrelations",
                         "ActiveShares"))
        strong = (rho < 0.8) & (dead == 0) & (strength >= np.median(strength[rho > 0.95]) / 2)
        is_below = below > 0.95
        is_turned = ~is_below & (turned > 0.95)
        is_always = ~is_below & ~is_turned & (active > 0.999)
        rest, foot = strong & ~(is_below | is_turned | is_always), (rho < 0.2) & (dead == 0)
        shares = [f"{100 * np.mean(role[strong]):.0f} %" for role in (is_below, is_turned, is_always)]
        shares.append(f"{100 * rest.sum() / strong.sum():.0f} %")
        print(f"| {layer} | {strong.sum()} | {' | '.join(shares)} | {median(active[rest])} | {foot.sum()} | "
              f"{median(active[foot])} |")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
