"""Executes the annotations of both libraries, and sets JAX up: float64 and two devices on the CPU."""

from collections.abc import Iterator

import jax
import jaxtyping
import pytest

jaxtyping.install_import_hook(["hillopt", "aecluster"], "annotations.checked")

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture
def as_users_call() -> Iterator[None]:
    """Bad input meets the library's own checks, as it does outside these tests, where no annotation is executed."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
