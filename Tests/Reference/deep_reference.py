"""Student-teacher training of any depth in NumPy, written to be read: the second opinion on Understudy's deep trainer.

Dimensions: B samples, n_l nodes of layer l = 0 ... L - 1, of which the last gives the outputs. f_{-1} = x, and

    z_l = W_l f_{l-1} + b_l,     f_l = phi(z_l)  or, with batch normalisation N,  phi(N(z_l))  or  N(phi(z_l)),

phi(y) = y where y > 0 and slope y elsewhere, N(y) = gamma h + beta with h = (y - mean y) / sqrt(var y + 1e-5), mean
and (biased) variance over the batch, gamma = 1 and beta = 0 if they are not learnt. Outputs are z_{L-1}. Going back,

    dJ/dW_l = sum_B (dJ/dz_l) f_{l-1}^T,  dJ/db_l = sum_B dJ/dz_l,  dJ/df_{l-1} = W_l^T dJ/dz_l,  phi'(y) = 1 or slope,
    dJ/dgamma = sum_B h dJ/dN,   dJ/dbeta = sum_B dJ/dN,
    dJ/dy = gamma / sqrt(var y + 1e-5) (dJ/dN - mean dJ/dN - h mean(h dJ/dN)).

Nothing here is shared with the program under test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

Array = np.ndarray
Tensors = dict[str, Array]

EPSILON = 1e-5
RUNNING_SHARE = 0.1
"""The share of a batch's statistics in the running ones."""


@dataclass(frozen=True)
class Network:
    """The tensors of a network under the names of its file, and what the file does not hold."""

    tensors: Tensors
    slope: float = 0.0
    placement: str = "none"
    """Where hidden layers are normalised: "none", "beforeActivation" or "afterActivation"."""

    @cached_property
    def layers(self) -> list[Tensors]:
        """The tensors of each layer by the ends of their names: weight, bias, norm.running_mean, ..."""
        count = 1 + max(int(name.split(".")[1]) for name in self.tensors)
        result: list[Tensors] = [{} for _ in range(count)]
        for name, tensor in self.tensors.items():
            _, layer, part = name.split(".", 2)
            result[int(layer)][part] = tensor
        return result


@dataclass(frozen=True)
class Rules:
    """How a student learns, apart from which samples each step sees."""

    steps_per_epoch: int
    rates: tuple[tuple[int, float], ...]
    """(epoch, rate): the rate from after that epoch on."""
    halving_interval: int = 0
    adam: bool = False
    momentum: float = 0.0
    decay: float = 0.0
    loss: str = "squaredError"
    frozen_layer: str = "none"
    unit_norm_first_layer: bool = False

    def rate(self, epoch: int) -> float:
        """The learning rate during an epoch, counted from 1."""
        rate = [rate for first, rate in self.rates if first < epoch][-1]
        return rate * 0.5 ** ((epoch - 1) // self.halving_interval if self.halving_interval else 0)

    def moves(self, name: str, last: int) -> bool:
        """Whether training moves a tensor by its gradient. Scale and shift of a frozen layer's normalisation stay."""
        frozen = {"first": "layers.0.", "last": f"layers.{last}."}.get(self.frozen_layer)
        return not ("running" in name or frozen and name.startswith(frozen))


# Forward and backward


@dataclass(frozen=True)
class Normalized:
    """h, 1 / sqrt(var + epsilon), and the statistics that were used."""

    h: Array
    inverse: Array
    mean: Array
    variance: Array


def normalize(y: Array, layer: Tensors, training: bool) -> tuple[Array, Normalized]:
    """N(y) of [B, n]: by the batch's statistics in training, else by the running ones."""
    mean, variance = y.mean(axis=0), y.var(axis=0)
    if not training:
        mean, variance = layer["norm.running_mean"], layer["norm.running_var"]
    inverse = 1 / np.sqrt(variance + EPSILON)
    h = (y - mean) * inverse
    return layer.get("norm.weight", 1.0) * h + layer.get("norm.bias", 0.0), Normalized(h, inverse, mean, variance)


@dataclass
class Passed:
    """What the way back through a layer needs."""

    input: Array
    gate: Array | None = None
    normalized: Normalized | None = None


def forward(network: Network, x: Array, training: bool = False) -> tuple[Array, list[Passed]]:
    """Outputs [B, C] at x [B, d], and what was met in each layer."""
    f, trace = x, []
    for index, layer in enumerate(network.layers):
        here = Passed(f)
        trace.append(here)
        f = f @ layer["weight"].T + layer.get("bias", 0.0)
        if index == len(network.layers) - 1:
            break
        if network.placement == "beforeActivation":
            f, here.normalized = normalize(f, layer, training)
        here.gate = np.where(f > 0, 1.0, network.slope)
        f = f * here.gate
        if network.placement == "afterActivation":
            f, here.normalized = normalize(f, layer, training)
    return f, trace


def outputs(network: Network, x: Array) -> Array:
    return forward(network, x)[0]


def log_softmax(y: Array) -> Array:
    shifted = y - y.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def loss_of(wanted: Array, got: Array, loss: str) -> float:
    """From two arrays [B, C]: J = 1/2 mean ||f* - f||^2, or the mean cross-entropy against the largest of f*."""
    if loss == "squaredError":
        return float(0.5 * np.mean(np.sum((wanted - got) ** 2, axis=1)))
    return float(-np.mean(log_softmax(got)[np.arange(len(got)), wanted.argmax(axis=1)]))


def gradients(network: Network, x: Array, wanted: Array, loss: str) -> tuple[Tensors, list[Passed]]:
    """The derivative of the loss towards every tensor that can learn, and what was met on the way."""
    got, trace = forward(network, x, training=True)
    g = (got - wanted if loss == "squaredError" else np.exp(log_softmax(got)) - np.eye(got.shape[1])[wanted.argmax(1)])
    g = g / len(x)
    result: Tensors = {}
    for index in reversed(range(len(network.layers))):
        layer, here = network.layers[index], trace[index]

        def through_normalization(g: Array) -> Array:
            h, inverse = here.normalized.h, here.normalized.inverse
            if "norm.weight" in layer:
                result[f"layers.{index}.norm.weight"] = (h * g).sum(axis=0)
                result[f"layers.{index}.norm.bias"] = g.sum(axis=0)
            return layer.get("norm.weight", 1.0) * inverse * (g - g.mean(axis=0) - h * (h * g).mean(axis=0))

        if index < len(network.layers) - 1:  # g is towards f_l: make it one towards z_l
            if network.placement == "afterActivation":
                g = through_normalization(g)
            g = g * here.gate
            if network.placement == "beforeActivation":
                g = through_normalization(g)
        result[f"layers.{index}.weight"] = g.T @ here.input
        if "bias" in layer:
            result[f"layers.{index}.bias"] = g.sum(axis=0)
        g = g @ layer["weight"]
    return result, trace


# Training


class Optimizer:
    """SGD with momentum and weight decay, or Adam, with the state that they carry from step to step."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.steps = rules, 0
        self.first: Tensors = {}
        self.second: Tensors = {}

    def moved(self, tensors: Tensors, slopes: Tensors, rate: float) -> Tensors:
        """The tensors after a step against their slopes."""
        rules, result = self.rules, dict(tensors)
        self.steps += 1
        for name, slope in slopes.items():
            slope = slope + rules.decay * tensors[name]
            before = self.first.get(name, 0.0)
            if rules.adam:
                self.first[name] = 0.9 * before + 0.1 * slope
                self.second[name] = 0.999 * self.second.get(name, 0.0) + 0.001 * slope**2
                mean = self.first[name] / (1 - 0.9**self.steps)
                square = self.second[name] / (1 - 0.999**self.steps)
                result[name] = tensors[name] - rate * mean / (np.sqrt(square) + 1e-8)
            else:
                self.first[name] = rules.momentum * before + slope
                result[name] = tensors[name] - rate * self.first[name]
        return result


def with_unit_rows(tensors: Tensors) -> Tensors:
    """The tensors with each row of the lowest weights rescaled to norm 1."""
    rows = tensors["layers.0.weight"]
    return {**tensors, "layers.0.weight": rows / np.linalg.norm(rows, axis=1, keepdims=True)}


def with_statistics(tensors: Tensors, trace: list[Passed]) -> Tensors:
    """The tensors with the running statistics moved towards those of a batch, its variance unbiased."""
    result = dict(tensors)
    for index, here in enumerate(trace):
        if here.normalized is not None:
            count = len(here.input)
            new = {"mean": here.normalized.mean, "var": here.normalized.variance * count / (count - 1)}
            for part, value in new.items():
                name = f"layers.{index}.norm.running_{part}"
                result[name] = (1 - RUNNING_SHARE) * tensors[name] + RUNNING_SHARE * value
    return result


def trained(
    teacher: Network, student: Network, inputs: Array, rules: Rules, epochs: int, batches: Array | None = None
) -> list[Network]:
    """The student before the first step and after each epoch: a list of epochs + 1 networks.

    inputs is [N, d]. Every step is over all of them, or, if batches [step, B] is given, over the samples it names.
    """
    if rules.unit_norm_first_layer:
        student = replace(student, tensors=with_unit_rows(student.tensors))
    wanted, last = outputs(teacher, inputs), len(student.layers) - 1
    history, optimizer = [student], Optimizer(rules)
    for epoch in range(1, epochs + 1):
        for step in range((epoch - 1) * rules.steps_per_epoch, epoch * rules.steps_per_epoch):
            seen = slice(None) if batches is None else batches[step]
            slopes, trace = gradients(student, inputs[seen], wanted[seen], rules.loss)
            slopes = {name: slope for name, slope in slopes.items() if rules.moves(name, last)}
            tensors = optimizer.moved(with_statistics(student.tensors, trace), slopes, rules.rate(epoch))
            if rules.unit_norm_first_layer:
                tensors = with_unit_rows(tensors)
            student = replace(student, tensors=tensors)
        history.append(student)
    return history


# What is measured of every hidden layer


def activations(network: Network, x: Array) -> tuple[list[Array], list[Array]]:
    """For each hidden layer: activations and which gates are open (slopes below 1), both [sample, node]."""
    trace = forward(network, x)[1]
    return [here.input for here in trace[1:]], [here.gate == 1 for here in trace[:-1]]


def correlations(teacher: Network, student: Network, x: Array) -> list[Array]:
    """rho_jk of each hidden layer, [teacher node, student node]; 0 for nodes that do not vary."""
    result = []
    for a, b in zip(activations(teacher, x)[0], activations(student, x)[0]):
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
        norms = np.linalg.norm(a, axis=0)[:, None] * np.linalg.norm(b, axis=0)[None, :]
        result.append(np.divide(a.T @ b, norms, out=np.zeros_like(norms), where=norms > 0))
    return result


def fan_outs(network: Network, x: Array) -> list[Array]:
    """V_l(x) [C, n_l] of each hidden layer at one sample: V of the highest is W_{L-1}, V_{l-1} = V_l D_l W_l."""
    gates = [here.gate[0] for here in forward(network, x[None])[1][:-1]]
    result = [network.layers[-1]["weight"]]
    for index in reversed(range(1, len(network.layers) - 1)):
        result.append(result[-1] * gates[index] @ network.layers[index]["weight"])
    return result[::-1]


def layer_gradients(teacher: Network, student: Network, x: Array) -> list[Array]:
    """g_l(x) = -dJ_x/dz_l of each hidden layer, [sample, node]: the gates times V_l^T (f* - f)."""
    residuals, gates = outputs(teacher, x) - outputs(student, x), [here.gate for here in forward(student, x)[1][:-1]]
    at_student = [fan_outs(student, row) for row in x]
    return [
        gate * np.stack([residual @ v[layer] for residual, v in zip(residuals, at_student)])
        for layer, gate in enumerate(gates)]


@dataclass(frozen=True)
class Coupling:
    """Of one hidden layer: A = V^T V* and B = V^T V at each sample, [sample, node, node]; regions that were met."""

    a: Array
    b: Array
    regions: int


def couplings(teacher: Network, student: Network, x: Array) -> list[Coupling]:
    """The couplings of each hidden layer, sample by sample."""
    at_teacher, at_student = [fan_outs(teacher, row) for row in x], [fan_outs(student, row) for row in x]
    gates = [np.hstack(pair) for pair in zip(activations(teacher, x)[1], activations(student, x)[1])]
    result = []
    for layer in range(len(gates)):
        v_teacher = np.stack([v[layer] for v in at_teacher])
        v_student = np.stack([v[layer] for v in at_student])
        above = np.hstack([np.zeros((len(x), 0))] + gates[layer + 1 :])
        result.append(Coupling(
            np.einsum("xck,xcj->xkj", v_student, v_teacher), np.einsum("xck,xch->xkh", v_student, v_student),
            len(np.unique(above, axis=0)) if above.shape[1] else 1))
    return result
