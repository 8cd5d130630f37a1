"""The deep SGD step in PyTorch: milliseconds a step, as JSON. Run with a Python that has torch (2.x, CPU).

A student 20-500-750-1000-1250-100 with biases, ReLU, batches of 64, float32, teacher outputs cached: a batch is gathered,
run forward and backward against half the squared error, and the weights move. The order of the batches is drawn before.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from step import missing, options_with_threads

options = options_with_threads(__doc__)

try:
    import torch
except ImportError as error:
    missing("torch", error)
from torch import Tensor

torch.set_num_threads(options.threads)

WIDTHS = [20, 500, 750, 1000, 1250, 100]
BATCH, SAMPLES, RATE = 64, 10_000, 1e-5
STEPS_PER_CALL, WINDOWS = 5, 30


def drawn_weights() -> tuple[list[Tensor], list[Tensor]]:
    """W [out, in] and b [out] of each layer."""
    pairs = list(zip(WIDTHS, WIDTHS[1:]))
    return [torch.randn(o, i) * (2 / i) ** 0.5 for i, o in pairs], [torch.zeros(o) for _, o in pairs]


def autograd() -> Callable[[], None]:
    """As users write it: nn.Sequential, a loss, backward, torch.optim.SGD."""
    layers: list[torch.nn.Module] = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    x, y = torch.randn(SAMPLES, WIDTHS[0]), torch.randn(SAMPLES, WIDTHS[-1])
    order = torch.randint(SAMPLES, (STEPS_PER_CALL, BATCH)).unbind(0)

    def call() -> None:
        for indices in order:
            optimizer.zero_grad()
            loss = (model(x[indices]) - y[indices]).square().sum() / (2 * BATCH)
            loss.backward()
            optimizer.step()

    return call


def in_place() -> Callable[[], None]:
    """Written for speed: forward and backward by hand, products write where their result belongs."""
    torch.set_grad_enabled(False)
    weights, biases = drawn_weights()
    x_all, y_all = torch.randn(SAMPLES, WIDTHS[0]), torch.randn(SAMPLES, WIDTHS[-1])
    hidden = [torch.empty(BATCH, width) for width in WIDTHS]
    below = [torch.empty(BATCH, width) for width in WIDTHS]
    ones = torch.ones(BATCH)
    order = torch.randint(SAMPLES, (STEPS_PER_CALL, BATCH)).unbind(0)
    last, rate = len(weights) - 1, RATE / BATCH

    def call() -> None:
        for indices in order:
            torch.index_select(x_all, 0, indices, out=hidden[0])
            for layer, (w, b) in enumerate(zip(weights, biases)):
                torch.addmm(b, hidden[layer], w.T, out=hidden[layer + 1])
                if layer < last:
                    hidden[layer + 1].relu_()
            torch.index_select(y_all, 0, indices, out=below[-1])
            g = below[-1].sub_(hidden[-1])
            for layer in range(last, -1, -1):
                if layer > 0:
                    torch.mm(g, weights[layer], out=below[layer])
                    gated = torch.ops.aten.threshold_backward(below[layer], hidden[layer], 0)
                weights[layer].addmm_(g.T, hidden[layer], alpha=rate)
                biases[layer].addmv_(g.T, ones, alpha=rate)
                if layer > 0:
                    g = gated

    return call


def milliseconds_per_step(call: Callable[[], None]) -> float:
    """The best of WINDOWS windows, after one to warm up; as many of as many steps as in Understudy's own benchmark."""
    call()
    times: list[float] = []
    for _ in range(WINDOWS):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) / STEPS_PER_CALL * 1e3)
    return min(times)


json.dump(
    [
        {
            "program": f"PyTorch {torch.__version__}", "variant": name, "threads": options.threads,
            "millisecondsPerStep": milliseconds_per_step(start()),
        }
        for name, start in [("autograd, torch.optim.SGD", autograd), ("in place, by hand", in_place)]
    ],
    sys.stdout, indent=1,
)
print()
