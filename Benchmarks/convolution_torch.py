"""The step of a teacher of images in PyTorch: milliseconds a step and a forward pass, as JSON. Run with a Python that has torch.

64-64-64-64 filters of 3 x 3 without padding, each with ReLU and then batch normalisation, a linear layer on the flattened
maps; batches of 64 images of 3 x 32 x 32, float32; cross-entropy on labels, SGD with momentum and weight decay. In
PyTorch's own layout and channels last.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from step import missing, options_with_threads

options = options_with_threads(__doc__, rounds=10)

try:
    import torch
except ImportError as error:
    missing("torch", error)
from torch import nn

torch.set_num_threads(options.threads)

WIDTHS, BATCH = [64, 64, 64, 64], 64


def measured(memory_format: torch.memory_format) -> tuple[float, float]:
    """Milliseconds of a step and of an evaluation of a batch: the best of some rounds, after one to warm up."""
    layers: list[nn.Module] = []
    for channels, filters in zip([3] + WIDTHS, WIDTHS):
        layers += [nn.Conv2d(channels, filters, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(filters)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 24 * 24, 10)).to(memory_format=memory_format)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)
    images = torch.randn(BATCH, 3, 32, 32).contiguous(memory_format=memory_format)
    labels = torch.arange(BATCH) % 10

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    def forward() -> None:
        with torch.inference_mode():
            model(images)

    def milliseconds(call: Callable[[], None]) -> float:
        begin = time.perf_counter()
        call()
        return (time.perf_counter() - begin) * 1e3

    times: list[tuple[float, float]] = []
    for _ in range(options.rounds + 1):
        model.train()
        training = milliseconds(step)
        model.eval()
        times.append((training, milliseconds(forward)))
    return min(t for t, _ in times[1:]), min(t for _, t in times[1:])


results = []
for variant, memory_format in [("NCHW", torch.contiguous_format), ("channels last", torch.channels_last)]:
    step_time, forward_time = measured(memory_format)
    results.append({
        "program": f"PyTorch {torch.__version__}", "variant": variant, "threads": options.threads,
        "millisecondsPerStep": step_time, "forwardMilliseconds": forward_time,
    })
json.dump(results, sys.stdout, indent=1)
print()
