"""A machine whose JAX is for GPUs that nobody can reach: a command walks on the CPU, and says so in one line.

JAX itself says nothing where the driver is missing, shows a traceback where its libraries are, and dies where the driver is
there but does not work, which is after every update of a driver until the next start of the machine.
"""

import ctypes
import importlib.util
import pkgutil
import sys

import jax

NVIDIA = {"cuda", "gpu"}  # as JAX_PLATFORMS names these


def or_the_cpu() -> None:
    """Ask the driver, before JAX does, where JAX has a plugin for NVIDIA's GPUs; ValueError if it is told to have one of them."""
    told = jax.config.jax_platforms  # type: ignore[attr-defined]
    wanted = not told or not NVIDIA.isdisjoint(told.split(","))
    trouble = _trouble() if wanted and _has_plugin() else None
    if trouble is None:
        return
    if told:
        raise ValueError(f"JAX_PLATFORMS is {told!r}, but {trouble}; mend the driver, or set JAX_PLATFORMS=cpu.")
    jax.config.update("jax_platforms", "cpu")
    print(
        f"JAX is installed for GPUs, but {trouble}: all is done on the CPU; mend the driver, or set JAX_PLATFORMS=cpu.",
        file=sys.stderr,
    )


def _has_plugin() -> bool:
    found = importlib.util.find_spec("jax_plugins")
    places = found.submodule_search_locations if found else None
    return any("cuda" in module.name for module in pkgutil.iter_modules(places or []))


def _trouble() -> str | None:
    """Why no GPU answers, or None if one does."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "there is no NVIDIA driver"
    count = ctypes.c_int()
    error = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if error:
        return f"the NVIDIA driver does not work (CUDA error {error})"
    return None if count.value else "the NVIDIA driver knows of none"
