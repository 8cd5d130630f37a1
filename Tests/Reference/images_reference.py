"""Training of networks over images in NumPy and float64, written to be read: the second opinion on ImageTrainer.

Maps are [image, channel, row, column]. A hidden layer makes of the map x below

    z = conv(x, W) + b,     y = phi(z)  or, with batch normalisation N,  phi(N(z))  or  N(phi(z)),     pool(y),

conv(x, W)[n, p, q] = sum over c, i, j of W[n, c, i, j] x[c, p s + i - d, q s + j - d] with stride s and padding d; statistics of N
are by channel over images and positions. A fully connected layer takes the map flattened, [channel, row, column]. Going
back, every sum over a window gives its slope to each of its places; a maximum to the first of the largest; an average to
those of its places that are not padding. (Equal values are activations of 0 behind closed gates: which of them a maximum
takes changes no gradient.)

Normalisation, update rules and rates are those of deep_reference.py. Nothing here is shared with the program under test.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from deep_reference import EPSILON, RUNNING_SHARE, Array, Optimizer, Rules, Tensors, log_softmax
from deep_reference import Network as DeepNetwork


@dataclass(frozen=True)
class Window:
    """Of a convolution or a pooling; each pair is of rows and columns."""

    size: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Convolution:
    """What is known of a hidden layer besides its tensors."""

    window: Window = Window()
    pooling: str = "none"
    """none, max, average or, over the whole map, global."""
    pool: Window = Window((2, 2), (2, 2))


@dataclass(frozen=True)
class Network(DeepNetwork):
    hidden: tuple[Convolution | None, ...] = ()
    """None: fully connected."""


@dataclass(frozen=True)
class Objective:
    loss: str = "squaredError"
    """squaredError, crossEntropy (against the largest of the teacher's outputs), labels or distillation."""
    temperature: float = 4.0
    label_weight: float = 0.1


@dataclass(frozen=True)
class Targets:
    """Of some images: a teacher's outputs [B, C], and labels [B]."""

    outputs: Array
    labels: Array

    def of(self, images: Array) -> Targets:
        return Targets(self.outputs[images], self.labels[images])


# Windows


def padded(x: Array, window: Window, value: float = 0.0) -> Array:
    (top, left) = window.padding
    return np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)), constant_values=value)


def patches(x: Array, window: Window, value: float = 0.0) -> Array:
    """What a window is over at each of its positions: [B, c, p, q, i, j]."""
    views = np.lib.stride_tricks.sliding_window_view(padded(x, window, value), window.size, axis=(2, 3))
    return views[:, :, :: window.stride[0], :: window.stride[1]]


def spread(g: Array, window: Window, like: Array) -> Array:
    """The slope at a map of one at its patches: the transpose of patches."""
    result = padded(np.zeros_like(like), window)
    (down, right), (rows, columns) = window.stride, g.shape[2:4]
    for i in range(window.size[0]):
        for j in range(window.size[1]):
            result[:, :, i : i + down * rows : down, j : j + right * columns : right] += g[..., i, j]
    (top, left) = window.padding
    return result[:, :, top : top + like.shape[2], left : left + like.shape[3]]


def pooled(y: Array, layer: Convolution) -> tuple[Array, Array]:
    """The smaller map [B, c, p, q], and what it takes of each place of its windows, [B, c, p, q, i, j]."""
    if layer.pooling == "max":
        values = patches(y, layer.pool, -np.inf)
        flat = values.reshape(*values.shape[:4], -1)
        shares = np.zeros_like(flat)
        np.put_along_axis(shares, flat.argmax(axis=-1)[..., None], 1.0, axis=-1)
        return flat.max(axis=-1), shares.reshape(values.shape)
    inside = patches(np.ones_like(y), layer.pool)
    shares = inside / inside.sum(axis=(4, 5), keepdims=True)
    return (patches(y, layer.pool) * shares).sum(axis=(4, 5)), shares


def smallest_gap(y: Array, window: Window) -> float:
    """Of the two largest of a window, by the size of all; equal ones are behind closed gates and do not count."""
    values = patches(y, window, -np.inf)
    two = np.sort(values.reshape(*values.shape[:4], -1), axis=-1)[..., -2:]
    gaps = two[..., 1] - two[..., 0]
    return float(gaps[gaps > 0].min(initial=np.inf) / np.sqrt(np.mean(y**2)))


# Forward and backward


def normalize(y: Array, layer: Tensors, training: bool) -> tuple[Array, Array, Array, Array, Array]:
    """N(y) of [B, c, p, q]; h, 1 / sqrt(var + epsilon), and the statistics that were used."""
    mean, variance = y.mean(axis=(0, 2, 3)), y.var(axis=(0, 2, 3))
    if not training:
        mean, variance = layer["norm.running_mean"], layer["norm.running_var"]
    inverse = 1 / np.sqrt(variance + EPSILON)
    h = (y - by_channel(mean)) * by_channel(inverse)
    scaled = by_channel(layer.get("norm.weight", np.ones_like(mean))) * h
    return scaled + by_channel(layer.get("norm.bias", np.zeros_like(mean))), h, inverse, mean, variance


def by_channel(values: Array) -> Array:
    return values[None, :, None, None]


@dataclass
class Passed:
    """What the way back through a layer needs."""

    input: Array
    activations: Array | None = None
    gate: Array | None = None
    normalized: tuple[Array, ...] | None = None
    """h, inverse, mean, variance"""
    shares: Array | None = None
    distance: float = np.inf
    """How far the closest gate is from turning, or maximum from changing its place, by the size of the layer's values."""


def as_window(convolution: Convolution | None, x: Array) -> Window:
    """A fully connected layer is a convolution whose window is the map."""
    return convolution.window if convolution else Window(x.shape[2:])


def kernels(weight: Array, x: Array) -> Array:
    return weight if weight.ndim == 4 else weight.reshape(len(weight), *x.shape[1:])


def forward(network: Network, x: Array, training: bool = False) -> tuple[Array, list[Passed]]:
    """Outputs [B, C] at images [B, c, rows, columns], and what was met in each layer."""
    f, trace = x, []
    for index, layer in enumerate(network.layers):
        convolution = network.hidden[index] if index < len(network.hidden) else None
        here = Passed(f)
        trace.append(here)
        views = patches(f, as_window(convolution, f))
        f = np.einsum("bcpqij,ncij->bnpq", views, kernels(layer["weight"], f), optimize=True)
        f = f + by_channel(layer.get("bias", np.zeros(len(layer["weight"]))))
        if index == len(network.layers) - 1:
            break
        if network.placement == "beforeActivation":
            f, *here.normalized = normalize(f, layer, training)
        here.distance = float(np.abs(f).min() / np.sqrt(np.mean(f**2)))
        here.gate = np.where(f > 0, 1.0, network.slope)
        f = f * here.gate
        if network.placement == "afterActivation":
            f, *here.normalized = normalize(f, layer, training)
        here.activations = f
        if convolution and convolution.pooling == "global":
            whole = replace(convolution, pool=Window(f.shape[2:]))
            f, here.shares = pooled(f, whole)
        elif convolution and convolution.pooling != "none":
            if convolution.pooling == "max":
                here.distance = min(here.distance, smallest_gap(f, convolution.pool))
            f, here.shares = pooled(f, convolution)
    return f[:, :, 0, 0], trace


def outputs(network: Network, x: Array) -> Array:
    return forward(network, x)[0]


def loss_and_slope(got: Array, targets: Targets, objective: Objective) -> tuple[float, Array]:
    """The mean loss of some images, and its derivative towards their outputs."""
    count, classes = got.shape
    if objective.loss == "squaredError":
        errors = got - targets.outputs
        return float(0.5 * np.mean(np.sum(errors**2, axis=1))), errors / count
    labels = targets.outputs.argmax(axis=1) if objective.loss == "crossEntropy" else targets.labels
    weight, t = (objective.label_weight, objective.temperature) if objective.loss == "distillation" else (1.0, 1.0)
    logs, hot = log_softmax(got), np.eye(classes)[labels]
    loss, slope = -weight * np.mean(np.sum(logs * hot, axis=1)), weight * (np.exp(logs) - hot)
    wanted, soft = log_softmax(targets.outputs / t), log_softmax(got / t)
    loss += (1 - weight) * t**2 * np.mean(np.sum(np.exp(wanted) * (wanted - soft), axis=1))
    slope += (1 - weight) * t * (np.exp(soft) - np.exp(wanted))
    return float(loss), slope / count


def gradients(
    network: Network, x: Array, targets: Targets, objective: Objective
) -> tuple[float, Tensors, list[Passed]]:
    """The loss, its derivative towards every tensor that can learn, and what was met on the way."""
    got, trace = forward(network, x, training=True)
    loss, g = loss_and_slope(got, targets, objective)
    g = g[:, :, None, None]
    result: Tensors = {}
    for index in reversed(range(len(network.layers))):
        layer, here = network.layers[index], trace[index]
        convolution = network.hidden[index] if index < len(network.hidden) else None

        def through_normalization(g: Array) -> Array:
            h, inverse = here.normalized[:2]
            if "norm.weight" in layer:
                result[f"layers.{index}.norm.weight"] = (h * g).sum(axis=(0, 2, 3))
                result[f"layers.{index}.norm.bias"] = g.sum(axis=(0, 2, 3))
            centred = g - by_channel(g.mean(axis=(0, 2, 3))) - h * by_channel((h * g).mean(axis=(0, 2, 3)))
            return by_channel(layer.get("norm.weight", np.ones_like(inverse)) * inverse) * centred

        if index < len(network.layers) - 1:  # g is towards the next layer's input: make it one towards z
            if here.shares is not None:
                pool = Window(here.activations.shape[2:]) if convolution.pooling == "global" else convolution.pool
                g = spread(g[..., None, None] * here.shares, pool, here.activations)
            if network.placement == "afterActivation":
                g = through_normalization(g)
            g = g * here.gate
            if network.placement == "beforeActivation":
                g = through_normalization(g)
        window = as_window(convolution, here.input)
        views = patches(here.input, window)
        slopes = np.einsum("bnpq,bcpqij->ncij", g, views, optimize=True)
        result[f"layers.{index}.weight"] = slopes.reshape(layer["weight"].shape)
        if "bias" in layer:
            result[f"layers.{index}.bias"] = g.sum(axis=(0, 2, 3))
        if index > 0:
            back = np.einsum("bnpq,ncij->bcpqij", g, kernels(layer["weight"], here.input), optimize=True)
            g = spread(back, window, here.input)
            if network.hidden[index - 1] is None:
                g = g.reshape(len(g), -1, 1, 1)
    return loss, result, trace


# Training


def with_statistics(tensors: Tensors, trace: list[Passed]) -> Tensors:
    """The tensors with the running statistics moved towards those of a batch, its variance unbiased."""
    result = dict(tensors)
    for index, here in enumerate(trace):
        if here.normalized is not None:
            h, _, mean, variance = here.normalized
            count = h.size // h.shape[1]
            for part, value in {"mean": mean, "var": variance * count / (count - 1)}.items():
                name = f"layers.{index}.norm.running_{part}"
                result[name] = (1 - RUNNING_SHARE) * tensors[name] + RUNNING_SHARE * value
    return result


@dataclass
class History:
    """The student before the first step and after each epoch, and the mean loss of each epoch's batches."""

    students: list[Network]
    losses: list[float] = field(default_factory=list)
    distance: float = np.inf
    """The smallest of all steps: how far training was from the nearest kink."""


def trained(
    student: Network, images: Array, targets: Targets, objective: Objective, rules: Rules, epochs: int, batches: Array
) -> History:
    """images is [N, c, rows, columns], normalised; batches [step, B] names those of each step."""
    history, optimizer = History([student]), Optimizer(rules)
    last = len(student.layers) - 1
    for epoch in range(1, epochs + 1):
        losses = []
        for seen in batches[(epoch - 1) * rules.steps_per_epoch : epoch * rules.steps_per_epoch]:
            loss, slopes, trace = gradients(student, images[seen], targets.of(seen), objective)
            losses.append(loss)
            history.distance = min(history.distance, *(here.distance for here in trace))
            slopes = {name: slope for name, slope in slopes.items() if rules.moves(name, last)}
            tensors = optimizer.moved(with_statistics(student.tensors, trace), slopes, rules.rate(epoch))
            student = replace(student, tensors=tensors)
        history.students.append(student)
        history.losses.append(float(np.mean(losses)))
    return history
