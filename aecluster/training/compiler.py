"""How training is compiled."""

import jax

# On a CPU XLA gives matrix products to its library of kernels, and nothing else. By default sums go there too, with whatever
# is computed on the way: the mean error of a batch then takes longer than the products of a dense step (JAX 0.10 to 0.12).
# On a GPU they go to cuBLAS. By default XLA also writes kernels of its own for every product and times them while it compiles,
# which takes longer than most trainings here: on an H100 14.2 s until the first epoch of latent 16 is over, and 7.1 s so.
OPTIONS: dict[str, dict[str, str | bool]] = {
    "cpu": {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"},
    "gpu": {"xla_gpu_enable_triton_gemm": False},
}


def compiler_options() -> dict[str, str | bool]:
    """For `jax.jit`: matrix products by the library that the device has for them."""
    return OPTIONS.get(jax.default_backend(), {})
