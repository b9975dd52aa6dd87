"""How training is compiled."""

import jax


def compiler_options() -> dict[str, str]:
    """For `jax.jit`: on a CPU XLA gives matrix products to its library of kernels, and nothing else.

    By default sums go there too, with whatever is computed on the way: the mean error of a batch of images then takes longer
    than the products of a dense network's step (JAX 0.10 to 0.12).
    """
    products_alone = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"}
    return products_alone if jax.default_backend() == "cpu" else {}
