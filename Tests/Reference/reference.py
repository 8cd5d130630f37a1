"""Two-layer student-teacher training in NumPy, written to be read: the second opinion on Understudy's engine.

Dimensions: d inputs, n hidden nodes, C outputs, N samples, B samples a step.
A student f(x) = W2 phi(W1 x + b1) + b2 learns a teacher f* of the same form by steps along

    g(x) = gate(z) * W2^T (f*(x) - f(x)),     dW1 = E[g x^T],  db1 = E[g],
                                              dW2 = E[(f* - f) phi(z)^T],  db2 = E[f* - f],

where z = W1 x + b1, E is the mean over the step's samples, and gate(z) = phi'(z) is 1 where z > 0 and the leaky slope
where z <= 0. Nothing here is shared with the program under test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Network:
    """W1 [n, d], b1 [n], W2 [C, n], b2 [C]. A network without biases has zeros there, which never move."""

    w1: Array
    b1: Array
    w2: Array
    b2: Array


@dataclass(frozen=True)
class Rules:
    """How a student learns, apart from which samples each step sees."""

    learning_rate: float
    steps_per_epoch: int
    slope: float = 0.0
    """phi(z) = z where z > 0, slope * z elsewhere: 0 is ReLU, 1 is linear."""
    biases: bool = True
    frozen_layer: str = "none"
    """"none", "first" or "last"."""
    unit_norm_first_layer: bool = False
    halving_interval: int = 0
    """Halve the learning rate after every so many epochs; 0 never does."""


def hidden(network: Network, x: Array, slope: float) -> tuple[Array, Array]:
    """Pre-activations z and activations phi(z) of the hidden nodes: x [N, d] -> two of [N, n]."""
    z = x @ network.w1.T + network.b1
    return z, np.where(z > 0, z, slope * z)


def outputs(network: Network, x: Array, slope: float) -> Array:
    """f(x): [N, d] -> [N, C]."""
    return hidden(network, x, slope)[1] @ network.w2.T + network.b2


def loss(wanted: Array, got: Array) -> float:
    """J = 1/2 mean over samples of ||f* - f||^2, from two arrays [N, C]."""
    return float(0.5 * np.mean(np.sum((wanted - got) ** 2, axis=1)))


def with_unit_rows(network: Network) -> Network:
    """The network with each row of W1 rescaled to norm 1; its bias stays as it is."""
    return replace(network, w1=network.w1 / np.linalg.norm(network.w1, axis=1, keepdims=True))


def stepped(network: Network, x: Array, wanted: Array, rate: float, rules: Rules) -> Network:
    """The network after one step on x [B, d] towards wanted [B, C]."""
    z, activation = hidden(network, x, rules.slope)
    residual = wanted - (activation @ network.w2.T + network.b2)  # [B, C]
    gate = np.where(z > 0, 1.0, rules.slope)  # [B, n]
    g = gate * (residual @ network.w2)  # [B, n]
    count = len(x)
    after = network
    if rules.frozen_layer != "first":
        after = replace(after, w1=network.w1 + rate * (g.T @ x) / count)
        if rules.biases:
            after = replace(after, b1=network.b1 + rate * g.sum(axis=0) / count)
    if rules.frozen_layer != "last":
        after = replace(after, w2=network.w2 + rate * (residual.T @ activation) / count)
        if rules.biases:
            after = replace(after, b2=network.b2 + rate * residual.sum(axis=0) / count)
    return with_unit_rows(after) if rules.unit_norm_first_layer else after


def trained(
    teacher: Network, student: Network, inputs: Array, rules: Rules, epochs: int, batches: Array | None = None
) -> list[Network]:
    """The student before the first step and after each epoch: a list of epochs + 1 networks.

    inputs is [N, d]. Every step is over all of them, or, if batches [step, B] is given, over the samples it names.
    """
    if rules.unit_norm_first_layer:
        student = with_unit_rows(student)
    wanted = outputs(teacher, inputs, rules.slope)
    history = [student]
    for epoch in range(epochs):
        halvings = epoch // rules.halving_interval if rules.halving_interval else 0
        rate = rules.learning_rate * 0.5**halvings
        for step in range(epoch * rules.steps_per_epoch, (epoch + 1) * rules.steps_per_epoch):
            seen = slice(None) if batches is None else batches[step]
            student = stepped(student, inputs[seen], wanted[seen], rate, rules)
        history.append(student)
    return history
