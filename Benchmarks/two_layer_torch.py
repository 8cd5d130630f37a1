"""The two-layer SGD step in PyTorch: microseconds a step, as JSON. Run with a Python that has torch (2.x, CPU)."""

from __future__ import annotations

import random
from collections.abc import Callable

from step import (
    B, C, D, INPUT_DEVIATION, LEARNING_RATE, SAMPLES, STEPS_PER_CALL, STUDENT_DEVIATION, TEACHER_BIAS, Variant,
    missing, print_measurements, use_one_core,
)

use_one_core()
try:
    import torch
except ImportError as error:
    missing("torch", error)
from torch import Tensor

torch.set_num_threads(1)
torch.set_grad_enabled(False)
torch.set_default_dtype(torch.float64)

RATE = LEARNING_RATE / B
SEEDS = 32


def drawn_inputs() -> Tensor:
    """Gaussian samples, [sample, d]."""
    return INPUT_DEVIATION * torch.randn(SAMPLES, D)


def drawn_teacher(m: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W1 [m, d] with unit rows, b1 [m], W2 [C, m], b2 [C]."""
    weights = torch.nn.functional.normalize(torch.randn(m, D))
    return weights, torch.full((m,), TEACHER_BIAS), torch.randn(C, m), torch.full((C,), TEACHER_BIAS)


def outputs(network: tuple[Tensor, Tensor, Tensor, Tensor], x: Tensor) -> Tensor:
    """[sample, d] -> [sample, C]."""
    w1, b1, w2, b2 = network
    return torch.addmm(b2, torch.addmm(b1, x, w1.T).relu_(), w2.T)


def peers_own(m: int, n: int) -> Callable[[], None]:
    """The step as the paper's public code takes it.

    Weights hold their bias as a last row, so a column of ones is concatenated to every layer's activation; batches are
    selected with a Python list; the teacher runs in each step; forward and backward are matrix products by hand, and
    each makes new tensors.
    """
    x_all = drawn_inputs()
    t1, tb1, t2, tb2 = drawn_teacher(m)
    teacher = [torch.cat([t1.T, tb1[None]]), torch.cat([t2.T, tb2[None]])]  # [d + 1, m], [m + 1, C]
    student = [STUDENT_DEVIATION * torch.randn(D + 1, n), STUDENT_DEVIATION * torch.randn(n + 1, C)]
    order = [[random.randrange(SAMPLES) for _ in range(B)] for _ in range(STEPS_PER_CALL)]

    def with_ones(x: Tensor) -> Tensor:
        return torch.cat([x, torch.ones(x.size(0), 1)], dim=1)

    def forward(weights: list[Tensor], x: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        lowest = with_ones(x)
        z = lowest.matmul(weights[0])
        hidden = with_ones(z.clamp(min=0))
        return [lowest, hidden], z > 0, hidden.matmul(weights[1])

    def backward(weights: list[Tensor], activations: list[Tensor], gate: Tensor, residual: Tensor) -> list[Tensor]:
        g = residual.matmul(weights[1][:-1].t()) * gate.to(residual.dtype)
        return [activations[0].t().matmul(g), activations[1].t().matmul(residual)]

    def call() -> None:
        for indices in order:
            x = x_all[indices]
            _, _, wanted = forward(teacher, x)
            activations, gate, output = forward(student, x)
            for weight, direction in zip(student, backward(student, activations, gate, wanted - output)):
                weight += RATE * direction

    return call


def in_place(cached: bool) -> Callable[[int, int], Callable[[], None]]:
    """The step written for speed: nothing concatenated, and products write where their result belongs."""

    def start(m: int, n: int) -> Callable[[], None]:
        x_all, teacher = drawn_inputs(), drawn_teacher(m)
        y_all = outputs(teacher, x_all)
        t1, tb1, t2, tb2 = teacher
        w1, b1 = STUDENT_DEVIATION * torch.randn(n, D), torch.zeros(n)
        w2, b2 = STUDENT_DEVIATION * torch.randn(C, n), torch.zeros(C)
        x, residual, teacher_hidden = torch.empty(B, D), torch.empty(B, C), torch.empty(B, m)
        z, hidden, g, output = torch.empty(B, n), torch.empty(B, n), torch.empty(B, n), torch.empty(B, C)
        ones = torch.ones(B)
        order = torch.randint(SAMPLES, (STEPS_PER_CALL, B)).unbind(0)

        def call() -> None:
            for indices in order:
                torch.index_select(x_all, 0, indices, out=x)
                if cached:
                    torch.index_select(y_all, 0, indices, out=residual)
                else:
                    torch.addmm(tb1, x, t1.T, out=teacher_hidden).relu_()
                    torch.addmm(tb2, teacher_hidden, t2.T, out=residual)
                torch.addmm(b1, x, w1.T, out=z)
                torch.clamp(z, min=0, out=hidden)
                torch.addmm(b2, hidden, w2.T, out=output)
                residual.sub_(output)
                torch.mm(residual, w2, out=g)
                gated = torch.ops.aten.threshold_backward(g, z, 0)
                w2.addmm_(residual.T, hidden, alpha=RATE)
                b2.addmv_(residual.T, ones, alpha=RATE)
                w1.addmm_(gated.T, x, alpha=RATE)
                b1.addmv_(gated.T, ones, alpha=RATE)

        return call

    return start


def batched(cached: bool) -> Callable[[int, int], Callable[[], None]]:
    """32 students at once, each with its own batches, by batched products; all see one data set and one teacher."""

    def start(m: int, n: int) -> Callable[[], None]:
        x_all, teacher = drawn_inputs(), drawn_teacher(m)
        y_all = outputs(teacher, x_all)
        w1, b1 = STUDENT_DEVIATION * torch.randn(SEEDS, n, D), torch.zeros(SEEDS, 1, n)
        w2, b2 = STUDENT_DEVIATION * torch.randn(SEEDS, C, n), torch.zeros(SEEDS, 1, C)
        order = torch.randint(SAMPLES, (STEPS_PER_CALL, SEEDS * B)).unbind(0)

        def call() -> None:
            for indices in order:
                x = x_all.index_select(0, indices)
                wanted = y_all.index_select(0, indices) if cached else outputs(teacher, x)
                x = x.view(SEEDS, B, D)
                z = torch.baddbmm(b1, x, w1.mT)
                hidden = z.clamp(min=0)
                residual = wanted.view(SEEDS, B, C) - torch.baddbmm(b2, hidden, w2.mT)
                g = torch.ops.aten.threshold_backward(torch.bmm(residual, w2), z, 0)
                w2.baddbmm_(residual.mT, hidden, alpha=RATE)
                b2.add_(residual.sum(1, keepdim=True), alpha=RATE)
                w1.baddbmm_(g.mT, x, alpha=RATE)
                b1.add_(g.sum(1, keepdim=True), alpha=RATE)

        return call

    return start


print_measurements(
    f"PyTorch {torch.__version__}",
    [
        Variant("the peer's own step", peers_own),
        Variant("in place, teacher recomputed", in_place(cached=False)),
        Variant("in place, teacher cached", in_place(cached=True)),
        Variant("32 seeds batched, teacher recomputed", batched(cached=False), networks=SEEDS),
        Variant("32 seeds batched, teacher cached", batched(cached=True), networks=SEEDS),
    ],
)
