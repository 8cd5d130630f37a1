"""Follows the gradient flow of an extracted run again, in NumPy and SciPy, and compares where it ends with the run's student.

    python3 retrain.py [FOLDER]

dW/dt = -dJ/dW - weightDecay W, J = 1/2 E ||f*(x) - f(x)||^2 over x ~ N(0, s^2 I). An epoch lasts learning rate times steps. With
a_i = v*_j of teacher nodes, a_i = -v_k of student nodes, and e the output biases of the teacher minus those of the student,

    dJ/dv_k = - sum_i a_i E[phi_k phi_i] - e E[phi_k],    dJ/db_k = sum_i a_k.a_i E[phi'_k phi_i] + a_k.e E[phi'_k],
    dJ/dw_k = s^2 (sum_i a_k.a_i (w_i E[phi'_k phi'_i] + w_k E[phi''_k phi_i]) + a_k.e w_k E[phi''_k]),

in closed form: Docs/Derivations/dynamics.md of Understudy. Arrays of pairs are [student node k, node i], students before
teachers. Needs Python 3, NumPy and SciPy only.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import ndtr, owens_t


def read_network(path):
    """The weights and biases of both layers, in float64; biases are None where there are none."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    header.pop("__metadata__", None)
    kinds = {"F64": "<f8", "F32": "<f4"}
    tensors = {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }
    return [[tensors[f"layers.{index}.weight"].astype("f8"), tensors.get(f"layers.{index}.bias")] for index in (0, 1)]


def density(h):
    return np.exp(-(h**2) / 2) / np.sqrt(2 * np.pi)


def ratio(a, b):
    """a / b, where 0 / 0 is 0."""
    return np.nan_to_num(a / b, nan=0.0, posinf=np.inf, neginf=-np.inf)


def both_positive(h, k, rho, r):
    """P(h + X > 0, k + Y > 0) of standard normal X, Y of correlation rho, by Owen's function."""
    half = np.where((h * k < 0) | ((h * k == 0) & (h + k < 0)), 0.5, 0.0)
    general = (
        (ndtr(h) + ndtr(k)) / 2 - owens_t(h, ratio(k - rho * h, h * r)) - owens_t(k, ratio(h - rho * k, k * r)) - half
    )
    centred = 0.25 + np.arctan2(rho, r) / (2 * np.pi)
    return np.where((h == 0) & (k == 0), centred, general)


def moments(weights, biases, count, s, c):
    """Of the first `count` nodes with all: E[phi phi], E[phi' phi'], E[phi'_k phi_i], E[phi''_k phi_i]; and of each node
    E[phi], E[phi'], E[phi'']."""
    length = np.linalg.norm(weights, axis=1)
    unit, sigma = weights / length[:, None], s * length
    h = biases / sigma
    # 1 - rho and 1 + rho without the difference, which would lose half of the digits of a small angle.
    near = ((unit[:count, None] - unit[None]) ** 2).sum(axis=2) / 2
    far = ((unit[:count, None] + unit[None]) ** 2).sum(axis=2) / 2
    rho, r = (far - near) / 2, np.sqrt(near * far)
    ha, hb, sa, sb = h[:count, None], h[None], sigma[:count, None], sigma[None]
    ba, bb, ga, gb = biases[:count, None], biases[None], density(ha), density(hb)
    below, beside = ratio(ha - rho * hb, r), ratio(hb - rho * ha, r)
    p = both_positive(ha, hb, rho, r)
    slope = bb * p + sb * (gb * ndtr(below) + rho * ga * ndtr(beside))  # E[1(z_k > 0) (z_i)_+]
    product = (
        (ba * bb + rho * sa * sb) * p
        + ba * sb * gb * ndtr(below)
        + bb * sa * ga * ndtr(beside)
        + sa * sb * r * ga * density(beside)
    )
    kink = ga / sa * sb * ((hb - rho * ha) * ndtr(beside) + r * density(beside))  # E[delta(z_k) (z_i)_+]
    own = np.arange(count)
    active, positive = ndtr(h), biases * ndtr(h) + sigma * density(h)
    p[own, own], slope[own, own], kink[own, own] = active[:count], positive[:count], 0
    product[own, own] = ((biases**2 + sigma**2) * active + biases * sigma * density(h))[:count]
    # phi(z) = c z + (1 - c) (z)_+, and Stein's lemma for the products with z.
    mixed = ba * positive[None] + rho * sa * sb * active[None] + bb * positive[:count, None] + rho * sa * sb * active[:count, None]
    plain = ba * bb + rho * sa * sb
    phi_phi = c * c * plain + c * (1 - c) * mixed + (1 - c) ** 2 * product
    slopes = c * c + c * (1 - c) * (active[:count, None] + active[None]) + (1 - c) ** 2 * p
    phi = c * biases + (1 - c) * positive
    first = c * phi[None] + (1 - c) * (c * (bb * active[:count, None] + rho * sb * ga) + (1 - c) * slope)
    second = (1 - c) * (c * ga / sa * sb * (hb - rho * ha) + (1 - c) * kink)
    second[own, own] = 0
    return phi_phi, slopes, first, second, phi, c + (1 - c) * active, (1 - c) * density(h) / sigma


def gradients(student, teacher, s, c):
    """dJ/dW of the student's layers; of biases that it does not have, too."""
    count, zero = len(student[0][0]), lambda layer: np.zeros(len(layer[0])) if layer[1] is None else layer[1]
    weights = np.vstack([student[0][0], teacher[0][0]])
    biases = np.concatenate([zero(student[0]), zero(teacher[0])])
    fans = np.vstack([-student[1][0].T, teacher[1][0].T])
    e = zero(teacher[1]) - zero(student[1])
    phi_phi, slopes, first, second, phi, slope, curvature = moments(weights, biases, count, s, c)
    alignment, pull = fans[:count] @ fans.T, fans[:count] @ e
    bend = (alignment * second).sum(axis=1) + pull * curvature[:count]
    lower = s * s * ((alignment * slopes) @ weights + bend[:, None] * weights[:count])
    upper = -(phi_phi @ fans + phi[:count, None] * e)
    return [
        [lower, (alignment * first).sum(axis=1) + pull * slope[:count]],
        [upper.T, -(e + phi @ fans)],
    ]


def main(folder):
    facts = json.loads((folder / "run.json").read_text())
    run, s = facts["learning"], facts["setting"]["inputs.standardDeviation"]
    student, teacher = read_network(folder / "student-initial.safetensors"), read_network(folder / "teacher.safetensors")
    shapes = [[None if part is None else part.shape for part in layer] for layer in student]
    moves = [run["frozenLayer"] != "first", run["frozenLayer"] != "last"]

    def flat(layers):
        return np.concatenate(
            [part.ravel() for layer, shape in zip(layers, shapes) for part, there in zip(layer, shape) if there]
        )

    def layered(values):
        layers, start = [], 0
        for shape in shapes:
            layers.append([])
            for there in shape:
                size = int(np.prod(there)) if there else 0
                layers[-1].append(values[start : start + size].reshape(there) if there else None)
                start += size
        return layers

    mask = flat([[np.full(there or 0, float(moving)) for there in shape] for shape, moving in zip(shapes, moves)])

    def velocity(_, values):
        return -mask * (flat(gradients(layered(values), teacher, s, run["negativeSlope"])) + run["weightDecay"] * values)

    values = flat(student)
    with np.errstate(divide="ignore", invalid="ignore"):
        for rate in run["rates"]:
            end = solve_ivp(
                velocity, (0, rate * run["stepsPerEpoch"]), values, method="DOP853", rtol=1e-10, atol=1e-12
            )
            values = end.y[:, -1]
    largest = 0.0
    for index, (layer, own) in enumerate(zip(layered(values), read_network(folder / "student.safetensors"))):
        for name, got, expected in zip(("weight", "bias"), layer, own):
            if expected is not None:
                difference = np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-300)
                largest = max(largest, difference)
                print(f"layers.{index}.{name}: largest difference {difference:.1e} of the largest element")
    if facts["hasSearch"]:
        print("the stored student is that of the search for a critical point, which began where this one ends")
    return 0 if facts["hasSearch"] or largest < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)))
