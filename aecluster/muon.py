"""Muon: momentum whose matrices are made orthogonal before every step."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

ITERATIONS = 5
FACTORS = jnp.bfloat16  # of products; their sums are float32
SMALL = 32  # rows below which nothing is gained
TINY = 1e-8
QUINTIC = (3.4445, -4.7750, 2.0315)  # steepest at 0 of those that keep singular values between 0.7 and 1.2


def muon(learning_rate: optax.ScalarOrSchedule, beta: float = 0.95) -> optax.GradientTransformation:
    """Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) for kernels, Adam with Nesterov's momentum for the rest.

    As published, momentum is Nesterov's, decays by `beta`, and is brought near U V' for an update U S V' by five iterations whose
    products have factors in bfloat16; a convolution's kernel is a matrix from its field and inputs to its outputs. Sums of
    products are float32: on processors with AVX-512 BF16, and on tensor cores, they take half the time of float32 factors.
    """
    kernels = optax.chain(
        optax.trace(beta, nesterov=True),
        optax.stateless_with_tree_map(lambda update, _: _orthogonal(update)),
        optax.scale_by_learning_rate(learning_rate),
    )
    return optax.partition({"kernel": kernels, "rest": optax.adam(learning_rate, nesterov=True)}, _which)


def _which(params: Any) -> Any:
    return jax.tree.map(lambda leaf: "kernel" if leaf.ndim > 1 else "rest", params)


def _orthogonal(update: Float[Array, "*inputs output"]) -> Float[Array, "*inputs output"]:
    """The update with all singular values near 1, times sqrt(outputs / inputs) where that is more than 1."""
    matrix = update.reshape(-1, update.shape[-1])
    inputs, outputs = matrix.shape
    wide = matrix.T if inputs > outputs else matrix  # so that products with its transpose are small
    wide = jax.lax.optimization_barrier(
        wide
    )  # transposed for good: XLA's CPUs multiply no batches of transposed bfloat16
    near = orthogonalize(wide)
    made = near.T if inputs > outputs else near
    return (max(1.0, outputs / inputs) ** 0.5 * made).reshape(update.shape)


def orthogonalize(matrix: Float[Array, "short long"]) -> Float[Array, "short long"]:
    """U S V' with all of S near 1 for a matrix U D V', by Newton-Schulz iterations of degree 5.

    S lies between 0.7 and 1.2 but for singular values of less than a thousandth of the matrix's norm, which stay behind.
    """
    a, b, c = QUINTIC
    factors = FACTORS if min(matrix.shape) >= SMALL else jnp.float32

    def product(left: Float[Array, "row inner"], right: Float[Array, "a b"], along: int) -> Float[Array, "row column"]:
        dimensions = (((1,), (along,)), ((), ()))
        return jax.lax.dot_general(
            left.astype(factors), right.astype(factors), dimensions, preferred_element_type=jnp.float32
        )

    def iterate(_: Array, x: Float[Array, "short long"]) -> Float[Array, "short long"]:
        square = product(x, x, 1)
        return a * x + product(b * square + c * product(square, square, 1), x, 0)

    return jax.lax.fori_loop(0, ITERATIONS, iterate, matrix / (jnp.linalg.norm(matrix) + TINY))
