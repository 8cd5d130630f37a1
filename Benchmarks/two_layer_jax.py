"""The two-layer SGD step in JAX: microseconds a step and network, as JSON. Run with a Python that has jax (CPU)."""

from __future__ import annotations

import os
from collections.abc import Callable

from step import (
    B, C, D, INPUT_DEVIATION, LEARNING_RATE, SAMPLES, STEPS_PER_CALL, STUDENT_DEVIATION, TEACHER_BIAS, Variant,
    missing, print_measurements, use_one_core,
)

use_one_core()
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
try:
    import jax
except ImportError as error:
    missing("jax", error)
import jax.numpy as jnp
from jax import Array

jax.config.update("jax_enable_x64", True)

RATE = LEARNING_RATE / B
SEEDS = 32

Network = tuple[Array, Array, Array, Array]
"""W1 [nodes, d], b1 [nodes], W2 [C, nodes], b2 [C]."""


def drawn_teacher(key: Array, m: int) -> Network:
    """A teacher with unit first-layer rows."""
    first, second = jax.random.split(key)
    weights = jax.random.normal(first, (m, D))
    weights = weights / jnp.linalg.norm(weights, axis=1, keepdims=True)
    return weights, jnp.full(m, TEACHER_BIAS), jax.random.normal(second, (C, m)), jnp.full(C, TEACHER_BIAS)


def drawn_student(key: Array, n: int) -> Network:
    """A student with small Gaussian weights."""
    first, second = jax.random.split(key)
    return (
        STUDENT_DEVIATION * jax.random.normal(first, (n, D)), jnp.zeros(n),
        STUDENT_DEVIATION * jax.random.normal(second, (C, n)), jnp.zeros(C),
    )


def outputs(network: Network, x: Array) -> Array:
    """[sample, d] -> [sample, C]."""
    w1, b1, w2, b2 = network
    return jnp.maximum(x @ w1.T + b1, 0) @ w2.T + b2


def step(student: Network, x: Array, wanted: Array) -> Network:
    """One SGD step on a batch x [B, d] with the teacher's outputs wanted [B, C]."""
    w1, b1, w2, b2 = student
    z = x @ w1.T + b1
    hidden = jnp.maximum(z, 0)
    residual = wanted - (hidden @ w2.T + b2)
    g = (residual @ w2) * (z > 0)
    return (
        w1 + RATE * (g.T @ x), b1 + RATE * g.sum(0),
        w2 + RATE * (residual.T @ hidden), b2 + RATE * residual.sum(0),
    )


def scanned(cached: bool, seeds: int) -> Callable[[int, int], Callable[[], None]]:
    """jit of a scan over the steps of one student, or of `seeds` students side by side (vmap).

    The students have batches of their own and share one data set and one teacher.
    """

    def start(m: int, n: int) -> Callable[[], None]:
        keys = jax.random.split(jax.random.key(1), 4)
        x_all = INPUT_DEVIATION * jax.random.normal(keys[0], (SAMPLES, D))
        teacher = drawn_teacher(keys[1], m)
        y_all = outputs(teacher, x_all)
        students = jax.vmap(lambda key: drawn_student(key, n))(jax.random.split(keys[2], seeds))
        order = jax.random.randint(keys[3], (seeds, STEPS_PER_CALL, B), 0, SAMPLES)

        def trained(student: Network, order: Array, x_all: Array, y_all: Array, teacher: Network) -> Network:
            def body(student: Network, indices: Array) -> tuple[Network, None]:
                x = x_all[indices]
                return step(student, x, y_all[indices] if cached else outputs(teacher, x)), None

            return jax.lax.scan(body, student, order)[0]

        if seeds == 1:
            state, order = jax.tree.map(lambda array: array[0], students), order[0]
        else:
            state, trained = students, jax.vmap(trained, in_axes=(0, 0, None, None, None))
        train = jax.jit(trained, donate_argnums=0)

        def call() -> None:
            nonlocal state
            state = jax.block_until_ready(train(state, order, x_all, y_all, teacher))

        return call

    return start


print_measurements(
    f"JAX {jax.__version__}",
    [
        Variant("jit + scan, teacher recomputed", scanned(cached=False, seeds=1)),
        Variant("jit + scan, teacher cached", scanned(cached=True, seeds=1)),
        Variant("jit + scan + vmap over 32 seeds, teacher recomputed", scanned(cached=False, seeds=SEEDS), SEEDS),
        Variant("jit + scan + vmap over 32 seeds, teacher cached", scanned(cached=True, seeds=SEEDS), SEEDS),
    ],
)
