"""Checks the one-to-one matching of student nodes against SciPy's linear_sum_assignment.

`understudy connect --json` prints the costs of matching every node of student A with every node of student B, and the
assignment it chose. SciPy, given the same costs, must find none that is cheaper; and the costs themselves must be
E ||v_k phi(z_k) - v_l phi(z_l)||^2, computed here from the weights and inputs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from network_files import tensors_of, write_tensors
from reference import Network, hidden

SIZES = [(3, 2, 1, 1), (4, 3, 2, 3), (5, 10, 4, 6), (8, 40, 6, 10), (10, 120, 5, 10)]
"""Inputs, student nodes, outputs, teacher nodes (fewer than the student's)."""


def drawn(random: np.random.Generator, inputs: int, nodes: int, outputs: int) -> Network:
    return Network(
        random.normal(size=(nodes, inputs)), random.normal(size=nodes), random.normal(size=(outputs, nodes)),
        random.normal(size=outputs))


def shuffled(network: Network, random: np.random.Generator) -> Network:
    """The same function, its nodes in another order and scale."""
    order, scale = random.permutation(network.b1.size), random.uniform(0.2, 5, network.b1.size)
    return Network(
        network.w1[order] * scale[:, None], network.b1[order] * scale, network.w2[:, order] / scale, network.b2)


def costs_of(a: Network, b: Network, x: np.ndarray, slope: float) -> np.ndarray:
    """[node of A, node of B], by the definition: one pair of nodes at a time."""
    (_, first), (_, second) = hidden(a, x, slope), hidden(b, x, slope)
    result = np.empty((a.b1.size, b.b1.size))
    for k in range(a.b1.size):
        for l in range(b.b1.size):
            difference = np.outer(first[:, k], a.w2[:, k]) - np.outer(second[:, l], b.w2[:, l])
            result[k, l] = np.mean(np.sum(difference**2, axis=1))
    return result


def matching_of(understudy: Path, folder: Path, networks: dict[str, Network], x: np.ndarray, slope: float) -> dict:
    for name, network in networks.items():
        write_tensors(folder / f"{name}.safetensors", tensors_of(network, biases=True))
    np.save(folder / "x.npy", x)
    arguments = ["connect", "a.safetensors", "b.safetensors", "--teacher", "teacher.safetensors", "--inputs", "x.npy"]
    arguments += ["--json", "--points", "2", "--activation", "leakyRelu", "--leaky-slope", str(slope)]
    done = subprocess.run([understudy, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"understudy ends with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)["matching"]


def check(understudy: Path, size: tuple[int, int, int, int], slope: float, related: bool, seed: int) -> str:
    inputs, nodes, outputs, teacher_nodes = size
    random = np.random.default_rng(seed)
    a = drawn(random, inputs, nodes, outputs)
    b = shuffled(a, random) if related else drawn(random, inputs, nodes, outputs)
    teacher = drawn(random, inputs, min(nodes, teacher_nodes), outputs)
    x = random.normal(size=(150, inputs))
    with tempfile.TemporaryDirectory() as folder:
        matching = matching_of(understudy, Path(folder), {"a": a, "b": b, "teacher": teacher}, x, slope)
    costs, chosen = np.array(matching["costs"]), np.array(matching["nodes"]) - 1
    wanted = costs_of(a, b, x, slope)
    error = np.max(np.abs(costs - wanted)) / np.max(wanted)
    # A cost is a difference of products of moments, each of which is at most a few times the largest cost.
    assert error < 1e-12, f"costs differ by {error:.1e} of the largest"
    assert sorted(chosen) == list(range(nodes)), f"no permutation: {chosen}"
    best = costs[linear_sum_assignment(costs)].sum()
    total = costs[np.arange(nodes), chosen].sum()
    # Sums of `nodes` terms in two orders.
    allowed = 1e-14 * nodes * np.max(costs)
    assert abs(total - best) <= allowed, f"costs {total:.15g}, SciPy finds {best:.15g}"
    assert abs(matching["totalCost"] - total) <= allowed, f"says {matching['totalCost']:.15g}, costs {total:.15g}"
    return f"total {total:.6g}, SciPy's {best:.6g}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--understudy", required=True, type=Path, help="path of the understudy program")
    understudy = parser.parse_args().understudy.resolve()
    passed, failed = 0, 0
    for index, size in enumerate(SIZES):
        for related in (True, False):
            name = f"{size[1]} nodes, {'the same in another order' if related else 'unrelated'}"
            try:
                print(f"  ok      {name}: {check(understudy, size, 0.1 * index, related, 2 * index + related)}")
                passed += 1
            except Exception as error:  # whatever goes wrong here is a failed check, and the next one still runs
                print(f"  FAILED  {name}: {error}")
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
