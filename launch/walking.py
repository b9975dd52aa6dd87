"""What all commands that walk have in common: on which devices, in which format, and how."""

import os
from typing import Any

import jax

import hillopt as ho
from launch.fields import flag


def dtype() -> Any:
    """The setting --dtype."""
    return flag("float64", "The walks' floating-point format.", choices=["float32", "float64"])


def climb() -> Any:
    """The setting --climb."""
    return flag(
        None,
        "How to walk; by default the best that proves. fast is the fastest without proofs.",
        choices=sorted(ho.CLIMBS),
    )


def cpu_devices() -> Any:
    """The setting --cpu_devices."""
    return flag(None, "CPU cores to walk on; all by default.", at_least=1, counts=False)


def set_up(dtype: str, cpu_devices: int | None = None) -> None:
    """Number format and CPU devices, all cores by default; before JAX looks for devices."""
    jax.config.update("jax_enable_x64", dtype == "float64")
    jax.config.update("jax_num_cpu_devices", cpu_devices or os.cpu_count() or 1)
